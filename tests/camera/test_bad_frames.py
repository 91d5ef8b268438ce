"""A source that may be silent, and gives bad pictures: it is said that it has none, and why."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import CameraRig, FakeScheme
from tests.support.films import read_film
from tests.support.odd_jpegs import (
    ARITHMETIC,
    cut,
    make_jpeg,
    with_frame_header,
    with_orientation,
    with_size,
)
from tests.support.process import ServerProcess, wait_for
from twistedcam.camera.bad_frames import LOG_EVERY
from twistedcam.camera.capture_base import OPEN_TIMEOUT, STALL_SECONDS
from twistedcam.codecs.jpeg_encoder import EncodedPicture
from twistedcam.errors import CameraFailed
from twistedcam.media.frame import Frame
from twistedcam.media.jpeg import read_header
from twistedcam.sources.base import Paused, RawPicture, SourceInfo
from twistedcam.stream.hub import Sink

BAD = RawPicture(1.0, jpeg=b"a picture it is not")
WHY = "no JPEG: it does not begin with FF D8"


class BadPicturesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.scheme = FakeScheme()
        self.scheme.__enter__()
        self.addCleanup(self.scheme.__exit__)
        self.scheme.opening = SourceInfo(format="fake", steady=False)
        self.rig = CameraRig()
        self.scheme.sources.clear()  # the one that was made to check the settings
        self.camera = self.rig.camera

    def read(self, *script: RawPicture | Exception | None) -> None:
        """Let it read these."""
        self.scheme.sources[-1].script.extend(script)
        self.rig.step(len(script))

    def go_live(self) -> None:
        self.camera.start()
        self.rig.step(2)  # open, and the first read
        self.assertEqual(self.camera.state, "live")

    def test_a_start_gets_its_answer_where_no_picture_is_good(self) -> None:
        started = self.camera.start()
        self.rig.step()
        self.read(BAD, BAD)
        self.rig.clock.advance(STALL_SECONDS - 0.1)
        self.read(BAD)
        self.assertNoResult(started)
        self.rig.clock.advance(0.1)
        reason = f"no picture for 2 s: {WHY}"
        self.assertEqual((self.camera.state, self.camera.reason), ("recovering", reason))
        self.assertIn(reason, str(self.failureResultOf(started, CameraFailed).value))
        self.failureResultOf(self.camera.start(), CameraFailed)

    def test_it_is_read_on_and_live_with_the_first_good_picture(self) -> None:
        self.camera.start().addErrback(lambda _: None)
        self.rig.step()
        self.read(BAD)
        self.rig.clock.advance(STALL_SECONDS)
        self.read(*[BAD] * 3)  # said once
        self.rig.clock.advance(STALL_SECONDS * 10)
        self.read(RawPicture(1.0, jpeg=None), BAD)
        self.rig.step()
        self.assertEqual(self.rig.states, ["starting", "recovering", "live"])
        self.assertEqual((self.camera.counts.corrupt, len(self.rig.threads)), (6, 1))

    def test_one_that_is_live_and_then_silent_is_not_lost(self) -> None:
        self.go_live()
        self.read(BAD)
        self.rig.clock.advance(1000)
        self.read(None)
        self.assertEqual(self.camera.state, "live")
        self.rig.step()  # a good one
        self.read(BAD)
        self.assertEqual(self.rig.states, ["starting", "live"])

    def test_one_that_gives_bad_pictures_alone_is_lost(self) -> None:
        self.go_live()
        self.read(BAD)
        self.rig.clock.advance(STALL_SECONDS - 0.1)
        self.read(BAD)
        self.assertEqual(self.camera.state, "live")
        self.rig.clock.advance(0.1)
        self.read(BAD)
        self.assertEqual(self.camera.reason, f"no picture for 2 s: {WHY}")
        self.assertTrue(self.camera.stalled, "a recording has to wait for it")

    def test_a_slow_one_is_given_its_time_up_to_a_limit(self) -> None:
        for fps, seconds in ((1.0, 5.0), (0.01, OPEN_TIMEOUT)):
            self.scheme.opening = SourceInfo(fps=fps, steady=False)
            started = self.camera.start()
            self.rig.step()
            self.read(BAD)
            self.rig.clock.advance(seconds - 0.1)
            self.assertNoResult(started)
            self.rig.clock.advance(0.1)
            self.failureResultOf(started, CameraFailed)
            self.camera.stop()
            self.rig.step(2)  # the read that was under way, close

    def test_a_reason_of_the_source_s_own_is_heard(self) -> None:
        self.go_live()
        self.read(BAD, Paused("the other is away"))
        self.rig.clock.advance(STALL_SECONDS)
        self.read(BAD)
        self.assertEqual(self.camera.reason, "the other is away")

    def test_what_is_stopped_tells_nothing_more(self) -> None:
        self.camera.start().addErrback(lambda _: None)
        self.rig.step()
        self.read(BAD)
        self.camera.stop()
        self.rig.step(2)  # the read that was under way, close
        self.assertEqual(self.rig.clock.getDelayedCalls(), [])

    def test_a_bad_picture_is_logged_once_and_others_together_after_a_minute(self) -> None:
        with capturedLogs() as logs:
            self.camera.start().addErrback(lambda _: None)
            self.rig.step()
            self.read(*[BAD] * 5)
            self.rig.clock.advance(LOG_EVERY)
            self.read(BAD)
        lines = [formatEvent(each) for each in logs if "no good" in each["log_format"]]
        self.assertEqual(
            lines, [f"cam: a picture was no good: {WHY}", f"cam: 5 pictures were no good: {WHY}"]
        )
        self.assertEqual(self.camera.counts.corrupt, 6)

    def test_an_error_that_nobody_has_foreseen_costs_its_picture_alone(self) -> None:
        self.go_live()
        finish = self.camera.encoder.finish

        def broken(*_: object) -> EncodedPicture:
            raise RuntimeError("a library failed")

        self.patch(self.camera.encoder, "finish", broken)
        self.read(RawPicture(1.0), RawPicture(1.0))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.patch(self.camera.encoder, "finish", finish)
        self.rig.step()
        self.assertEqual(self.rig.states, ["starting", "live"])
        self.assertEqual(self.camera.counts.corrupt, 2)
        self.assertEqual(self.camera.last_fault[1], "RuntimeError: a library failed")

    def test_what_a_camera_sends_is_named_once(self) -> None:
        with capturedLogs() as logs:
            self.go_live()
            self.read(RawPicture(1.0, jpeg=ARITHMETIC))
            self.rig.step()  # one of the usual kind
            self.read(RawPicture(1.0, jpeg=ARITHMETIC))
        lines = [each["note"] for each in logs if "note" in each]
        self.assertEqual(len(lines), 1)
        self.assertIn("arithmetic-coded", lines[0])
        self.assertEqual((self.camera.width, self.camera.height), (32, 24))


class WrittenLaterTests(SynchronousTestCase):
    """Nobody watches: a picture that has to be encoded is encoded when somebody asks for it."""

    def setUp(self) -> None:
        self.scheme = FakeScheme()
        self.scheme.__enter__()
        self.addCleanup(self.scheme.__exit__)
        self.rig = CameraRig({"timestamp": "1"})
        self.camera = self.rig.camera
        self.camera.start()
        self.rig.step()
        good = make_jpeg()
        bad = make_jpeg(seed=2)
        at = read_header(bad).scan_at + 4
        # Its header is that of a good one, and its scan is none that can be decoded.
        self.bad = RawPicture(2.0, jpeg=bad[:at] + b"\x09" + bad[at + 1 :])
        self.scheme.sources[-1].script += [RawPicture(1.0, jpeg=good), self.bad]
        self.rig.step(2)
        self.assertEqual((self.camera.state, self.camera.counts.corrupt), ("live", 0))

    def test_a_snapshot_is_the_next_picture(self) -> None:
        asked = Deferred.fromCoroutine(self.camera.picture())
        self.assertNoResult(asked)
        self.assertEqual(self.camera.counts.corrupt, 1)
        self.scheme.sources[-1].script.append(RawPicture(3.0, jpeg=make_jpeg(seed=3)))
        self.rig.step(2)
        self.assertEqual(self.successResultOf(asked).time, 3.0)

    def test_a_viewer_who_comes_is_shown_the_next_picture(self) -> None:
        shown: list[Frame] = []
        self.camera.hub.add(_Sink(shown))
        self.assertIsNone(self.camera.hub.newest)
        self.scheme.sources[-1].script += [self.bad, RawPicture(3.0, jpeg=make_jpeg(seed=3))]
        self.rig.step(2)
        self.assertEqual([each.time for each in shown], [3.0])
        self.assertEqual((self.camera.state, self.camera.counts.corrupt), ("live", 2))


class _Sink(Sink):
    def __init__(self, shown: list[Frame]) -> None:
        self.shown = shown

    def take(self, frame: Frame) -> None:
        assert frame.jpeg
        self.shown.append(frame)


def test_a_folder_without_a_good_picture_is_said_to_who_starts_it(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes(b"a picture it is not")
    with ServerProcess(tmp_path, "--camera", f"folder:{pictures}?fps=20") as server:
        answers = server.command_lines("stop", "start", "stop", "record start")
        status = server.status()
    assert [line[:10] for line in answers if WHY in line] == ["ERR camera"] * 2, answers
    assert status["state"] == "recovering"
    assert status["reason"].startswith("no picture for ") and WHY in status["reason"]


def test_odd_pictures_end_neither_recordings_nor_snapshots_of_a_server(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    good = make_jpeg()
    for number, data in enumerate(
        [
            good,
            with_frame_header(good, {11: 0x33}),
            make_jpeg(1, 1),
            cut(good, 0.5),
            b"\r\n" + make_jpeg(seed=2),
            with_orientation(make_jpeg(seed=3), 6),
            ARITHMETIC,
            with_size(make_jpeg(16, 16), 10_000, 10_000),
            b"a picture it is not",
            make_jpeg(seed=4),
        ]
    ):
        (pictures / f"{number}.jpg").write_bytes(data)
    camera = f"folder:{pictures}?fps=40"
    with ServerProcess(
        tmp_path, "--camera", f"a={camera}", "--camera", f"b={camera}&timestamp=1"
    ) as server:
        server.command_lines("record start a a.mp4", "record start b b.mkv")

        def went_round(name: str) -> bool:
            status = server.status(name)
            return int(status["corrupt"]) >= 12 and int(status["repaired"]) >= 3

        for name in "ab":
            wait_for(lambda name=name: went_round(name), "three rounds of the pictures")
        answers = server.command_lines("snapshot a x.jpg", "record stop a", "record stop b")
        status = server.status("a")
    assert not [line for line in answers if line.startswith("ERR")], answers
    assert status["state"] == "live"
    assert status["recording_code"] == "none", status
    assert read_film(tmp_path / "a.mp4").codec == "h264"
    assert read_film(tmp_path / "b.mkv").codec == "mjpeg"
    assert (tmp_path / "x.jpg").read_bytes().startswith(b"\xff\xd8")
