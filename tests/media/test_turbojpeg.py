"""The system's libturbojpeg: decodes without numpy, and says what simplejpeg says."""

from __future__ import annotations

import ctypes

import cv2
import numpy as np
import pytest
import simplejpeg

from tests.support.odd_jpegs import make_jpeg
from tests.support.system import require
from twistedcam.media import jpeg_decoder, turbojpeg
from twistedcam.media.jpeg_decoder import Damaged, check_jpeg
from twistedcam.media.turbojpeg import load_library, try_decoding

WHOLE = make_jpeg(seed=0)
GREY = cv2.imencode(".jpg", np.arange(400, dtype=np.uint8).reshape(16, 25))[1].tobytes()
CUT = WHOLE[: len(WHOLE) * 2 // 3] + b"\xff\xd9"
UNENDED = WHOLE[:-2]
ALIEN = b"no JPEG" * 20


@pytest.fixture(autouse=True)
def _library() -> None:
    require(load_library(), "libturbojpeg is not installed (Debian: apt-get install libturbojpeg0)")


def message_of_simplejpeg(data: bytes) -> str:
    try:
        simplejpeg.decode_jpeg(data, "GRAY", fastdct=True, strict=True)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("data", [WHOLE, GREY, CUT, UNENDED], ids=["whole", "grey", "cut", "open"])
def test_it_says_what_simplejpeg_says(data: bytes) -> None:
    assert try_decoding(data) == message_of_simplejpeg(data)


def test_what_it_does_not_support_is_left_to_others() -> None:
    assert try_decoding(ALIEN) is None
    with pytest.raises(ValueError, match="it does not begin with FF D8"):
        check_jpeg(ALIEN)


def test_a_check_needs_no_simplejpeg_unless_there_is_no_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    def answer(data: bytes) -> str:
        asked.append(data)
        return "Premature end of JPEG file"

    monkeypatch.setattr(jpeg_decoder, "_try_decoding_again", answer)
    assert not check_jpeg(WHOLE)
    with pytest.raises(Damaged, match="premature end of data segment"):
        check_jpeg(CUT)
    assert asked == []
    monkeypatch.setattr(turbojpeg, "load_library", lambda: None)
    with pytest.raises(Damaged, match="Premature end of JPEG file"):
        check_jpeg(WHOLE)
    assert asked == [WHOLE]


def test_without_a_library_on_the_system_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert load_library.__wrapped__() is None
