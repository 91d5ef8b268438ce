"""JPEGs turned without loss by libturbojpeg."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.codecs.test_jpeg_encoder import camera_jpeg, need_turbojpeg
from twistedcam.codecs import jpeg_transform
from twistedcam.codecs.jpeg_transform import turn_jpeg
from twistedcam.media.jpeg_decoder import Damaged


def test_a_broken_picture_or_one_that_is_not_in_whole_blocks_is_refused() -> None:
    need_turbojpeg()
    with pytest.raises(Damaged, match="incomplete"):
        turn_jpeg(camera_jpeg(64, 32, "4:2:2")[:900], "180", "")
    with pytest.raises(ValueError, match=r"(?i)transform is not perfect"):
        turn_jpeg(camera_jpeg(60, 30, "4:2:0"), "180", "")


def test_without_the_library_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_transform, "load_library", lambda: None)
    with pytest.raises(ValueError, match="there is no libturbojpeg"):
        turn_jpeg(camera_jpeg(64, 32, "4:2:2"), "180", "")


def test_turning_on_many_threads_keeps_no_memory() -> None:
    need_turbojpeg()
    good, cut = camera_jpeg(64, 32, "4:2:2"), camera_jpeg(64, 32, "4:2:2")[:900]
    expected = turn_jpeg(good, "180", "")

    def work(count: int) -> bool:
        for _ in range(count):
            with contextlib.suppress(ValueError):
                turn_jpeg(cut, "180", "")
        return all(turn_jpeg(good, "180", "") == expected for _ in range(count))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, [500] * 4))  # the allocator takes what it needs
        before = resident()
        assert all(pool.map(work, [2500] * 4))
        assert resident() - before < 4 << 20


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
