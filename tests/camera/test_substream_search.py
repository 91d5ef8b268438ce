"""The smaller stream of a camera is found by ONVIF when the camera is live."""

from __future__ import annotations

from urllib.parse import quote

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from tests.support.onvif_camera import MAIN, PASSWORD, SUB, USER, OnvifTestCamera, TestProfile
from twistedcam.camera.state_machine import CameraState
from twistedcam.camera.status import CameraStatus
from twistedcam.camera.substream_search import RETRY, SubstreamSearch
from twistedcam.events import EventBus
from twistedcam.sources.spec import SourceSpec, parse

LOGIN = f"{USER}:{quote(PASSWORD, safe='')}"


class SubstreamSearchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.events = Clock(), EventBus()
        self.told: list[SourceSpec | None] = []
        self.camera = OnvifTestCamera()
        self.camera.__enter__()
        self.addCleanup(self.camera.__exit__)
        self.host = f"127.0.0.1:{self.camera.port}"

    def search(self, source: str) -> SubstreamSearch:
        self.status = CameraStatus("door", parse(source), self.clock)
        found = SubstreamSearch(
            self.status, self.events, self.clock, InlineThread, self.told.append
        )
        self.addCleanup(found.close)
        return found

    def become(self, state: CameraState, size: tuple[int, int] = MAIN.size) -> None:
        self.status.set_state(state, None)
        self.status.width, self.status.height = size
        self.events.publish(self.status.changed())

    @property
    def questions(self) -> int:
        return self.camera.asked.count("GetProfiles")

    def test_it_has_the_login_and_the_way_of_the_camera(self) -> None:
        self.search(f"onvif://{LOGIN}@{self.host}#transport=udp&path=/dev&title=Door")
        self.become("starting")
        self.assertEqual((self.told, self.questions), ([], 0))
        self.become("live")
        [found] = self.told
        assert found is not None
        self.assertEqual(found.text, f"onvif://{LOGIN}@{self.host}/sub#transport=udp&path=/dev")
        self.assertEqual(parse(found.text), found)
        self.become("live")
        self.assertEqual((len(self.told), self.questions), (1, 1))

    def test_a_camera_of_rtsp_has_one_if_its_address_of_onvif_is_known(self) -> None:
        self.search(f"rtsp://{LOGIN}@127.0.0.1:9/a#ptz=onvif://{self.host}/main&transport=udp")
        self.become("live")
        texts = [each and each.text for each in self.told]
        self.assertEqual(texts, [f"onvif://{LOGIN}@{self.host}/sub#transport=udp"])
        for source in ("rtsp://127.0.0.1:9/a", "pattern:", "rtsp://127.0.0.1:9/a#ptz=0"):
            self.search(source).close()
            self.become("live")
        self.assertEqual((len(self.told), self.questions), (1, 1))

    def test_a_camera_without_motors_has_one(self) -> None:
        self.search(f"onvif://{LOGIN}@{self.host}#ptz=0")
        self.become("live")
        self.assertEqual(len(self.told), 1)

    def test_a_camera_without_a_second_profile_has_none(self) -> None:
        self.camera.profiles = (MAIN,)
        self.search(f"onvif://{LOGIN}@{self.host}")
        with capturedLogs() as logs:
            self.become("live")
        self.assertEqual((self.told, self.questions), ([], 1))
        self.assertEqual([*map(formatEvent, logs)], [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_another_choice_of_the_camera_is_found_when_it_is_live_again(self) -> None:
        self.search(f"onvif://{LOGIN}@{self.host}/main")
        self.become("live")
        self.camera.profiles = (MAIN, SUB, TestProfile("third", "JPEG", (320, 180)))
        self.become("recovering")
        self.become("live")
        self.camera.profiles = (MAIN,)
        self.become("recovering")
        self.become("live")
        targets = [each and each.target.rpartition("/")[2] for each in self.told]
        self.assertEqual(targets, ["sub", "third", None])

    def test_that_of_another_source_is_forgotten_at_once(self) -> None:
        self.search(f"onvif://{LOGIN}@{self.host}")
        self.become("live")
        self.status.spec = parse("rtsp://127.0.0.1:9/a")
        self.become("starting")
        self.assertEqual(self.told[1:], [None])
        self.become("live")
        self.assertEqual((len(self.told), self.questions), (2, 1))

    def test_a_camera_that_does_not_answer_is_asked_again_and_keeps_its_stream(self) -> None:
        self.search(f"onvif://{LOGIN}@{self.host}")
        self.become("live")
        answer = self.camera.answer
        self.camera.answer = lambda *_: (500, b"", {})  # type: ignore[method-assign]
        self.become("recovering")
        with capturedLogs() as logs:
            self.become("live")
            self.clock.advance(RETRY)
        [event] = logs
        self.assertIn("door: its profiles are not known: 127.0.0.1:", str(formatEvent(event)))
        self.assertEqual(len(self.told), 1)
        self.camera.answer = answer  # type: ignore[method-assign]
        self.camera.profiles = (MAIN,)
        self.clock.advance(RETRY)
        self.assertEqual(self.told[1:], [None])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_refused_login_is_not_tried_again_while_the_camera_is_live(
        self,
    ) -> None:
        self.search(f"onvif://{USER}:wrong@{self.host}")
        self.become("live")
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([], []))

    def test_nothing_is_told_or_tried_after_its_end(self) -> None:
        self.camera.answer = lambda *_: (500, b"", {})  # type: ignore[method-assign]
        search = self.search(f"onvif://{LOGIN}@{self.host}")
        self.become("live")
        search.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.become("recovering")
        self.become("live")
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([], []))

    def test_a_camera_that_is_live_already_is_asked_at_once(self) -> None:
        self.status = CameraStatus("door", parse(f"onvif://{LOGIN}@{self.host}"), self.clock)
        self.status.set_state("live", None)
        self.status.width, self.status.height = MAIN.size
        SubstreamSearch(self.status, self.events, self.clock, InlineThread, self.told.append)
        self.assertEqual(len(self.told), 1)
