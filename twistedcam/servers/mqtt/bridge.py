"""The server on the broker: what it tells, and what it is told to do."""

from __future__ import annotations

import json
import secrets
import shlex
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.commands import Command, Registry
from twistedcam.commands.status import camera_status
from twistedcam.errors import BadArgument, Forbidden, LineTooLong, TwistedcamError
from twistedcam.events import Event, Fault
from twistedcam.recording.library.hidden_folder import INSTALLATION, HiddenFolder
from twistedcam.runtime.timer import Timer
from twistedcam.servers.mqtt.address import Broker
from twistedcam.servers.mqtt.client import MqttClient
from twistedcam.servers.mqtt.discovery import announcements, camera_topic

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Bytes of a command, as on the control port.
MAX_LINE = 4096
#: Seconds after which a change is told; what changes meanwhile is told with it.
SOON = 0.1
_SWITCHES = {
    ("stream", "ON"): "start",
    ("stream", "OFF"): "stop",
    ("record", "ON"): "record start",
    ("record", "OFF"): "record stop",
}


class Bridge(Service):
    """Publishes cameras' state, events and pictures; carries out commands.

    Arguments:
        reactor: what it runs on.
        server: whose cameras.
        registry: the commands.
        broker: where to.

    Raises:
        BadArgument: see MqttClient.
    """

    def __init__(self, reactor: Any, server: Server, registry: Registry, broker: Broker) -> None:
        self._server = server
        self._registry = registry
        self._hidden = HiddenFolder(server.recordings)
        known = self._hidden.installation() if broker.is_default else ""
        #: The id to be written, which the start does: who only checks options writes nothing.
        self._new_id = secrets.token_hex(4) if known is None else ""
        broker = broker.of_installation(known or self._new_id)
        self._broker = broker
        self._birth = f"{broker.discovery}/status"
        self._command = f"{broker.base}/command"
        topics = [self._birth, self._command, camera_topic(broker, "+", "+/set")]
        assert server.broker is not None
        server.broker.address = broker.shown
        self._client = MqttClient(
            reactor, broker, server.broker, topics, self._announce, self._received
        )
        self._loop = LoopingCall(self._tell_all)
        self._loop.clock = reactor
        self._soon = Timer(reactor)
        self._faults: Counter[str] = Counter()
        #: What the broker keeps of each camera: topics. It is taken back when the camera is gone.
        self._kept: dict[str, set[str]] = {}
        #: The cameras' titles as Home Assistant was told them.
        self._titles: dict[str, str | None] = {}
        self._unsubscribe: Callable[[], None] = lambda: None

    def startService(self) -> None:
        """Connect, and tell from then on."""
        super().startService()
        if self._new_id:
            try:
                self._hidden.write(INSTALLATION, f"{self._new_id}\n".encode())
            except OSError as error:
                log.warn("MQTT topics change at the next start: {why}", why=error.strerror)
        self._unsubscribe = self._server.events.subscribe(self._heard)
        self._client.start()
        self._loop.start(self._broker.every, now=False)

    def stopService(self) -> Deferred[Any]:
        """Say goodbye."""
        super().stopService()
        self._unsubscribe()
        self._soon.cancel()
        if self._loop.running:
            self._loop.stop()
        return self._client.close()

    def _announce(self) -> None:
        """Tell Home Assistant what there is."""
        for gone in self._kept.keys() - self._server.cameras.keys():
            for topic in self._kept.pop(gone):
                self._client.publish(topic, "")
        self._titles = self._shown()
        for name, camera in self._server.cameras.items():
            for topic, payload in announcements(self._broker, name, camera.title).items():
                self._keep(name, topic, json.dumps(payload))
        self._tell_all()

    def _keep(self, camera: str, topic: str, payload: str | bytes) -> None:
        self._kept.setdefault(camera, set()).add(topic)
        self._client.publish(topic, payload)

    def _tell_all(self) -> None:
        """State and newest picture of each camera."""
        if not self._client.is_connected:
            return
        if self._kept.keys() != self._server.cameras.keys() or self._titles != self._shown():
            self._announce()
            return
        self._tell_states()
        for name, camera in self._server.cameras.items():
            newest = camera.hub.encoded()
            if newest is not None:
                self._keep(name, camera_topic(self._broker, name, "image"), newest.jpeg)

    def _shown(self) -> dict[str, str | None]:
        return {name: camera.title for name, camera in self._server.cameras.items()}

    def _tell_states(self) -> None:
        for name, camera in self._server.cameras.items():
            status = camera_status(self._server, camera)
            state = {
                **status,
                "stream": camera.state != "stopped" or camera.is_idle,
                "record": status["recording"] is not None,
                "faults": self._faults[name],
            }
            self._keep(name, camera_topic(self._broker, name, "state"), json.dumps(state))

    def _heard(self, event: Event) -> None:
        told = event.as_dict(self._server.title_of(event))
        camera = told.get("camera")
        if isinstance(event, Fault) and camera:
            self._faults[camera] += 1
        payload = json.dumps({"event": event.kind, **told})
        if camera:
            self._keep(camera, camera_topic(self._broker, camera, f"event/{event.kind}"), payload)
        else:
            self._client.publish(f"{self._broker.base}/event", payload)
        self._soon.start_unless_pending(SOON, self._tell_states)

    def _received(self, topic: str, payload: bytes) -> None:
        if topic == self._birth:
            if payload == b"online":
                self._announce()
            return
        text = payload.decode("utf-8", "replace").strip()
        if topic != self._command:
            camera, switch = topic.split("/")[-3:-1]
            verb = _SWITCHES.get((switch, text.upper()))
            if verb is None:
                said = BadArgument(f"{text[:60]!r} is neither ON nor OFF")
                self._answer(_refusal(f"{camera}/{switch}/set", said))
                if self._server.refusals.should_log("MQTT", topic):
                    log.warn("{topic}: {reason}", topic=topic, reason=str(said))
                return
            text = f"{verb} {camera}"
        carried_out = Deferred.fromCoroutine(self._carry_out(text))
        carried_out.addErrback(lambda why: log.failure("a command failed", failure=why))

    async def _carry_out(self, line: str) -> None:
        """One line of the vocabulary; its answer goes to ``BASE/answer``."""
        answer: dict[str, Any]
        try:
            if len(line.encode()) > MAX_LINE:
                line = f"{line[:60]}…"
                raise LineTooLong(f"a line has at most {MAX_LINE} bytes")
            try:
                words = shlex.split(line)
            except ValueError as error:
                is_quote = "quotation" in str(error)
                what = "a quote is not closed" if is_quote else "a backslash ends the line"
                raise BadArgument(f"{what}: words are split as a shell splits them") from None
            command, rest = self._registry.find(words or [""])
            if command.of_session or not self._may_give(command):
                raise Forbidden(f"{command.name!r} is not for MQTT")
            found = await command.run(self._server, **command.bind(self._server, rest))
            named = {command.items or "items": found} if isinstance(found, list) else found or {}
            answer = {"ok": True, "command": line, **named}
        except TwistedcamError as error:
            answer = _refusal(line, error)
        self._answer(answer)

    def _answer(self, answer: dict[str, Any]) -> None:
        self._client.publish(f"{self._broker.base}/answer", json.dumps(answer), retain=False)

    def _may_give(self, command: Command) -> bool:
        """What needs the right to ``admin`` is not for the broker's users.

        ``save`` is, on a server without tokens: there everybody may do everything.
        """
        is_about_a_camera = any(each.is_camera for each in command.parameters)
        open_to_all = not self._server.authenticator.is_needed
        return command.right != "admin" or (is_about_a_camera and open_to_all)


def _refusal(command: str, error: TwistedcamError) -> dict[str, Any]:
    return {"ok": False, "command": command, "code": error.code, "message": str(error)}
