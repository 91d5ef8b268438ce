"""One output from its start to its end, with fakes of sender and encoder."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.sound import aac_packets
from twistedcam.events import Event, EventBus, PublishChanged
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.publishing import output
from twistedcam.publishing.output import (
    CONNECT_TIMEOUT,
    RETRY_FIRST,
    RETRY_MOST,
    STALL_TIMEOUT,
    Output,
)
from twistedcam.publishing.target import parse_target

#: Steps of a packet's time in a second.
CLOCK = 1_000_000


class Sender:
    """A fake of sender_process.SenderProcess."""

    made: list[Sender]

    def __init__(self, reactor: Any, codec: str, sound: Any, target: Any, *callbacks: Any) -> None:
        self.sound = sound
        self.on_live, self.on_progress, self.on_end = callbacks
        self.sent: list[Packet] = []
        self.closed = False
        Sender.made.append(self)

    def send(self, packet: Packet) -> None:
        self.sent.append(packet)

    def close(self) -> Deferred[None]:
        self.closed = True
        return succeed(None)


class CameraSound:
    """A fake of the subscription of sound."""

    track: Track | None = None

    def __init__(self) -> None:
        self.sinks: list[Any] = []

    def close(self) -> None:
        self.sinks.clear()


class CameraStream:
    """A fake of stream.Stream, and of its one subscription."""

    encoder = None

    def __init__(self) -> None:
        self.sinks: list[Any] = []
        self.wants: Any = None
        self.keyframes_asked = 0
        self.sound = CameraSound()

    def subscribe(self, sink: Any, wants: Any) -> Any:
        if wants.kind == "audio":
            self.sound.sinks.append(sink)
            return self.sound
        self.sinks.append(sink)
        self.wants = wants
        return self

    def close(self) -> None:
        self.sinks.clear()

    def request_keyframe(self) -> None:
        self.keyframes_asked += 1


class OutputTests(SynchronousTestCase):
    def setUp(self) -> None:
        Sender.made = []
        self.patch(output, "SenderProcess", Sender)
        self.clock, self.stream, self.bus = Clock(), CameraStream(), EventBus()
        self.heard: list[Event] = []
        self.bus.subscribe(self.heard.append)
        self.output = Output(
            self.clock,
            "door",
            parse_target("rtmp://example.org/live/KEY"),
            self.stream,  # type: ignore[arg-type]
            self.bus,
        )
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(self.output.stop)
        self.output.start()

    @property
    def sender(self) -> Sender:
        return Sender.made[-1]

    @property
    def reasons(self) -> list[str]:
        return [
            each.reason for each in self.heard if isinstance(each, PublishChanged) and each.reason
        ]

    def give(self, second: float, keyframe: bool = True, generation: int = 0) -> None:
        track = Track(VIDEO, "video", "h264", 16 + generation, 16)
        time = round(second * CLOCK)
        self.output.take(Packet(track, 1, time, time, b"data", keyframe))

    def test_another_picture_size_starts_a_new_stream(self) -> None:
        self.give(0)
        first = self.sender
        self.sender.on_live()
        self.give(1, generation=1)
        self.assertTrue(first.closed)
        self.assertEqual(len(Sender.made), 2)
        self.assertEqual(self.output.state, "connecting")
        self.assertEqual(self.reasons, ["the picture has another size"])
        self.give(1.1, keyframe=False, generation=1)
        self.give(1.2, generation=2)  # and once more, before it has connected
        self.assertEqual((len(Sender.made), self.output.state), (3, "connecting"))
        self.sender.on_live()
        self.assertEqual((self.output.connects, self.output.faults), (2, 0))
        self.assertEqual([each.pts for each in self.sender.sent], [round(1.2 * CLOCK)])

    def test_sound_goes_with_the_pictures(self) -> None:
        sounds = aac_packets(0.0, 3.0, 0)
        (sink,) = self.stream.sound.sinks
        self.stream.sound.track = sounds[0].track
        sink.take(sounds[0])
        self.give(0)
        self.assertEqual(self.sender.sound, sounds[0].track)
        sink.take(sounds[1])  # before it is live
        self.give(0.5, keyframe=False)
        self.sender.on_live()
        sink.take(sounds[2])  # before the key frame with which it goes on
        self.give(1)
        sink.take(sounds[50])
        other = Track(1, "audio", "aac", rate=Fraction(8000), channels=1, extradata=b"\x15\x88")
        sink.take(Packet(other, 1, 0, 0, b"other"))
        self.assertEqual([each.data for each in self.sender.sent], [b"data", b"data", b"000050"])
        self.stream.sound.track = other
        first = self.sender
        self.give(2, keyframe=False)
        self.assertFalse(first.closed)
        self.give(3)
        self.assertTrue(first.closed)
        self.assertEqual((self.sender.sound, self.reasons), (other, ["the sound has changed"]))
        self.successResultOf(self.output.stop())
        self.assertEqual(self.stream.sound.sinks, [])

    def test_a_target_that_does_not_answer_is_tried_again(self) -> None:
        self.give(0)
        self.clock.pump([1] * (int(CONNECT_TIMEOUT) + 1))
        self.assertTrue(self.sender.closed)
        self.assertEqual(self.output.state, "waiting")
        self.assertEqual(self.reasons, ["no answer within 15 s"])
        self.assertEqual(self.stream.sinks, [])  # nothing is encoded without an output
        self.clock.advance(RETRY_FIRST)
        self.assertEqual(self.output.state, "connecting")
        self.assertEqual(self.stream.sinks, [self.output])

    def test_without_a_picture_nothing_is_late(self) -> None:
        self.clock.pump([1] * int(2 * CONNECT_TIMEOUT))
        self.assertEqual((self.output.state, Sender.made), ("connecting", []))
        self.give(0, keyframe=False)  # a player cannot begin with it
        self.assertEqual(Sender.made, [])

    def test_a_target_that_accepts_nothing_is_disconnected(self) -> None:
        self.give(0)
        self.sender.on_live()
        self.give(1.5)
        self.clock.pump([1] * (int(STALL_TIMEOUT) + 1))
        self.assertEqual(self.output.state, "waiting")
        self.assertEqual(self.reasons, ["it accepted nothing for 10 s"])
        self.assertEqual(self.output.faults, 1)

    def test_each_wait_is_longer_until_it_has_worked_for_a_while(self) -> None:
        waits = []
        for again in range(8):
            self.give(100 * again)
            if again == 6:
                self.sender.on_live()
                self.sender.on_progress(round((600 + RETRY_MOST + 1) * CLOCK), 9, 900)
            self.sender.on_end("it is gone")
            (due,) = self.clock.getDelayedCalls()
            waits.append(due.getTime() - self.clock.seconds())
            self.clock.advance(waits[-1])
        self.assertEqual(waits, [1, 2, 4, 8, 16, 30, 1, 2])
        self.assertEqual((self.output.frames, self.output.bytes), (9, 900))

    def test_started_twice_it_is_published_once(self) -> None:
        self.output.start()
        self.assertEqual(self.stream.sinks, [self.output])
        self.give(0)
        self.sender.on_end("it is gone")
        self.assertNotEqual(self.output.state, "stopped")
        self.successResultOf(self.output.stop())
        self.successResultOf(self.output.stop())
        self.assertEqual(self.output.state, "stopped")
        self.clock.advance(RETRY_MOST)
        self.assertEqual(self.stream.sinks, [])
