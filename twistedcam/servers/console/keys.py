"""Single keys in the server's own terminal: the vocabulary's shortest form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.commands import Registry
from twistedcam.errors import TwistedcamError
from twistedcam.events import CameraChanged, Event, RecordingChanged
from twistedcam.runtime.timer import Timer
from twistedcam.util.quantities import show_seconds, show_size, shown_path

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

log = Logger()

#: Key, what it is called, command, and what is said of it.
KEYS = (
    (" ", "space", "start", "start"),
    ("s", "s", "stop", "stop"),
    ("r", "r", "record start", "record"),
    ("e", "e", "record stop", "end recording"),
    ("q", "q", "shutdown", "shut down"),
)
#: Characters that come within so many seconds of each other are a paste or a typed line.
LINE_GAP = 0.05
#: Seconds in which the key that shuts down has to be pressed again.
AGAIN_WITHIN = 2.0


class Keys:
    """Carries out keys.

    With several cameras a key is for all of them, but not for those that user code makes;
    ``1`` to ``9`` choose any one, ``0`` all again. A key is carried out when nothing has followed
    it for ``LINE_GAP``: a line that was meant for a shell is not carried out letter by letter.

    Arguments:
        server: what is steered.
        registry: the commands.
        tell: where to say what came of it, a line at a time.
        is_logged: whether the log is read in the same place. What it says is not said again.
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
        self._chosen: str | None = None
        self._commands = {key: command for key, _, command, _ in KEYS}
        #: The key that waits to be carried out; None while a line comes.
        self._waiting: str | None = None
        self._timer = Timer(server.clock)
        self._ends_until = -AGAIN_WITHIN

    def help(self) -> str:
        """All keys on one line."""
        shown = [f"{name} {about}" for _, name, _, about in KEYS]
        if len(self._server.cameras) > 1:
            shown.append("1-9 choose a camera, 0 all")
        return "keys: " + " · ".join([*shown, "? help"])

    def typed(self, text: str) -> None:
        """These came from the keyboard. What begins with an escape is no key of ours."""
        if not text or text.startswith("\x1b"):
            return
        is_first = not self._timer.is_pending
        if is_first and len(text) == 1:
            self._waiting = text
        elif is_first or self._waiting is not None:
            self._waiting = None
            self._tell("that was more than one key: a pasted or typed line is ignored")
        self._timer.start(LINE_GAP, self._rested)

    def _rested(self) -> None:
        """Nothing has followed for a while."""
        key, self._waiting = self._waiting, None
        if key is not None:
            self.press(key.lower())

    def press(self, key: str) -> None:
        """Carry out one key; one that means nothing is passed over."""
        if key == "q" and not self._is_sure():
            return
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

    def _is_sure(self) -> bool:
        """Whether the key that shuts down is pressed for the second time."""
        now = self._server.clock.seconds()
        if now <= self._ends_until:
            return True
        self._ends_until = now + AGAIN_WITHIN
        self._tell(f"press q again within {AGAIN_WITHIN:g} s to shut down")
        return False

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
        channels = self._server.channels
        recorded = [
            each
            for each in cameras
            for recorder in [channels[each.name].recorder]
            if recorder.state != "idle" or recorder.begins_again
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
        logged: list[CameraChanged | RecordingChanged] = []

        def note(event: Event) -> None:
            if isinstance(event, CameraChanged | RecordingChanged) and (
                camera is not None and event.camera == camera.name
            ):
                logged.append(event)

        unsubscribe = self._server.events.subscribe(note)
        try:
            answer = await self._registry.get(name).run(self._server, **arguments)
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
        said = fields.get("recording") or fields.get("note") or "OK"
        if name == "record stop" and "recording" in fields:
            path = shown_path(self._server.recordings / said)
            said = (
                f"recorded {path} ({show_seconds(fields['seconds'])}, {show_size(fields['size'])})"
            )
        waiting = f", {fields['waiting']}" if "waiting" in fields else ""
        self._tell(f"{what}: {said}{waiting}")
