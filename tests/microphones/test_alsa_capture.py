"""Samples from ALSA: formats that a card has, times, and samples that were lost."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Iterator
from ctypes import c_void_p
from types import SimpleNamespace
from typing import Any

import pytest

from twistedcam.microphones import alsa_capture
from twistedcam.microphones.alsa import safe_environment
from twistedcam.microphones.alsa_capture import AlsaCapture
from twistedcam.microphones.piece_length import PieceLength


class FakeAlsa:
    """Functions of ALSA for cards that have one format each.

    Arguments:
        cards: the rate and the channels of each name; None: another program uses it.
    """

    def __init__(self, **cards: tuple[int, int] | None) -> None:
        self._cards = cards
        self.opened: list[str] = []
        self.closed = 0
        #: Results of reading, and frames that wait after each.
        self.reads: Iterator[tuple[int, int]] = iter(())
        self._waiting = 0
        self.recovered: list[int] = []

    def snd_pcm_open(self, _: Any, name: bytes, stream: int, mode: int) -> int:
        assert (stream, mode) == (1, 1)
        self.opened.append(name.decode())
        if self._cards[name.decode()] is None:
            return -errno.EBUSY
        return 0

    def snd_pcm_close(self, _: c_void_p) -> int:
        self.closed += 1
        return 0

    def snd_pcm_hw_params_set_channels(self, _: Any, parameters: Any, channels: Any) -> int:
        self._channels = channels.value
        return 0

    def snd_pcm_hw_params_set_rate(self, _: Any, parameters: Any, rate: Any, near: int) -> int:
        card = self._cards[self.opened[-1]]
        return 0 if card == (rate.value, self._channels) else -errno.EINVAL

    def snd_pcm_readi(self, _: Any, room: int, count: int) -> int:
        read, self._waiting = next(self.reads)
        if read > 0:
            ctypes.memset(room, 7, read * self._channels * 2)
        return read

    def snd_pcm_delay(self, _: Any, waiting: Any) -> int:
        waiting._obj.value = self._waiting
        return 0

    def snd_pcm_recover(self, _: Any, error: int, silent: int) -> int:
        self.recovered.append(error)
        return 0 if error == -errno.EPIPE else error

    def __getattr__(self, name: str) -> Any:
        return lambda *_: 0


def opened(alsa: FakeAlsa, name: str, monkeypatch: pytest.MonkeyPatch) -> AlsaCapture:
    monkeypatch.setattr(alsa_capture, "_load", lambda: alsa)
    return AlsaCapture(name)


def test_the_card_itself_is_better_than_what_alsa_converts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alsa = FakeAlsa(**{"hw:1": (16_000, 1)})
    device = opened(alsa, "plughw:1", monkeypatch)
    assert (device.rate, device.channels, alsa.opened) == (16_000, 1, ["hw:1"])


def test_a_card_without_these_formats_is_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    alsa = FakeAlsa(**{"hw:1": (192_000, 8), "plughw:1": (48_000, 2)})
    device = opened(alsa, "plughw:1", monkeypatch)
    assert (device.rate, device.channels, alsa.closed) == (48_000, 2, 1)
    device.close()
    assert alsa.closed == 2


@pytest.mark.parametrize(
    ("card", "reason"), [((96_000, 6), "one or two channels"), (None, os.strerror(errno.EBUSY))]
)
def test_a_card_that_cannot_be_used_is_closed_and_says_why(
    card: tuple[int, int] | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alsa = FakeAlsa(usb=card)
    with pytest.raises(OSError, match=reason):
        opened(alsa, "usb", monkeypatch)
    assert alsa.closed == len(alsa.opened) - (card is None)


def test_times_are_those_of_capture_and_lost_samples_end_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alsa = FakeAlsa(usb=(48_000, 2))
    device = opened(alsa, "usb", monkeypatch)
    moment = SimpleNamespace(time=lambda: 1000.0, monotonic=lambda: 0.0)
    monkeypatch.setattr(alsa_capture, "time", moment)
    length = PieceLength()
    monkeypatch.setattr(length, "wait", lambda _: None)
    alsa.reads = iter([(1920, 480), (-errno.EPIPE, 0), (961, 4800), (-errno.ENODEV, 0)])
    pieces = device.read(length)
    for samples, time_read in ((1920, 1000 - 0.05), (961, 1000 - 100 / 1000 - 961 / 48_000)):
        frame, stamp = next(pieces)
        assert (frame.samples, frame.sample_rate, frame.layout.name) == (samples, 48_000, "stereo")
        assert bytes(frame.planes[0])[: samples * 4] == b"\7" * samples * 4
        assert stamp == pytest.approx(time_read)
    with pytest.raises(OSError, match=os.strerror(errno.ENODEV)):
        next(pieces)
    assert alsa.recovered == [-errno.EPIPE, -errno.ENODEV]


def test_it_reads_by_the_library_that_ffmpeg_has_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in safe_environment(os.environ).items():
        monkeypatch.setenv(name, value)
    device = AlsaCapture("null")
    assert (device.rate, device.channels) == (48_000, 2)
    began = time.monotonic()
    pieces = device.read(PieceLength())
    for _ in range(4):
        frame, stamp = next(pieces)
        assert bytes(frame.planes[0]) == bytes(1920 * 4)
        assert stamp == pytest.approx(time.time() - 0.04, abs=1.0)
    assert time.monotonic() - began > 0.1, "a device that never waits must not fill the server"
    device.close()
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        AlsaCapture("no-such-microphone")
