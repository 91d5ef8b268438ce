"""Executes commands for single keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.auth import ANYONE
from twistedcam.commands import Registry, run_command
from twistedcam.errors import TwistedcamError
from twistedcam.events import CameraChanged, Event, RecordingChanged
from twistedcam.runtime.timer import Timer
from twistedcam.util.quantities import show_seconds, show_size, shown_path

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

log = Logger()

#: Key, its name, command, and description.
KEYS = (
    (" ", "space", "start", "start"),
    ("s", "s", "stop", "stop"),
    ("r", "r", "record start", "record"),
    ("e", "e", "record stop", "end recording"),
    ("m", "m", "mute", "mute"),
    ("u", "u", "unmute", "unmute"),
    ("q", "q", "shutdown", "shut down"),
)
#: Characters within this many seconds of each other are a pasted or typed line.
LINE_GAP = 0.05
#: Seconds within which the key for shutdown has to be pressed again.
CONFIRM_WITHIN = 2.0


class Keys:
    """Executes commands for keys.

    With several cameras, a key is for all cameras of the configuration; ``1`` to ``9`` select any
    one, ``0`` all again. A key is executed if no other follows within ``LINE_GAP``, so that a line
    that was typed for a shell is not executed letter by letter.

    Arguments:
        server: the server.
        registry: the commands.
        tell: called with each line of output.
        is_logged: True if the log is shown in the same terminal. Its messages are not repeated.
    """

    def __init__(
        self,
        server: Server,
        registry: Registry,
        tell: Callable[[str], None],
        is_logged: bool = False,
    ) -> None:
        self._server = server
        self._registry = registry
        self._tell = tell
        self._is_logged = is_logged
        self._selected: str | None = None
        self._commands = {key: command for key, _, command, _ in KEYS}
        #: The key to execute; None while a line is being received.
        self._waiting: str | None = None
        self._timer = Timer(server.clock)
        self._confirm_until = -CONFIRM_WITHIN

    def help(self) -> str:
        """Return a line that lists the keys."""
        shown = [f"{name} {about}" for _, name, _, about in KEYS]
        if len(self._server.cameras) > 1:
            shown.append("1-9 select a camera, 0 all")
        return "keys: " + " · ".join([*shown, "? help"])

    def on_typed(self, text: str) -> None:
        """Process what was typed. Special keys, which begin with escape, are ignored."""
        if not text or text.startswith("\x1b"):
            return
        is_first = not self._timer.is_pending
        if is_first and len(text) == 1:
            self._waiting = text
        elif is_first or self._waiting is not None:
            self._waiting = None
            self._tell("a pasted or typed line is ignored: press single keys")
        self._timer.start(LINE_GAP, self._on_gap)

    def _on_gap(self) -> None:
        key, self._waiting = self._waiting, None
        if key is not None:
            self.press(key.lower())

    def press(self, key: str) -> None:
        """Execute one key; ignore an unknown one."""
        if key == "q" and not self._is_confirmed():
            return
        if key == "?":
            self._tell(self.help())
        elif key.isdecimal():
            self._select(int(key))
        elif key in self._commands:
            name = self._commands[key]
            if name == "shutdown":
                self._begin(name, None)
            else:
                for camera in self._cameras_for(name):
                    self._begin(name, camera)

    def _is_confirmed(self) -> bool:
        """Return True if the key for shutdown is pressed for the second time."""
        now = self._server.clock.seconds()
        if now <= self._confirm_until:
            return True
        self._confirm_until = now + CONFIRM_WITHIN
        self._tell(f"press q again within {CONFIRM_WITHIN:g} s to shut down")
        return False

    def _cameras(self) -> list[Camera]:
        cameras = self._server.cameras
        if self._selected in cameras:
            return [cameras[self._selected]]
        return self._server.own_cameras

    def _cameras_for(self, command: str) -> list[Camera]:
        """Return the cameras for a command: only recording ones for ``record stop``."""
        cameras = self._cameras()
        if command != "record stop" or len(cameras) < 2:
            return cameras
        channels = self._server.channels
        recorded = [
            each
            for each in cameras
            for recorder in [channels[each.name].recorder]
            if recorder.state != "idle" or recorder.begins_again
        ]
        if not recorded:
            self._tell(f"{command}: no camera is recording")
        return recorded

    def _select(self, number: int) -> None:
        names = list(self._server.cameras)
        if number > len(names):
            self._tell(f"there is no camera {number}: the cameras are 1 to {len(names)}")
            return
        self._selected = names[number - 1] if number else None
        self._tell(f"selected: {self._selected or 'all cameras'}")

    def _begin(self, name: str, camera: Camera | None) -> None:
        done = Deferred.fromCoroutine(self._execute(name, camera))
        done.addErrback(lambda why: log.failure("a key failed", failure=why))

    async def _execute(self, name: str, camera: Camera | None) -> None:
        what = name if camera is None else f"{camera.name}: {name}"
        arguments = {} if camera is None else {"camera": camera}
        logged: list[CameraChanged | RecordingChanged] = []

        def note(event: Event) -> None:
            if isinstance(event, CameraChanged | RecordingChanged) and (
                camera is not None and event.camera == camera.name
            ):
                logged.append(event)

        unsubscribe = self._server.events.subscribe(note)
        try:
            command = self._registry.get(name)
            answer = await run_command(self._server, command, ANYONE, lambda: arguments)
        except TwistedcamError as error:
            reasons = [each.reason for each in logged if each.reason]
            if not self._is_logged or not any(reason in str(error) for reason in reasons):
                self._tell(f"{what}: {error}")
            return
        finally:
            unsubscribe()
        if self._is_logged and logged:
            return
        fields = answer if isinstance(answer, dict) else {}
        result = fields.get("recording") or fields.get("note") or "OK"
        if name == "record stop" and "recording" in fields:
            path = shown_path(self._server.recordings / result)
            result = (
                f"recorded {path} ({show_seconds(fields['seconds'])}, {show_size(fields['size'])})"
            )
        waiting = f", {fields['waiting']}" if "waiting" in fields else ""
        self._tell(f"{what}: {result}{waiting}")
