"""The cameras of a server, and the parts that it is given."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.support.server_case import ServerCase
from twistedcam.auth import Authenticator
from twistedcam.core.broker_state import BrokerState
from twistedcam.core.server import Server
from twistedcam.delivery import Delivery
from twistedcam.errors import BadArgument, CameraNeeded, NoSuchCamera, NotSupported
from twistedcam.events import CameraChanged, EventBus
from twistedcam.net.connection_limits import ConnectionLimiter
from twistedcam.processing import Process
from twistedcam.processing.user_code import Code
from twistedcam.sources.spec import SourceSpec
from twistedcam.stream.viewers import Viewers


class CameraTests(ServerCase):
    def test_a_camera_is_found_by_its_name_or_the_url_safe_form_of_it(self) -> None:
        hall = self.server.add_camera("Große Halle", SourceSpec("fake", "", {}, "fake:hall"))
        self.assertIs(self.server.camera("Große Halle"), hall)
        self.assertIs(self.server.camera("Grosse-Halle"), hall)
        self.assertEqual(list(self.server.cameras), ["door", "yard", "Große Halle"])
        with self.assertRaisesRegex(NoSuchCamera, "'cellar'; there is door, yard"):
            self.server.camera("cellar")

    def test_without_a_name_the_only_configured_camera_is_meant(self) -> None:
        with self.assertRaises(CameraNeeded):
            self.server.camera()
        self.assertIs(self.server.first_or_named(None), self.door)
        self.remove("yard")
        made = self.server.add_process(Process("door", Code.of(_nothing), "thread"))
        self.assertIs(self.server.camera(), self.door)
        self.assertEqual(self.server.own_cameras, [self.door])
        self.assertEqual(list(self.server.processors), [made.name])

    def test_a_camera_that_could_be_taken_for_another_is_refused(self) -> None:
        with self.assertRaisesRegex(BadArgument, "would both be 'door'"):
            self.server.add_camera("dóor", SourceSpec("fake", "", {}, "fake:again"))

    def test_a_function_object_runs_in_a_thread_only(self) -> None:
        with self.assertRaisesRegex(BadArgument, "runs in a thread"):
            self.server.add_process(Process("door", Code.of(_nothing)))

    def test_user_code_is_removed_with_the_camera_that_it_works_on(self) -> None:
        self.server.add_process(Process("door", Code.of(_nothing), "thread"))
        self.remove("door")
        self.assertEqual(list(self.server.channels), ["yard"])

    def test_an_event_has_the_title_of_its_camera(self) -> None:
        spec = SourceSpec("fake", "", {"title": "Front door"}, "fake:door")
        self.server.configure("door", spec)
        event = CameraChanged("door", "stopped", None, 0, 0, 0)
        self.assertEqual(self.server.title_of(event), "Front door")

    def test_without_a_configuration_there_is_nothing_to_reload(self) -> None:
        self.failureResultOf(Deferred.fromCoroutine(self.server.reload()), NotSupported)

    def test_the_parts_are_those_that_were_given(self) -> None:
        """An empty list of viewers, or a limiter without connections, is false."""
        clock, events = Clock(), EventBus()
        parts = {
            "events": events,
            "viewers": Viewers(events, clock),
            "delivery": Delivery(clock),
            "authenticator": Authenticator(clock),
            "connection_limiter": ConnectionLimiter(),
            "broker": BrokerState("mqtt://host:1883/base"),
        }
        server = Server(clock, self.folder, **parts)  # type: ignore[arg-type]
        for name, part in parts.items():
            self.assertIs(getattr(server, name), part)

    def remove(self, name: str) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.server.remove_camera(name)))


def _nothing(frame: object) -> None:
    """User code without a result."""
