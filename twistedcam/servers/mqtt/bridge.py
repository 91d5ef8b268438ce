"""Publishes the cameras' state to a broker, and executes commands from it."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.auth import ANYONE, Grant
from twistedcam.automation.event_store import StoredEvent
from twistedcam.commands import Command, Registry, run_command
from twistedcam.commands.status_fields import camera_status
from twistedcam.errors import BadArgument, LineTooLong, TwistedcamError
from twistedcam.events import Event, Fault
from twistedcam.media.packet import Packet
from twistedcam.recording.library.hidden_folder import INSTALLATION, HiddenFolder
from twistedcam.runtime.timer import Timer
from twistedcam.servers.control.line_format import MAX_LINE, split
from twistedcam.servers.mqtt.address import Broker
from twistedcam.servers.mqtt.client import MqttClient
from twistedcam.servers.mqtt.discovery import announcements, camera_topic
from twistedcam.stream.hub import LATE, Sink
from twistedcam.stream.stream import Subscription
from twistedcam.stream.wants import Wants
from twistedcam.util.polygons import Polygon

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

log = Logger()

#: Seconds after a change until the state is published, so that further changes are included.
STATE_DELAY = 0.1
_SWITCHES = {
    ("stream", "ON"): "start",
    ("stream", "OFF"): "stop",
    ("record", "ON"): "record start",
    ("record", "OFF"): "record stop",
    ("motion", "ON"): "motion on",
    ("motion", "OFF"): "motion off",
    ("mute", "ON"): "mute",
    ("mute", "OFF"): "unmute",
}

#: Sound as the level is measured of it.
_SAMPLES = Wants(("pcm_s16le",), kind="audio", priority=LATE)

#: The grant of commands from a broker: they neither stop nor reconfigure the server.
BROKER = Grant("mqtt", frozenset({"view", "control"}), holder="MQTT")


class _Levels(Sink[Packet]):
    """Takes all cameras' sound as samples, so that its level is measured, and drops it."""

    def __init__(self) -> None:
        self._subscriptions: dict[Camera, Subscription] = {}

    def follow(self, cameras: Collection[Camera]) -> None:
        """Take the sound of these cameras, and of no others."""
        for gone in self._subscriptions.keys() - set(cameras):
            self._subscriptions.pop(gone).close()
        for camera in cameras:
            if camera not in self._subscriptions:
                self._subscriptions[camera] = camera.stream.subscribe(self, _SAMPLES)

    def take(self, packet: Packet, /) -> None:
        """Drop samples: they have been measured (hub.Sink)."""


class Bridge(Service):
    """Publishes the cameras' state, events and pictures; executes commands.

    Raises:
        BadArgument: see MqttClient.
    """

    def __init__(self, reactor: Any, server: Server, registry: Registry, broker: Broker) -> None:
        self._server = server
        self._registry = registry
        self._hidden = HiddenFolder(server.recordings)
        known = self._hidden.installation() if broker.is_default else ""
        #: A new id; the start writes it, because a check of the options must write nothing.
        self._new_id = secrets.token_hex(4) if known is None else ""
        broker = broker.of_installation(known or self._new_id)
        self._broker = broker
        self._birth = f"{broker.discovery}/status"
        self._command = f"{broker.base}/command"
        topics = [self._birth, self._command, camera_topic(broker, "+", "+/set")]
        assert server.broker is not None
        server.broker.address = broker.shown
        self._client = MqttClient(
            reactor, broker, server.broker, topics, self._announce, self._on_message
        )
        self._loop = LoopingCall(self._publish_all)
        self._loop.clock = reactor
        self._state_timer = Timer(reactor)
        self._faults: Counter[str] = Counter()
        #: The retained topics of each camera, which are cleared when it is removed.
        self._retained: dict[str, set[str]] = {}
        #: The cameras' titles that were announced to Home Assistant.
        self._titles: dict[str, str | None] = {}
        #: The cameras' privacy masks that their retained pictures were made with.
        self._masks: dict[str, tuple[Polygon, ...]] = {}
        self._unsubscribe: Callable[[], None] = lambda: None
        self._levels = _Levels()

    def startService(self) -> None:
        """Connect and begin to publish."""
        super().startService()
        if self._new_id:
            try:
                self._hidden.write(INSTALLATION, f"{self._new_id}\n".encode())
            except OSError as error:
                log.warn("MQTT topics change at the next start: {why}", why=error.strerror)
        self._unsubscribe = self._server.events.subscribe(self._on_event)
        self._server.automation.recorder.on_picture = self._on_picture
        self._client.start()
        self._loop.start(self._broker.every, now=False)

    def stopService(self) -> Deferred[Any]:
        """Disconnect; the Deferred fires when this is done."""
        super().stopService()
        self._unsubscribe()
        self._server.automation.recorder.on_picture = lambda event, jpeg: None
        self._state_timer.cancel()
        self._levels.follow(())
        if self._loop.running:
            self._loop.stop()
        return self._client.close()

    def _announce(self) -> None:
        """Announce the cameras to Home Assistant, and publish their state."""
        for gone in self._retained.keys() - self._server.cameras.keys():
            for topic in self._retained.pop(gone):
                self._client.publish(topic, "")
        self._titles = self._titles_now()
        for name, camera in self._server.cameras.items():
            for topic, payload in announcements(self._broker, name, camera.title).items():
                self._retain(name, topic, json.dumps(payload))
        self._publish_all()

    def _retain(self, camera: str, topic: str, payload: str | bytes) -> None:
        self._retained.setdefault(camera, set()).add(topic)
        self._client.publish(topic, payload)

    def _publish_all(self) -> None:
        """Publish the state and the newest picture of each camera."""
        if not self._client.is_connected:
            return
        if (
            self._retained.keys() != self._server.cameras.keys()
            or self._titles != self._titles_now()
        ):
            self._announce()
            return
        self._publish_states()
        for name, camera in self._server.cameras.items():
            made = Deferred.fromCoroutine(self._publish_picture(name, camera))
            made.addErrback(lambda why: log.failure("a picture was not published", failure=why))

    async def _publish_picture(self, name: str, camera: Camera) -> None:
        newest = await camera.newest_picture()
        if newest is not None and self._client.is_connected:
            self._retain(name, camera_topic(self._broker, name, "image"), newest.jpeg)

    def _titles_now(self) -> dict[str, str | None]:
        return {name: camera.title for name, camera in self._server.cameras.items()}

    def _publish_states(self) -> None:
        if self._broker.levels:
            self._levels.follow(self._server.cameras.values())
        for name, camera in self._server.cameras.items():
            self._forget_unmasked(name, camera)
            status = camera_status(self._server, camera)
            state = {
                **status,
                "stream": camera.state != "stopped" or camera.is_idle,
                "record": status["recording"] is not None,
                "faults": self._faults[name],
            }
            self._retain(name, camera_topic(self._broker, name, "state"), json.dumps(state))

    def _forget_unmasked(self, name: str, camera: Camera) -> None:
        """Remove the pictures of a camera whose masks have changed from the broker."""
        masks = camera.encoder.privacy
        if self._masks.setdefault(name, masks) == masks or not self._client.is_connected:
            return
        self._masks[name] = masks
        for what in ("image", "snapshot"):
            topic = camera_topic(self._broker, name, what)
            if topic in self._retained.get(name, ()):
                self._client.publish(topic, "")

    def _on_event(self, event: Event) -> None:
        fields = event.as_json(self._server.title_of(event))
        camera = fields.get("camera")
        if isinstance(event, Fault) and camera:
            self._faults[camera] += 1
        payload = json.dumps(fields)
        if camera:
            self._retain(camera, camera_topic(self._broker, camera, f"event/{event.kind}"), payload)
        else:
            self._client.publish(f"{self._broker.base}/event", payload)
        self._state_timer.start_unless_pending(STATE_DELAY, self._publish_states)

    def _on_picture(self, event: StoredEvent, jpeg: bytes) -> None:
        """Publish the picture of an event."""
        if event.camera in self._server.cameras:
            topic = camera_topic(self._broker, event.camera, "snapshot")
            self._retain(event.camera, topic, jpeg)

    def _on_message(self, topic: str, payload: bytes) -> None:
        if topic == self._birth:
            if payload == b"online":
                self._announce()
            return
        text = payload.decode("utf-8", "replace").strip()
        if topic != self._command:
            camera, switch = topic.split("/")[-3:-1]
            verb = _SWITCHES.get((switch, text.upper()))
            if verb is None:
                error = BadArgument(f"{text[:60]!r} is neither ON nor OFF")
                self._answer(_refusal(f"{camera}/{switch}/set", error))
                if self._server.refusals.should_log("MQTT", topic):
                    log.warn("{topic}: {reason}", topic=topic, reason=str(error))
                return
            text = f"{verb} {camera}"
        executing = Deferred.fromCoroutine(self._execute(text))
        executing.addErrback(lambda why: log.failure("a command failed", failure=why))

    async def _execute(self, line: str) -> None:
        """Execute a command, and publish its answer to ``BASE/answer``."""
        answer: dict[str, Any]
        try:
            if len(line.encode()) > MAX_LINE:
                line = f"{line[:60]}…"
                raise LineTooLong(f"a line may have at most {MAX_LINE} bytes")
            command, rest = self._registry.find(split(line.encode()) or [""])
            bind = partial(command.bind, self._server, rest)
            found = await run_command(self._server, command, self._grant_for(command), bind)
            named = {command.items or "items": found} if isinstance(found, list) else found or {}
            answer = {"ok": True, "command": line, **named}
        except TwistedcamError as error:
            answer = _refusal(line, error)
        self._answer(answer)

    def _answer(self, answer: dict[str, Any]) -> None:
        self._client.publish(f"{self._broker.base}/answer", json.dumps(answer), retain=False)

    def _grant_for(self, command: Command) -> Grant:
        """Return the grant for a command: with ``admin`` only for cameras of an open server."""
        is_about_a_camera = any(each.is_camera for each in command.parameters)
        open_to_all = not self._server.authenticator.is_needed
        return ANYONE if is_about_a_camera and open_to_all else BROKER


def _refusal(command: str, error: TwistedcamError) -> dict[str, Any]:
    return {"ok": False, "command": command, "code": error.code, "message": str(error)}
