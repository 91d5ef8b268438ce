"""``twistedcam publish``: pushes a camera of this machine to a server."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, get_args

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twistedcam import wire
from twistedcam.cli.serve import begin_log
from twistedcam.cli.tls_options import add_trust_arguments, read_token, read_trust
from twistedcam.clients.frames import parse_target
from twistedcam.config.options import LogLevelName
from twistedcam.errors import BadArgument, BadMessage
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.runtime.clock import use_monotonic_clock
from twistedcam.runtime.memory import share_one_heap
from twistedcam.runtime.threads import Thread
from twistedcam.sources.spec import parse
from twistedcam.stream.hub import Sink
from twistedcam.stream.stream import Subscription
from twistedcam.stream.wants import Wants
from twistedcam.util.one_line import on_one_line

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.clients.frames.publisher import Publisher

EXAMPLE = "Example: twistedcam publish webcam:0 twistedcam://server/door"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``publish``."""
    add = parser.add_argument
    parser.epilog = EXAMPLE
    add("source", metavar="SOURCE", help="the source to publish: webcam:0, pattern:, file:…")
    add("url", metavar="URL", help="a push: camera of a server: twistedcam://HOST:9530/CAMERA")
    add_trust_arguments(parser)
    add("--once", action="store_true", help="exit with code 1 when the connection is lost")
    add("--log-json", action="store_true", help="log as JSON lines")
    add(
        "--log-level",
        choices=get_args(LogLevelName),
        default="warn",
        help="minimum level to log (%(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Publish until a signal is received or the server refuses."""
    share_one_heap(os.environ)
    from twisted.internet import reactor

    # Imported late: completion and the manual ask only for the options.
    from twistedcam.camera import Camera
    from twistedcam.clients.frames.publisher import Publisher

    use_monotonic_clock(reactor)
    spec = parse(arguments.source)
    if spec.scheme == "push":
        raise BadArgument(
            "push: cannot be published, because it waits for a publisher: use webcam:0, for example"
        )
    token, trust = read_token(arguments, os.environ), read_trust(arguments, os.environ)
    target = parse_target(arguments.url).with_options(token=token, trust=trust)
    begin_log(arguments.log_json, arguments.log_level)
    events = EventBus()
    camera = Camera(target.camera or "camera", spec, events, reactor, _make_thread)
    publishing = Publishing(
        reactor, camera, Publisher(reactor, target, reconnect=not arguments.once)
    )
    events.subscribe(publishing.on_event)
    publishing.start()
    reactor.run()
    if publishing.error is not None:
        raise publishing.error
    return 0


class Publishing(Sink[Packet]):
    """Passes a camera's frames to a publisher, and prints what state both are in."""

    def __init__(self, reactor: Any, camera: Camera, publisher: Publisher) -> None:
        #: The error that ended it, or None.
        self.error: BaseException | None = None
        #: Frames that were not sent, because the server would refuse them.
        self.skipped = 0
        self._reactor = reactor
        self._camera = camera
        self._publisher = publisher
        #: The codecs that the server takes, and the place in the camera's stream for them.
        self._codecs: tuple[str, ...] = ()
        self._subscription: Subscription | None = None
        self._sound_place: Subscription | None = None
        publisher.on_state = self._on_state
        publisher.on_keyframe_request = self._request_keyframe

    def start(self) -> None:
        """Start the camera and the publisher."""
        self._publisher.ended.addErrback(self._on_ended)
        self._publisher.startService()
        self._camera.start().addErrback(lambda _: None)  # its state has the reason
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)

    def take(self, frame: Packet) -> None:
        """Send a frame (hub.Sink), unless the server would end the connection because of it."""
        try:
            if isinstance(frame, Frame):
                wire.check_image(frame, through=True)
        except BadMessage as error:
            if not self.skipped:
                print(f"{self._camera.spec.shown}: skipped: {error}", flush=True)
            self.skipped += 1
            return
        self._publisher.take(frame)

    def on_event(self, event: Event) -> None:
        """Print the camera's state when it changes."""
        if isinstance(event, CameraChanged):
            reason = f": {event.reason}" if event.reason else ""
            print(f"{self._camera.spec.shown}: {event.state}{reason}", flush=True)
            if event.state == "stopped" and event.reason and self._reactor.running:
                self._reactor.callLater(0, self._reactor.stop)  # the end of a file

    def _on_state(self, state: wire.State) -> None:
        """Take the packets that the server takes, and print its state."""
        codecs = self._publisher.server_codecs
        if codecs and codecs != self._codecs:
            self._codecs = codecs
            if self._subscription is not None:
                self._subscription.close()
            known = tuple(each for each in wire.CODECS if each in codecs)
            self._subscription = self._camera.stream.subscribe(self, Wants(known))
            if self._sound_place is not None:
                self._sound_place.close()
                self._sound_place = None
            sounds = tuple(each for each in ("opus", "aac") if each in codecs)
            if sounds:
                wants = Wants(sounds, kind="audio")
                self._sound_place = self._camera.stream.subscribe(self._publisher, wants)
        reason = f": {state.reason}" if state.reason else ""
        print(on_one_line(f"{self._publisher.target}: {state.state}{reason}"), flush=True)

    def _request_keyframe(self) -> None:
        if self._subscription is not None:
            self._subscription.request_keyframe()

    def _on_ended(self, why: Failure) -> None:
        self.error = why.value
        self._reactor.callLater(0, self._reactor.stop)

    def _stop(self) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._stop_both())

    async def _stop_both(self) -> None:
        await self._publisher.stopService()
        await self._camera.stop()


def _make_thread() -> Thread:
    from twisted.internet import reactor

    return Thread(reactor)
