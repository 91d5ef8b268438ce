"""A microphone is opened, watched over and tried again; what it gives is passed on."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.microphones import microphone
from twistedcam.microphones.messages import Opened, Sound
from twistedcam.microphones.microphone import (
    OPEN_PATIENCE,
    PATIENCE,
    SILENT_AFTER,
    Microphone,
    MicrophoneListener,
)
from twistedcam.sources.base import RawPacket

NOW_US = 1_700_000_000_000_000


class Process:
    """A process that does what the test says."""

    def __init__(self, reactor: Any, source: str, on_message: Any, on_end: Any) -> None:
        self.say, self._on_end = on_message, on_end
        self.killed: list[str] = []
        self.is_closed = False
        self.gathers: list[bool] = []

    def gather(self, wanted: bool) -> None:
        self.gathers.append(wanted)

    def kill(self, reason: str) -> None:
        self.killed.append(reason)
        self.end(reason)

    def close(self) -> Deferred[None]:
        self.is_closed = True
        return succeed(None)

    def end(self, reason: str) -> None:
        self._on_end(reason)


class Listener(MicrophoneListener):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[RawPacket] = []
        self.changes = 0

    def on_sound(self, raw: RawPacket) -> None:
        self.taken.append(raw)

    def on_microphone_state(self) -> None:
        self.changes += 1


def sound(peak: float = 0.5, at: int = 0, pieces: int = 1) -> Sound:
    return Sound(at, struct.pack("<h", round(peak * 32768)) * 1920 * pieces)


class MicrophoneTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.processes: list[Process] = []
        patch = pytest.MonkeyPatch()
        self.addCleanup(patch.undo)
        patch.setattr(microphone, "_ReaderProcess", self.start)
        self.listener = Listener()
        self.wall = NOW_US / 1e6
        self.microphone = Microphone(
            self.clock, "cam", "alsa:default", self.listener, lambda: self.wall
        )
        self.addCleanup(self.microphone.close)

    def start(self, *arguments: Any) -> Any:
        self.processes.append(Process(*arguments))
        return self.processes[-1]

    @property
    def process(self) -> Process:
        return self.processes[-1]

    @property
    def told(self) -> tuple[str, str | None]:
        return self.microphone.state, self.microphone.reason

    def test_sound_is_passed_on_with_its_time(self) -> None:
        self.process.say(Opened(44_100, 2))
        self.assertEqual(self.told, ("starting", None))
        self.process.say(sound(at=1_700_000_000_250_000))
        self.assertEqual(self.told, ("live", None))
        raw = self.listener.taken[0]
        self.assertEqual((raw.track.codec, raw.track.channels), ("pcm_s16le", 2))
        self.assertEqual((raw.track.rate, raw.time), (48_000, 1_700_000_000.25))
        self.assertEqual(raw.data, sound().samples)

    def test_each_process_is_told_if_sound_may_gather(self) -> None:
        self.microphone.gather(True)
        self.assertEqual(self.process.gathers, [False, True])
        self.process.end("it was unplugged")
        self.microphone.gather(False)
        self.microphone.gather(True)
        self.clock.advance(0.5)
        self.assertEqual(self.process.gathers, [True])

    def test_sound_that_was_captured_so_far_can_be_waited_for(self) -> None:
        self.successResultOf(self.microphone.catch_up())
        self.process.say(Opened(48_000, 1))
        self.process.say(sound(at=NOW_US - 500_000))
        self.microphone.gather(True)
        early = self.microphone.catch_up()
        self.wall = NOW_US / 1e6 + 0.05
        late = self.microphone.catch_up()
        self.assertIs(self.process.gathers[-1], False)
        self.process.say(sound(at=NOW_US - 40_001))
        self.assertNoResult(early)
        self.process.say(sound(at=NOW_US - 40_000))
        self.successResultOf(early)
        self.assertNoResult(late)
        self.assertIs(self.process.gathers[-1], False)
        self.process.say(sound(at=NOW_US + 15_000))
        self.successResultOf(late)
        self.assertIs(self.process.gathers[-1], True)

    def test_sound_that_does_not_come_is_not_waited_for_long(self) -> None:
        self.process.say(Opened(48_000, 1))
        self.process.say(sound(at=NOW_US - 500_000))
        stalls = self.microphone.catch_up()
        self.clock.advance(0.5)
        self.successResultOf(stalls)
        fails = self.microphone.catch_up()
        self.process.end("it was unplugged")
        self.successResultOf(fails)
        self.clock.advance(0.5)
        self.process.say(Opened(48_000, 1))
        self.process.say(sound(at=NOW_US - 400_000))
        closes = self.microphone.catch_up()
        self.microphone.close()
        self.successResultOf(closes)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_that_fails_is_tried_again_later_each_time(self) -> None:
        for seconds in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
            self.process.end("another program uses it")
            self.assertEqual(self.told, ("recovering", "another program uses it"))
            count = len(self.processes)
            self.clock.advance(seconds - 0.01)
            self.assertEqual(len(self.processes), count)
            self.clock.advance(0.01)
            self.assertEqual(len(self.processes), count + 1)
        self.process.say(Opened(48_000, 1))
        self.process.say(sound())
        self.assertEqual(self.told, ("live", None))
        self.process.end("it was unplugged")
        self.clock.advance(0.5)
        self.assertEqual(len(self.processes), 10, "the next wait is a short one")

    def test_it_is_tried_again_when_a_card_is_plugged_in(self) -> None:
        signature = [1]
        patch = pytest.MonkeyPatch()
        self.addCleanup(patch.undo)
        patch.setattr(microphone, "cards_signature", lambda: signature[0])
        for _ in range(7):
            self.process.end("it was unplugged")
            self.clock.advance(40)
        self.process.end("it was unplugged")
        count = len(self.processes)
        self.clock.pump([1.0] * 5)
        self.assertEqual(len(self.processes), count)
        signature[0] = 2
        self.clock.pump([1.0, 0.5])
        self.assertEqual(len(self.processes), count + 1)

    def test_one_that_hangs_is_killed(self) -> None:
        self.clock.advance(OPEN_PATIENCE)
        self.assertEqual(self.process.killed, ["it could not be opened in time"])
        self.assertEqual(self.microphone.state, "recovering")

    def test_one_that_gives_no_more_is_killed(self) -> None:
        self.process.say(Opened(48_000, 1))
        self.process.say(sound())
        self.clock.advance(PATIENCE - 0.1)
        self.process.say(sound())
        self.assertEqual(self.process.killed, [])
        self.clock.advance(PATIENCE)
        self.assertEqual(self.process.killed, ["nothing came for 5 s"])

    def test_one_that_gives_zeros_is_silent(self) -> None:
        self.process.say(Opened(48_000, 1))
        for _ in range(round(SILENT_AFTER / 0.04) - 1):
            self.process.say(sound(0.0))
        self.assertEqual(self.told, ("live", None))
        self.process.say(sound(1 / 32768, pieces=2))
        self.assertEqual(self.microphone.state, "silent")
        self.assertIn("it gives only silence", self.microphone.reason or "")
        self.process.say(sound(0.001))
        self.assertEqual(self.told, ("live", None))
        self.assertEqual(self.listener.changes, 3)

    def test_nothing_is_told_after_it_was_closed(self) -> None:
        self.process.say(Opened(48_000, 1))
        self.successResultOf(self.microphone.close())
        self.assertTrue(self.process.is_closed)
        self.process.say(sound())
        self.process.end("x")
        self.clock.advance(60)
        self.assertEqual((self.listener.taken, len(self.processes)), ([], 1))
