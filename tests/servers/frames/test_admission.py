"""The HELLO of the frame port, and the decision on a JOIN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import FakeScheme, make_server
from twistedcam import wire
from twistedcam.errors import UnknownCamera, VersionMismatch
from twistedcam.servers.frames.admission import admit, hello, right_of
from twistedcam.sources.spec import SourceSpec

PEER = IPv4Address("TCP", "127.0.0.1", 1)


class AdmissionTests(SynchronousTestCase):
    def setUp(self) -> None:
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.server = make_server(Clock(), Path("unused"))
        for name in ("first", "front door"):
            self.server.add_camera(name, SourceSpec("fake", "", {}, "fake:"))

    def admit(self, **options: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(admit(self.server, wire.Join(**options), "00", PEER))

    def test_hello_lists_the_cameras_while_no_token_is_needed(self) -> None:
        message = hello(self.server, "00")
        self.assertEqual([each["name"] for each in message.cameras], ["first", "front door"])
        self.assertEqual((message.auth, message.nonce), (False, "00"))

    def test_a_join_without_a_name_gets_the_first_camera(self) -> None:
        camera, _ = self.successResultOf(self.admit())
        self.assertEqual(camera.name, "first")

    def test_a_camera_has_its_name_and_its_url_safe_form(self) -> None:
        for name in ("front door", "front-door"):
            camera, _ = self.successResultOf(self.admit(camera=name))
            self.assertEqual(camera.name, "front door")

    def test_an_unknown_camera_and_another_version_are_refused(self) -> None:
        self.failureResultOf(self.admit(camera="attic"), UnknownCamera)
        why = self.failureResultOf(self.admit(protocol=2), VersionMismatch)
        self.assertEqual(why.getErrorMessage(), "this server speaks version 1, not 2")

    def test_each_role_needs_its_right(self) -> None:
        self.assertEqual(right_of(wire.Join()), "view")
        self.assertEqual(right_of(wire.Join("publish")), "publish")
        self.assertEqual(right_of(wire.Join(codecs=("opus", "h264"))), "view")
        self.assertEqual(right_of(wire.Join(codecs=("flac", "opus"))), "listen")
