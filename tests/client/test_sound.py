"""The viewer plays sound as it comes, drops what is late, and says once why there is none."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from client.actions import KeyActions
from client.sound import CHANNELS, RATE, NoSoundError, SoundPlayer, open_device
from client.views import View
from tests.support.sound import encoded_packets
from twistedcam.clients.frames import parse_target
from twistedcam.media.packet import Packet


class FakeOutput:
    """A device that asks for samples when the test does."""

    def __init__(self, fill: Any) -> None:
        self._fill = fill
        self.is_open = False

    def start(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def read(self, seconds: float) -> Any:
        samples = np.ones((round(seconds * RATE), CHANNELS), np.float32)
        self._fill(samples)
        return samples


class Ears:
    """A player with such a device."""

    def __init__(self) -> None:
        self.outputs: list[FakeOutput] = []
        self.failures: list[str] = []
        self.player = SoundPlayer(self.failures.append, self._open)

    def _open(self, fill: Any) -> FakeOutput:
        self.outputs.append(FakeOutput(fill))
        return self.outputs[-1]

    def read(self, seconds: float) -> Any:
        return self.outputs[0].read(seconds)


@pytest.mark.parametrize("codec", ["opus", "aac"])
def test_a_click_is_heard_when_its_packet_comes(codec: str) -> None:
    ears = Ears()
    heard = []
    for packet in encoded_packets(codec, 1.3):
        ears.player.take(packet)
        heard.append(ears.read(0.02 if codec == "opus" else 1024 / RATE))
    samples = np.concatenate(heard)
    loud = np.flatnonzero(np.abs(samples[:, 0]) > 0.1) / RATE
    # The first click is in the beginning; the buffer at the start delays both.
    second = loud[loud > 0.5]
    assert second.size
    assert 1.0 <= second[0] < 1.12
    ears.player.close()
    assert not ears.outputs[0].is_open


def test_sound_that_waits_too_long_is_dropped_and_silence_follows_the_last() -> None:
    ears = Ears()
    for packet in encoded_packets("opus", 1.0):
        ears.player.take(packet)
    played = ears.read(0.5)
    assert not played[round(0.2 * RATE) :].any()
    assert not ears.read(0.1).any()


def test_mute_and_volume_are_keys() -> None:
    ears = Ears()
    packets = encoded_packets("opus", 1.0)
    view = View(parse_target("twistedcam://localhost"))
    view.sound = ears.player
    actions = KeyActions([view], folder=None)  # type: ignore[arg-type]
    actions.press("m")
    assert (actions.message, ears.player.is_muted) == ("sound off", True)
    for packet in packets[:10]:
        ears.player.take(packet)
    assert not ears.outputs
    actions.press("m")
    for packet in packets[:10]:
        ears.player.take(packet)
    loud = np.abs(ears.read(0.1)).max()
    for _ in range(12):
        actions.press("-")
    assert actions.message == "volume 0 %"
    for packet in packets[:10]:
        ears.player.take(packet)
    assert loud > 0.1
    assert not ears.read(0.1).any()
    actions.press("+")
    assert ears.player.volume == 1


def test_a_missing_device_is_told_once() -> None:
    failures: list[str] = []

    def open_output(fill: Any) -> Any:
        raise NoSoundError("the device is in use")

    player = SoundPlayer(failures.append, open_output)
    for packet in encoded_packets("opus", 0.1):
        player.take(packet)
    assert failures == ["no sound: the device is in use"]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ImportError("no"), r"pip install -e '\.\[sound\]'"),
        (OSError("PortAudio library not found"), "not found: install it, in Debian as lib"),
    ],
)
def test_what_is_missing_is_told_with_advice(
    monkeypatch: pytest.MonkeyPatch, error: Exception, advice: str
) -> None:
    class Finder:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "sounddevice":
                raise error

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    with pytest.raises(NoSoundError, match=advice):
        open_device(lambda samples: None)


def test_a_broken_packet_is_left_out() -> None:
    ears = Ears()
    packets = encoded_packets("aac", 0.3)
    track = packets[0].track
    ears.player.take(Packet(track, 1, 1, 1, b"\xff" * 10))
    for packet in packets:
        ears.player.take(packet)
    assert ears.outputs
    assert not ears.failures
