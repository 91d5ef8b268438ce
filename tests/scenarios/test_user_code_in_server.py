"""User code on a camera's pictures, in a whole server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import av
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from tests.support.frame_serving import ServingCase, reactor
from tests.support.process import PATIENCE
from tests.support.user_code import Held
from twistedcam.camera import Camera
from twistedcam.commands.status_fields import camera_status
from twistedcam.core.server import Server
from twistedcam.errors import BadArgument, NoSuchCamera
from twistedcam.events import CameraChanged, Event, Fault, Processed
from twistedcam.media.frame import Frame
from twistedcam.processing import Code, Process, Processor
from twistedcam.processing import executors as work_module
from twistedcam.servers.http.api.health import Health
from twistedcam.servers.http.api.metrics import ServerCollector
from twistedcam.stream.hub import Sink

PATTERN = "pattern:?size=160x120&fps=30"


class Case(ServingCase):
    """A server with one camera, and code on it."""

    cameras: ClassVar[dict[str, str]] = {"cam": PATTERN}
    runs_in = "thread"

    @property
    def server(self) -> Server:
        return self.service.server

    def put(self, code: str | Callable[..., Any], camera: str = "cam") -> Camera:
        """Begin with that code; the camera that it makes."""
        if isinstance(code, str):
            code = f"tests.support.user_code:{code}" if ":" not in code else code
        made = self.server.add_process(Process(camera, Code.of(code), self.runs_in))
        made.start().addErrback(lambda _: None)
        return made

    def processor(self, camera: Camera) -> Processor:
        return self.server.processors[camera.name]

    def event(self, kind: type[Event], **fields: Any) -> Deferred[Any]:
        """Fires with the next such event."""
        heard: Deferred[Any] = Deferred()

        def happened(event: Event) -> None:
            same = all(getattr(event, key) == value for key, value in fields.items())
            if isinstance(event, kind) and same:
                unsubscribe()
                reactor.callLater(0, heard.callback, event)

        unsubscribe = self.server.events.subscribe(
            lambda event: happened(event) if isinstance(event, kind) else None
        )
        return heard

    def frames(self, camera: Camera, count: int) -> Deferred[list[Frame]]:
        """The next frames of a camera."""
        done: Deferred[list[Frame]] = Deferred()
        taken: list[Frame] = []

        class Taker(Sink):
            def take(self, frame: Frame) -> None:
                taken.append(frame)
                if len(taken) == count:
                    camera.hub.remove(self)
                    reactor.callLater(0, done.callback, taken)

        camera.hub.add(Taker())
        return done


class ThreadTests(Case):
    async def test_a_new_picture_is_a_camera_of_its_own_with_the_time_of_capture(self) -> None:
        made = self.put("negative")
        times: dict[float, Frame] = {}

        class Keep(Sink):
            def take(self, frame: Frame) -> None:
                times[frame.time] = frame

        keep = Keep()
        self.server.camera("cam").hub.add(keep)
        frames = await self.frames(made, 5)
        self.server.camera("cam").hub.remove(keep)
        self.assertEqual(made.name, "cam.negative")
        for frame in frames[1:]:
            before = times[frame.time].image.astype(int)
            self.assertLess(abs(255 - before - frame.image).mean(), 6)

    async def test_what_is_told_is_an_event_and_the_picture_goes_on_as_it_is(self) -> None:
        made = self.put("count")
        told = await self.event(Processed)
        self.assertEqual((told.camera, told.source), ("cam.count", "cam"))
        self.assertEqual(told.data["seq"], told.seq)
        self.assertIsInstance(told.data["mean"], float)
        (frame,) = await self.frames(made, 1)
        self.assertEqual((frame.width, made.counts.encoded), (160, 0))

    async def test_a_generator_gets_the_newest_frames_and_tells_when_it_likes(self) -> None:
        self.put("every_third")
        self.assertEqual((await self.event(Processed)).data, {"number": 3})
        self.assertEqual((await self.event(Processed)).data, {"number": 6})

    async def test_a_generator_that_waits_with_a_limit_misses_no_frame_for_it(self) -> None:
        self.put("impatient")
        for number in (1, 10, 30):  # more than there are threads that could each keep a frame
            await self.event(Processed, data={"number": number})

    async def test_slow_code_gets_the_newest_frame_and_slows_nobody(self) -> None:
        code = Held()
        made = self.put(code)
        await self.in_thread(code.began.wait, PATIENCE)
        meanwhile = await self.frames(self.server.camera("cam"), 10)
        made_frames = self.frames(made, 2)
        code.may_end.set()
        await made_frames
        self.assertLess(code.given[0].seq, meanwhile[0].seq)
        self.assertGreaterEqual(code.given[1].seq, meanwhile[-1].seq)
        status = camera_status(self.server, made)
        self.assertGreater(status["process_ms"], 0)
        self.assertGreaterEqual(status["process_skipped"], 9)
        self.assertEqual(status["process_in"], "thread")

    async def test_code_that_raises_is_told_and_started_again_and_the_camera_goes_on(self) -> None:
        made = self.put("raises")
        fault = await self.event(Fault, camera=made.name, code="process")
        self.assertIn("ValueError: it is too dark", fault.reason)
        await self.event(Fault, camera=made.name, code="process")
        self.assertEqual(self.processor(made).failures, 2)
        self.assertEqual(self.server.camera("cam").state, "live")
        while "it is too dark" not in (made.reason or ""):
            await self.event(CameraChanged, camera=made.name)

    async def test_a_fault_that_comes_again_is_logged_in_one_line(self) -> None:
        with capturedLogs() as logs:
            made = self.put("raises")
            for _ in range(3):
                await self.event(Fault, camera=made.name, code="process")
        told = [formatEvent(each) or "" for each in logs]
        self.assertGreaterEqual(sum("it is too dark" in each for each in told), 3)
        self.assertEqual(sum("Traceback" in each for each in told), 1)

    async def test_no_result_at_all_says_so_instead_of_letting_people_wait(self) -> None:
        made = self.put("nothing")
        await self.event(CameraChanged, camera=made.name, state="recovering")
        self.assertIn("has made no picture yet", made.reason or "")

    async def test_what_is_no_result_is_a_fault_that_says_what_is_one(self) -> None:
        made = self.put("wrong")
        fault = await self.event(Fault, camera=made.name)
        self.assertIn("a result cannot be of type str: it must be a picture", fault.reason)

    async def test_a_generator_that_ends_is_started_again(self) -> None:
        made = self.put("ends")
        fault = await self.event(Fault, camera=made.name)
        self.assertIn("it ended while there were still frames", fault.reason)
        await self.frames(made, 2)

    async def test_it_says_why_when_its_camera_stops_and_goes_on_when_that_does(self) -> None:
        made = self.put("negative")
        await self.frames(made, 1)
        lost = self.event(CameraChanged, camera=made.name, state="recovering")
        await self.server.camera("cam").stop()
        self.assertEqual((await lost).reason, "cam is stopped")
        self.server.camera("cam").start().addErrback(lambda _: None)
        await self.event(CameraChanged, camera=made.name, state="live")

    async def test_stopping_what_it_makes_ends_the_code_until_the_start(self) -> None:
        made = self.put("negative")
        await self.frames(made, 1)
        await made.stop()
        self.assertEqual(len(self.server.camera("cam").hub), 0)
        await made.start()
        await self.frames(made, 1)

    async def test_code_looks_at_what_other_code_makes(self) -> None:
        self.put("negative")
        made = self.put("count", "cam.negative")
        self.assertEqual(made.name, "cam.negative.count")
        self.assertEqual((await self.event(Processed)).source, "cam.negative")

    async def test_a_function_of_the_program_itself(self) -> None:
        made = self.put(lambda frame: {"seen": frame.width})
        self.assertEqual((await self.event(Processed)).data, {"seen": 160})
        self.assertEqual(made.name, "cam.lambda")
        self.assertIs(self.server.camera(), self.server.camera("cam"))  # still the only one

    async def test_a_camera_that_is_removed_takes_its_code_with_it(self) -> None:
        made = self.put("negative")
        await self.frames(made, 1)
        await self.server.remove_camera("cam")
        self.assertEqual((self.server.cameras, self.server.processors), ({}, {}))

    def test_what_cannot_be_is_refused(self) -> None:
        self.put("negative")
        with self.assertRaisesRegex(BadArgument, "there is already a camera 'cam.negative'"):
            self.put("negative")
        with self.assertRaises(NoSuchCamera):
            self.put("count", "garden")
        with self.assertRaisesRegex(BadArgument, "runs in a thread"):
            self.server.add_process(Process("cam", Code.of(len)))
        self.assertEqual(len(self.server.cameras), 2)


class ProcessTests(Case):
    runs_in = "process"

    async def test_pictures_and_events_come_out_of_a_process(self) -> None:
        made, told = self.put("negative"), self.event(Processed)
        self.put("count")
        frames = await self.frames(made, 3)
        self.assertEqual(frames[0].image.shape, (120, 160, 3))
        self.assertIn("mean", (await told).data)
        self.assertEqual(made.counts.encoded, 0)  # it was encoded over there

    async def test_a_generator_runs_in_a_process(self) -> None:
        self.put("every_third")
        self.assertEqual((await self.event(Processed)).data, {"number": 3})

    async def test_a_crash_of_the_process_is_a_fault_and_no_outage(self) -> None:
        made = self.put("dies")
        fault = await self.event(Fault, camera=made.name)
        self.assertIn("its process was ended by SIGABRT", fault.reason)
        self.assertEqual(self.server.camera("cam").state, "live")
        await self.event(Fault, camera=made.name)

    async def test_code_that_hangs_is_ended(self) -> None:
        self.patch(work_module, "HANG", 0.5)
        made = self.put("hangs")
        fault = await self.event(Fault, camera=made.name)
        self.assertIn("no result for 0.5 s", fault.reason)

    async def test_a_generator_that_hangs_is_ended_and_started_again(self) -> None:
        self.patch(work_module, "GENERATOR_HANG", 0.5)
        made = self.put("stuck")
        fault = await self.event(Fault, camera=made.name)
        self.assertIn("no result for 0.5 s", fault.reason)
        await self.frames(made, 1)
        self.assertGreaterEqual(self.processor(made).failures, 1)

    async def test_what_code_makes_is_recorded_like_any_other(self) -> None:
        made = self.put("negative")
        await self.frames(made, 1)
        recorder = self.server.channels[made.name].recorder
        recorder.start("made.mkv")
        await self.frames(made, 5)
        progress = await recorder.stop()
        assert progress is not None
        with av.open(str(self.folder / "recordings" / "made.mkv")) as film:
            self.assertGreaterEqual(sum(1 for _ in film.decode(video=0)), 4)

    async def test_its_figures_are_told_and_its_faults_make_the_server_no_worse(self) -> None:
        made = self.put("raises")
        await self.event(CameraChanged, camera=made.name, state="recovering")
        reply = Health(self.server).healthz(None)  # type: ignore[arg-type]
        self.assertEqual(reply.status, 200)
        self.assertIn("it is too dark", json.loads(reply.body)["processing"][made.name])
        [failures] = [
            each.samples[0].value
            for each in ServerCollector(self.server).collect()
            if each.name == "twistedcam_process_failures"
        ]
        self.assertGreaterEqual(failures, 1)

    async def test_code_that_hangs_does_not_keep_the_server_from_its_end(self) -> None:
        made = self.put("hangs")
        await self.frames(self.server.camera("cam"), 45)
        runner = self.processor(made)._runner
        assert runner is not None
        process = runner._executor._process  # type: ignore[attr-defined]
        await self.end_server()
        self.assertIsNotNone(process.poll())
