"""The JPEGs that RTP carries, and the reasons why it carries no others."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.errors import NotSupported
from twistedcam.media.jpeg import read_header
from twistedcam.rtsp.payloads.jpeg_parts import read_parts


def encoded(width: int = 64, height: int = 48, channels: int = 3, **flags: int) -> bytes:
    """A JPEG; flags are those of OpenCV without ``IMWRITE_JPEG_``."""
    picture = np.random.default_rng(1).integers(0, 255, (height, width, channels), np.uint8)
    words = [
        item
        for key, value in flags.items()
        for item in (getattr(cv2, f"IMWRITE_JPEG_{key}"), value)
    ]
    return bytes(cv2.imencode(".jpg", picture, words)[1])


def test_the_parts_are_those_of_the_file() -> None:
    jpeg = encoded(RST_INTERVAL=3)
    parts = read_parts(jpeg)
    assert (parts.kind, parts.width, parts.height, parts.restart_interval) == (1, 64, 48, 3)
    assert len(parts.tables) == 128 and parts.precisions == 0
    assert jpeg[parts.scan_at - 3 : parts.scan_at] == b"\0\x3f\0"  # the end of the scan's header


@pytest.mark.parametrize(
    ("jpeg", "reason"),
    [
        (encoded(OPTIMIZE=1), "standard Huffman tables"),
        (encoded(PROGRESSIVE=1), "baseline"),
        (encoded(SAMPLING_FACTOR=cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444), "4:2:0 or 4:2:2"),
        (encoded(channels=1), "grey"),
        (encoded(width=60), "60x48"),
        (encoded(height=2048, width=16), "16x2048: its sides"),
    ],
)
def test_what_rtp_cannot_carry_is_refused_with_the_reason(jpeg: bytes, reason: str) -> None:
    with pytest.raises(NotSupported, match=reason):
        read_parts(jpeg)


@given(st.integers(2, 700), st.integers(0, 255))
def test_a_damaged_header_is_an_error_and_never_another(at: int, value: int) -> None:
    jpeg = encoded()
    damaged = jpeg[:at] + bytes([value]) + jpeg[at + 1 :]
    try:
        parts = read_parts(damaged)
    except (NotSupported, ValueError):
        return
    assert read_header(damaged).size == (parts.width, parts.height)
