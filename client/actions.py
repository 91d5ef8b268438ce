"""Actions of the viewer's keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from client.files import dated, save_snapshot
from client.sound import MAX_VOLUME
from client.steering import RemoteControl
from client.views import View
from twistedcam.errors import TwistedcamError
from twistedcam.util.one_line import on_one_line

HELP = (
    "space start  s stop  r record  e end  S snapshot  m sound  + - volume  i figures  "
    "f full screen  q quit"
)
#: Seconds that a message is shown.
_SHOWN = 4.0

_REMOTE = {
    "space": ("start",),
    "s": ("stop",),
    "r": ("record", "start"),
    "e": ("record", "stop"),
    "S": ("snapshot",),
}


class KeyActions:
    """Runs the actions of keys: in the viewer, or with Ctrl on the server.

    Arguments:
        views: the cameras.
        folder: for recordings and snapshots made by the viewer.
        toggle_full_screen: called for ``f``.
    """

    def __init__(
        self,
        views: list[View],
        folder: Path,
        toggle_full_screen: Callable[[], None] = lambda: None,
    ) -> None:
        self.over = False
        self.show_figures = False
        #: Control connections of the servers, for keys with Ctrl. Empty without ``--control``.
        self.steerings: dict[View, RemoteControl] = {}
        self._views = views
        self._folder = folder
        self._toggle_full_screen = toggle_full_screen
        self._message: tuple[float, str] | None = None
        self._local: dict[str, Callable[[View], None]] = {
            "space": View.resume,
            "s": View.pause,
            "r": self._record,
            "e": self._end_recording,
            "S": self._snapshot,
        }

    @property
    def message(self) -> str | None:
        """The message to show now."""
        if self._message is not None and time.monotonic() > self._message[0]:
            self._message = None
        return None if self._message is None else self._message[1]

    def say(self, text: str) -> None:
        """Show a message for a while. May be called from any thread."""
        self._message = (time.monotonic() + _SHOWN, on_one_line(text))

    def press(self, key: str) -> None:
        """Run the action of a key, if it has one."""
        try:
            if key.startswith("ctrl+"):
                self._press_remote(key.removeprefix("ctrl+"))
            elif key in self._local:
                for view in self._views:
                    self._local[key](view)
            elif key in ("q", "escape"):
                self.over = True
            elif key == "i":
                self.show_figures = not self.show_figures
            elif key == "f":
                self._toggle_full_screen()
            elif key == "m":
                self._toggle_sound()
            elif key in ("+", "=", "-"):
                self._change_volume(-1 if key == "-" else 1)
            elif key in ("h", "?"):
                self.say(HELP)
        except TwistedcamError as error:
            self.say(str(error))

    def _press_remote(self, key: str) -> None:
        if not self.steerings:
            self.say("keys with Ctrl control the server: start with --control")
        elif key == "q":
            for steering in set(self.steerings.values()):
                steering.send("shutdown")
        elif key in _REMOTE:
            for view, steering in self.steerings.items():
                steering.send(*_REMOTE[key], *([view.name] if view.name else []))

    def _toggle_sound(self) -> None:
        sounds = [view.sound for view in self._views if view.sound is not None]
        if not sounds:
            self.say("sound is played in a window only")
            return
        is_muted = not sounds[0].is_muted
        for each in sounds:
            each.is_muted = is_muted
        self.say("sound off" if is_muted else "sound on")

    def _change_volume(self, step: int) -> None:
        sounds = [view.sound for view in self._views if view.sound is not None]
        for each in sounds:
            each.volume = min(MAX_VOLUME, max(0, each.volume + step))
            self.say(f"volume {each.volume * 100 // MAX_VOLUME} %")

    def _record(self, view: View) -> None:
        if view.recorder is None:
            path = dated(self._folder, view.name, None, ".mkv")
            view.record(path)
            self.say(f"recording here: {path.name}")

    def _end_recording(self, view: View) -> None:
        result = view.stop_recording()
        if result is None:
            self.say("nothing is being recorded here")
        else:
            self.say(f"recorded {result.name}: {result.frames} frames, {result.seconds:.1f} s")

    def _snapshot(self, view: View) -> None:
        if view.frame is None:
            self.say("there is no picture yet")
        else:
            self.say(f"saved {save_snapshot(self._folder, view.name, view.frame).name}")
