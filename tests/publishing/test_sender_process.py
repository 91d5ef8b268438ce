"""The server's side of a sender: configuration, frames, reports, and the end."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.error import ProcessDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import ProcessClock
from tests.support.sound import aac_packets
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.publishing.sender.protocol import FRAME_HEADER, SOUND
from twistedcam.publishing.sender_process import GRACE, SenderProcess
from twistedcam.publishing.target import parse_target


class Reactor(ProcessClock):
    """A clock and a process in one, which keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_open = True

    def write(self, data: bytes) -> None:
        self.written += data

    def writeSequence(self, data: list[bytes]) -> None:
        self.written += b"".join(data)

    def closeStdin(self) -> None:
        self.is_open = False


class SenderProcessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.told: list[Any] = []
        self.process = SenderProcess(
            self.reactor,
            "h264",
            aac_packets(0.0, 0.1, 0)[0].track,
            parse_target("rtmps://h/live/KEY-1#verify=0"),
            lambda: self.told.append("live"),
            lambda *progress: self.told.append(progress),
            self.told.append,
        )

    def end(self) -> None:
        self.process.processEnded(Failure(ProcessDone(0)))

    def test_the_target_goes_through_the_pipe_and_frames_follow(self) -> None:
        line, _, _ = self.reactor.written.partition(b"\n")
        config = json.loads(line)
        self.assertEqual(config["codec"], "h264")
        self.assertEqual((config["url"], config["muxer"]), ("rtmps://h/live/KEY-1", "flv"))
        self.assertEqual((config["verify"], config["ca"]), (False, ""))
        self.assertNotIn("KEY-1", " ".join(self.reactor.commands[0]))
        self.process.send(
            Packet(Track(VIDEO, "video", "h264"), 1, 0, 140_000, b"data", True, dts=100_000)
        )
        frame = FRAME_HEADER.pack(100_000, 40_000, True, 4) + b"data"
        self.assertEqual(self.reactor.written, line + b"\n" + frame)

    def test_sound_is_described_and_sent_as_such(self) -> None:
        line, _, _ = self.reactor.written.partition(b"\n")
        described = {"codec": "aac", "rate": 48_000, "channels": 1, "extradata": "1188"}
        self.assertEqual(json.loads(line)["sound"], described)
        self.process.send(aac_packets(1.0, 1.1, 0)[0])
        sent = self.reactor.written[len(line) + 1 :]
        self.assertEqual(sent, FRAME_HEADER.pack(1_002_667, 0, SOUND, 6) + b"000047")

    def test_lines_are_parsed_in_pieces_of_any_size(self) -> None:
        for piece in (b"li", b"ve\nat 90000 2 ", b"800\nat 1", b"80000 3 900\n"):
            self.process.outReceived(piece)
        self.assertEqual(self.told, ["live", (90_000, 2, 800), (180_000, 3, 900)])

    def test_an_end_has_the_sender_s_reason_without_keys(self) -> None:
        self.process.errReceived(b"something else\n")
        self.process.outReceived(b"error stream KEY-1 is refused\n")
        self.assertEqual(self.told, [])
        self.end()
        self.assertEqual(self.told, ["stream *** is refused"])

    def test_without_a_reason_it_is_the_last_line_of_a_traceback(self) -> None:
        self.process.errReceived(b"Traceback\n  File\nOSError: KEY-1\n")
        self.end()
        self.assertEqual(self.told, ["OSError: ***"])

    def test_without_any_word_it_is_said_that_it_ended(self) -> None:
        self.end()
        self.assertEqual(self.told, ["the sender process has ended"])

    def test_a_closed_sender_reports_nothing_more(self) -> None:
        closed = self.process.close()
        self.assertFalse(self.reactor.is_open)
        self.process.outReceived(b"live\nat 1 1 1\nerror no\n")
        self.assertNoResult(closed)
        self.end()
        self.successResultOf(closed)
        self.assertEqual((self.told, self.reactor.getDelayedCalls()), ([], []))
        self.successResultOf(self.process.close())

    def test_one_that_does_not_end_is_killed(self) -> None:
        self.process.close()
        self.reactor.advance(GRACE)
        self.assertEqual(self.reactor.signals, ["KILL"])
