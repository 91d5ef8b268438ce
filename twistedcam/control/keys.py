"""Single keys in the server's own terminal: the vocabulary's shortest form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.commands import Registry
from twistedcam.errors import TwistedcamError

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.server import Server

log = Logger()

#: Key, what it is called, command, and what is said of it.
KEYS = (
    (" ", "space", "start", "start"),
    ("s", "s", "stop", "stop"),
    ("r", "r", "record start", "record"),
    ("e", "e", "record stop", "end recording"),
    ("q", "q", "shutdown", "shut down"),
)


class Keys:
    """Carries out keys.

    With several cameras a key is for all of them, but not for those that user code makes;
    ``1`` to ``9`` choose any one, ``0`` all again.

    Arguments:
        server: what is steered.
        registry: the commands.
        tell: where to say what came of it, a line at a time.
    """

    def __init__(self, server: Server, registry: Registry, tell: Callable[[str], None]) -> None:
        self._server = server
        self._registry = registry
        self._tell = tell
        self._chosen: str | None = None
        self._commands = {key: command for key, _, command, _ in KEYS}

    def help(self) -> str:
        """All keys on one line."""
        shown = [f"{name} {about}" for _, name, _, about in KEYS]
        if len(self._server.cameras) > 1:
            shown.append("1-9 choose a camera, 0 all")
        return "keys: " + " · ".join([*shown, "? help"])

    def typed(self, text: str) -> None:
        """These came from the keyboard. What begins with an escape is no key of ours."""
        if text.startswith("\x1b"):
            return
        for key in text:
            self.press(key.lower())

    def press(self, key: str) -> None:
        """Carry out one key; one that means nothing is passed over."""
        if key == "?":
            self._tell(self.help())
        elif key.isdecimal():
            self._choose(int(key))
        elif key in self._commands:
            name = self._commands[key]
            if name == "shutdown":
                self._begin(name, None)
            else:
                for camera in self._cameras_for(name):
                    self._begin(name, camera)

    def _cameras(self) -> list[Camera]:
        cameras = self._server.cameras
        if self._chosen in cameras:
            return [cameras[self._chosen]]
        return self._server.own_cameras

    def _cameras_for(self, command: str) -> list[Camera]:
        """Of several cameras, only those that are recorded have a recording to end."""
        cameras = self._cameras()
        if command != "record stop" or len(cameras) < 2:
            return cameras
        recorders = self._server.recorders
        recorded = [
            each
            for each in cameras
            if recorders[each.name].state != "idle" or recorders[each.name].begins_again
        ]
        if not recorded:
            self._tell(f"{command}: no camera is being recorded")
        return recorded

    def _choose(self, number: int) -> None:
        names = list(self._server.cameras)
        if number > len(names):
            self._tell(f"there is no camera {number}; there is 1 to {len(names)}")
            return
        self._chosen = names[number - 1] if number else None
        self._tell(f"keys are for {self._chosen or 'all cameras'}")

    def _begin(self, name: str, camera: Camera | None) -> None:
        done = Deferred.fromCoroutine(self._carry_out(name, camera))
        done.addErrback(lambda why: log.failure("a key failed", failure=why))

    async def _carry_out(self, name: str, camera: Camera | None) -> None:
        what = name if camera is None else f"{camera.name}: {name}"
        arguments = {} if camera is None else {"camera": camera}
        try:
            answer = await self._registry.get(name).run(self._server, **arguments)
        except TwistedcamError as error:
            self._tell(f"{what}: {error}")
            return
        fields = answer if isinstance(answer, dict) else {}
        said = fields.get("recording") or fields.get("note") or "OK"
        waiting = f", {fields['waiting']}" if "waiting" in fields else ""
        self._tell(f"{what}: {said}{waiting}")
