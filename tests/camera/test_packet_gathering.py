"""Packets gather while all who take them are patient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fakes import CameraRig, FakeScheme
from twistedcam.camera.packet_gathering import PacketGathering
from twistedcam.stream.hub import LATE, PATIENT, Sink


@pytest.fixture(autouse=True)
def _scheme() -> Iterator[None]:
    with FakeScheme():
        yield


class _Source:
    """Notes what it is told (Gathering)."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.collected = 0

    def gather(self, wanted: bool) -> float:
        self.told.append(wanted)
        return 0.2 if wanted else 0.0

    def collect(self) -> None:
        self.collected += 1


class _Taker(Sink[Any]):
    def take(self, packet: Any, /) -> None:
        """Ignore it."""


def test_packets_gather_as_long_as_nobody_needs_them_at_once() -> None:
    stream, source = CameraRig().camera.stream, _Source()
    camera = CameraRig().camera
    gathering = PacketGathering(stream, camera.audio, lambda: source, camera.rate)
    recorder, viewer, listener, motion = _Taker(), _Taker(), _Taker(), _Taker()
    stream.packets.add(recorder, priority=PATIENT)
    stream.sound.add(recorder, priority=PATIENT)
    assert source.told == []
    gathering.apply()
    assert (source.told.pop(), camera.rate.late) == (True, 0.2)
    stream.packets.add(viewer)
    assert (source.told.pop(), camera.rate.late) == (False, 0.0)
    stream.sound.add(listener)
    stream.frames.add(motion, priority=LATE)
    stream.packets.remove(viewer)
    stream.frames.remove(motion)
    assert True not in source.told
    stream.sound.remove(listener)
    assert (source.told.pop(), camera.rate.late) == (True, 0.2)
    stream.packets.remove(recorder)
    stream.sound.remove(recorder)
    assert True not in source.told


def test_what_has_gathered_is_collected_before_it_is_used() -> None:
    camera, source = CameraRig().camera, _Source()
    stream = camera.stream
    PacketGathering(stream, camera.audio, lambda: source, camera.rate)
    stream.packets.catch_up()
    assert source.collected == 1


def test_sources_that_cannot_gather_are_left_alone() -> None:
    camera = CameraRig().camera
    gathering = PacketGathering(camera.stream, camera.audio, lambda: object(), camera.rate)
    gathering.apply()
    camera.stream.packets.catch_up()
    assert camera.rate.late == 0.0


def test_a_microphone_s_sound_gathers_while_nobody_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    camera, told = CameraRig().camera, list[bool]()
    monkeypatch.setattr(camera.audio, "gather", told.append)
    PacketGathering(camera.stream, camera.audio, lambda: None, camera.rate).apply()
    viewer, listener, recorder = _Taker(), _Taker(), _Taker()
    camera.stream.packets.add(viewer)
    camera.stream.sound.add(recorder, priority=PATIENT)
    assert set(told) == {True}
    camera.stream.sound.add(listener)
    assert told[-1] is False
    camera.stream.sound.remove(listener)
    assert told[-1] is True
