"""The commands about recordings."""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.defer import Deferred

from tests.support.films import START_US, jpeg, read_film
from tests.support.server_case import ServerCase
from twistedcam.commands import standard_commands
from twistedcam.errors import BadArgument, CameraFailed, DiskError, NotRecording, NotSupported
from twistedcam.events import CameraChanged, Event, RecordingChanged
from twistedcam.media.frame import Frame
from twistedcam.recording import first_frame
from twistedcam.recording.continuous import PERIOD
from twistedcam.recording.writer import part_file as partfile


def refuse(code: int) -> None:
    """What the system says whose disk refuses."""
    raise OSError(code, os.strerror(code))


class RecordingCommandCase(ServerCase):
    """A camera that is live, and gives the pictures that the test gives."""

    def setUp(self) -> None:
        super().setUp()
        self.door.state = "live"
        self.events: list[Event] = []
        self.server.events.subscribe(self.events.append)
        self.registry = standard_commands()
        self.recorder = self.server.channels["door"].recorder
        self.number = 0

    def ask(self, line: str) -> Deferred[Any]:
        command, words = self.registry.find(line.split())
        arguments = command.bind(self.server, words)
        return Deferred.fromCoroutine(command.run(self.server, **arguments))

    def show(self, picture: bytes | None = None) -> None:
        """One picture comes."""
        self.number += 1
        time = START_US + self.number * 100_000
        shown = jpeg(self.number) if picture is None else picture
        self.door.hub.publish(Frame(self.number, time, 160, 120, shown))

    def refuse(self, code: int) -> None:
        """No file can be made from now on."""

        def refused(*_: Any, **__: Any) -> Any:
            raise OSError(code, os.strerror(code))

        self.patch(partfile, "open", refused)

    def setUpRefusal(self) -> None:
        partfile.open = open  # type: ignore[attr-defined]
        self.addCleanup(lambda: delattr(partfile, "open"))

    def told(self) -> list[tuple[str, str | None]]:
        """What was told of recordings, with the reasons."""
        return [(e.what, e.reason) for e in self.events if isinstance(e, RecordingChanged)]

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.successResultOf(self.ask("status door"))
        return found


class RecordingCommandTests(RecordingCommandCase):
    def test_start_answers_when_the_first_picture_is_on_the_disk(self) -> None:
        for name in ("a.mp4", "a.mkv", "a.avi", "a.mov"):
            asked = self.ask(f"record start door {name}")
            again = self.ask("record start door")
            self.assertNoResult(asked)
            self.show()
            self.assertTrue((self.folder / f".{name}.part").stat().st_size > 1000)
            self.assertEqual(self.successResultOf(asked), {"recording": name})
            self.assertEqual(self.successResultOf(again), {"recording": name})
            self.show()
            self.assertEqual(self.successResultOf(self.ask("record stop door"))["frames"], 2)
        self.assertEqual([what for what, _ in self.told()], ["started", "finished"] * 4)
        self.assertFalse(self.clock.getDelayedCalls())

    def test_start_fails_if_the_first_picture_cannot_be_written(self) -> None:
        self.setUpRefusal()
        for code in (
            errno.EIO,
            errno.EDQUOT,
            errno.ENOSPC,
            errno.EROFS,
            errno.ESTALE,
            errno.EACCES,
        ):
            self.refuse(code)
            asked = self.ask("record start door a.mkv")
            self.show()
            failure = self.failureResultOf(asked, DiskError)
            self.assertEqual(failure.getErrorMessage(), f"a.mkv: {os.strerror(code)}")
            self.assertEqual(self.recorder.state, "idle")
            # A later stop has the same error.
            stopped = self.failureResultOf(self.ask("record stop door"), DiskError)
            self.assertEqual(stopped.getErrorMessage(), f"a.mkv: {os.strerror(code)}")

    def test_start_fails_if_the_picture_cannot_be_encoded(self) -> None:
        asked = self.ask("record start door a.mp4")
        self.door.hub.publish(Frame(1, START_US, 1, 1, jpeg(0, 1, 1)))
        self.failureResultOf(asked, NotSupported)

    def test_start_of_a_camera_that_is_recovering_says_that_it_waits(self) -> None:
        self.door.state, self.door.reason = "recovering", "401 Unauthorized"
        waiting = "the camera is recovering: 401 Unauthorized"
        for _ in range(2):
            told = self.successResultOf(self.ask("record start door a.mkv"))
            self.assertEqual(told, {"recording": "a.mkv", "waiting": f"no picture yet ({waiting})"})
        self.assertEqual(self.status()["recording_waiting"], waiting)
        self.door.state, self.door.reason = "live", None
        self.show()
        self.assertIsNone(self.status()["recording_waiting"])
        self.assertEqual(self.told(), [("started", None), ("waiting", waiting), ("writing", None)])
        self.successResultOf(self.ask("record stop door"))

    def test_start_says_that_it_waits_when_the_camera_is_lost_or_gives_nothing(self) -> None:
        def is_lost() -> None:
            self.door.state, self.door.reason = "recovering", "unplugged"
            self.server.events.publish(CameraChanged("yard", "recovering"))
            self.assertNoResult(asked)
            self.server.events.publish(CameraChanged("door", "recovering", "unplugged"))

        def is_silent() -> None:
            self.show(b"\xff\xd8 nothing \xff\xd9")
            self.clock.advance(first_frame.PATIENCE - 0.1)
            self.assertNoResult(asked)
            self.clock.advance(0.1)

        for happens, reason in ((is_lost, "recovering: unplugged"), (is_silent, "gives none")):
            self.door.state, self.door.reason = "live", None
            asked = self.ask("record start door a.mp4")
            happens()
            self.assertIn(reason, self.successResultOf(asked)["waiting"])
            self.failureResultOf(self.ask("record stop door"), CameraFailed)
            self.assertFalse(list(self.folder.iterdir()))

    def test_a_stop_wins_over_a_start_that_waits(self) -> None:
        asked = self.ask("record start door a.mkv")
        self.failureResultOf(self.ask("record stop door"), CameraFailed)
        self.failureResultOf(asked, CameraFailed)
        self.assertIsNone(self.status()["recording_waiting"])

    def test_stop_without_a_recording_is_an_error(self) -> None:
        for _ in range(2):
            failure = self.failureResultOf(self.ask("record stop door"), NotRecording)
            self.assertEqual(failure.getErrorMessage(), "door is not being recorded")

    def test_stopping_the_camera_reports_the_end_of_the_recording(self) -> None:
        for fails, kind in ((None, None), (errno.EIO, DiskError)):
            asked = self.ask("record start door a.mkv")
            self.show()
            self.successResultOf(asked)
            if fails:
                self.patch(os, "fsync", lambda fd: refuse(errno.EIO))
            stopped = self.ask("stop door")
            if kind is None:
                self.assertIsNone(self.successResultOf(stopped))
            else:
                self.assertIn("stays in", self.failureResultOf(stopped, kind).getErrorMessage())
            (self.folder / "a.mkv").unlink(missing_ok=True)
        self.door.state = "recovering"
        self.successResultOf(self.ask("record start door b.mkv"))
        self.door.state = "live"
        self.assertIn("no picture came", self.successResultOf(self.ask("stop door"))["note"])

    def test_stop_ends_a_recording_that_was_to_begin_again(self) -> None:
        self.setUpRefusal()
        self.recorder.settings = self.recorder.settings.from_words(["at_start=on"])
        self.refuse(errno.EIO)
        self.recorder.start_with_server()
        self.show()
        self.assertIn("again", self.successResultOf(self.ask("record stop door"))["note"])
        self.clock.advance(PERIOD * 100)
        self.assertEqual([what for what, _ in self.told()], ["started", "failed"])

    def test_a_name_that_another_server_uses_gets_a_number(self) -> None:
        for name, second in (("a.mp4", "a-2.mp4"), ("a.mkv", "a-2.mkv"), ("a.avi", "a-2.avi")):
            asked = self.ask(f"record start door {name}")
            (self.folder / f".{name}.part").write_bytes(b"another server's")
            self.show()
            self.assertEqual(self.successResultOf(asked), {"recording": second})
            self.show()
            self.assertEqual(self.status()["recording"], second)
            told = self.successResultOf(self.ask("record stop door"))
            self.assertEqual((told["recording"], told["frames"]), (second, 2))
            film = read_film(self.folder / second)
            self.assertTrue(film.tags["comment"].endswith(f" name={second}"))
            self.assertEqual((self.folder / f".{name}.part").read_bytes(), b"another server's")
            with self.assertRaises(BadArgument):  # while the other server writes it
                self.recorder.start(name)
