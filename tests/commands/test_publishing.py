"""The commands about publishing."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.publishing.test_output import Sender
from tests.support.films import START_US, jpeg
from tests.support.server_case import ServerCase
from twistedcam.commands import standard_commands
from twistedcam.errors import TargetFailed
from twistedcam.media.frame import Frame
from twistedcam.publishing import output
from twistedcam.publishing.output import CONNECT_TIMEOUT
from twistedcam.publishing.target import parse_target


class PublishingCommandTests(ServerCase):
    """A camera with two targets, whose senders the test plays."""

    def setUp(self) -> None:
        super().setUp()
        Sender.made = []
        self.patch(output, "SenderProcess", Sender)
        targets = [parse_target(f"{kind}://example.org/live/KEY") for kind in ("rtmp", "rtsp")]
        self.server.channels["door"].outputs.add(targets)
        self.addCleanup(self.server.stop_outputs)
        self.door.state = "live"
        self.registry = standard_commands()

    def ask(self, line: str) -> Deferred[Any]:
        command, words = self.registry.find(line.split())
        arguments = command.bind(self.server, words)
        return Deferred.fromCoroutine(command.run(self.server, **arguments))

    def show(self) -> None:
        self.door.hub.publish(Frame(1, START_US, 160, 120, jpeg()))

    def test_start_answers_when_all_targets_accept_video(self) -> None:
        asked = self.ask("publish start door")
        self.show()
        one, two = Sender.made
        one.on_live()
        self.assertNoResult(asked)
        two.on_live()
        self.assertIsNone(self.successResultOf(asked))
        self.assertIsNone(self.successResultOf(self.ask("publish start door rtmp")))
        self.assertIsNone(self.successResultOf(self.ask("publish stop door")))
        self.assertEqual([each.state for each in self.server.outputs], ["stopped"] * 2)

    def test_start_fails_with_the_reason_of_each_target_that_fails(self) -> None:
        asked = self.ask("publish start door")
        self.show()
        one, two = Sender.made
        one.on_live()
        two.on_end("Connection refused")
        failure = self.failureResultOf(asked, TargetFailed)
        self.assertEqual(failure.getErrorMessage(), "rtsp: Connection refused. The server retries")
        self.failureResultOf(self.ask("publish start door rtsp"), TargetFailed)
        self.assertEqual([each.state for each in self.server.outputs], ["live", "waiting"])

    def test_start_says_when_no_video_could_be_sent(self) -> None:
        asked = self.ask("publish start door rtmp")
        self.clock.advance(CONNECT_TIMEOUT)
        failure = self.failureResultOf(asked, TargetFailed)
        self.assertIn("no video could be sent", failure.getErrorMessage())
        stopped = self.ask("publish start door rtmp")
        self.successResultOf(self.ask("publish stop door"))
        self.assertIn(
            "it was stopped", self.failureResultOf(stopped, TargetFailed).getErrorMessage()
        )

    def test_start_without_a_picture_says_so(self) -> None:
        self.door.state, self.door.reason = "recovering", "unplugged"
        told = self.successResultOf(self.ask("publish start door rtmp"))
        self.assertEqual(told, {"waiting": "no picture yet (the camera is recovering: unplugged)"})
