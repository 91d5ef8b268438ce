"""A card whose clock is wrong gives sound that stays with the host's clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest

from twistedcam.microphones import reader
from twistedcam.microphones.reader import MicrophoneReader

START = 1_700_000_000.0


class Card:
    """A sound card whose clock is too fast or too slow, as FFmpeg gives it: a container."""

    def __init__(self, seconds: float, ppm: float, channels: int = 1, epoch: float = START) -> None:
        self.now = START
        self.slept = 0.0
        self._pace = 1 + ppm * 1e-6
        self._epoch = epoch
        # A click at each full second of the host.
        host = np.arange(round(seconds * 48_000)) / 48_000 * self._pace
        loud = ((host + 1e-9) % 1.0) < 0.001
        self._samples = np.repeat((loud * 20_000).astype("<i2")[:, None], channels, axis=1)
        self.streams: Any = self
        self.codec_context: Any = self
        self.audio = [self]
        self.time_base = 1e-6
        self.sample_rate, self.channels, self.name = 48_000, channels, "pcm_s16le"
        self.format: Any = self
        self.bytes = 2

    def demux(self, audio: int) -> Iterator[Any]:
        step = 240
        for at in range(0, len(self._samples) - step, step):
            packet = av.Packet(self._samples[at : at + step].tobytes())
            true = at / 48_000 * self._pace
            packet.pts = round((self._epoch + true + ((at * 7919) % 4001 - 2000) * 1e-6) * 1e6)
            self.now = START + true + step / 48_000 + 0.004
            yield packet

    def close(self) -> None:
        pass

    # In place of the module ``time``.

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def click_times(card: Card, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr(reader, "_open", lambda form, name: card)
    monkeypatch.setattr(reader, "time", card)
    found: list[float] = []
    with MicrophoneReader("alsa:default") as microphone:
        assert microphone.opened.channels == card.channels
        for sound in microphone.read():
            values = np.frombuffer(sound.samples, "<i2")[:: card.channels].astype(int)
            for index in np.flatnonzero(np.abs(values) > 5_000):
                at = sound.time_us / 1e6 - START + index / 48_000
                if not found or at - found[-1] > 0.3:
                    found.append(float(at))
    return found


@pytest.mark.parametrize("ppm", [800, -800])
def test_there_is_no_drift(ppm: float, monkeypatch: pytest.MonkeyPatch) -> None:
    found = click_times(Card(75, ppm), monkeypatch)  # 60 ms of drift
    assert len(found) >= 72
    assert max(abs(at - round(at)) for at in found) < 0.006


def test_times_of_another_clock_are_brought_to_the_host_s(monkeypatch: pytest.MonkeyPatch) -> None:
    found = click_times(Card(5, 0, channels=2, epoch=1_000.0), monkeypatch)
    assert found == pytest.approx([1.0, 2.0, 3.0, 4.0], abs=0.012)


def test_a_click_is_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(4, 0)
    assert click_times(card, monkeypatch) == pytest.approx([1.0, 2.0, 3.0], abs=0.006)
    assert card.slept > 1, "it waits for more samples at once"
