"""The screen of ``ctl watch``: the state of every camera, and the latest events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from twistedcam.cli.colours import Styler
from twistedcam.clients.control.dialogue import Message
from twistedcam.servers.control.line_format import show

#: Events that are kept (more than a screen has lines), and the minimum of lines for them.
MAX_EVENTS = 500
MIN_EVENTS = 3
#: Lines of a terminal that are enough for blank lines and MIN_EVENTS.
MIN_SPACIOUS = 12

#: Column heads, and minimum widths so that columns do not move with every value.
_HEADS = ("camera", "state", "size", "fps", "viewers", "age", "recording")
_WIDTHS = (6, 10, 9, 4, 7, 7, 9)
_FOOT = "q quits"
#: Maximum characters of a camera's name, to leave room for the other columns.
_MAX_NAME = 20


class Dashboard:
    """The last known state of a server. Thread-safe.

    Arguments:
        endpoint: the server's address.
        styler: formats states and events.
    """

    def __init__(self, endpoint: str, styler: Styler) -> None:
        self._endpoint = endpoint
        self._styler = styler
        self._version: str | None = None
        self._cameras: list[Message] = []
        self._error: str | None = None
        self._events: deque[str] = deque(maxlen=MAX_EVENTS)
        self._lock = threading.Lock()

    def update(self, version: str, cameras: list[Message]) -> None:
        """Set the server's version and the ``status`` of each camera."""
        with self._lock:
            self._version, self._cameras, self._error = version, cameras, None

    def set_unreachable(self, why: str) -> None:
        """Show an error; the cameras' states are unknown."""
        with self._lock:
            self._error = why
            names = [{"camera": each["camera"], "state": "unknown"} for each in self._cameras]
            self._cameras = names

    def add_event(self, event: Message, when: str) -> None:
        """Add an event that happened at the time of day ``when``."""
        with self._lock:
            self._events.append(self._styler.event(event, when))

    def lines(self, height: int, time: str) -> list[str]:
        """Return at most ``height`` lines: the cameras, then the newest events.

        Arguments:
            time: the time of day.
        """
        with self._lock:
            table, blank = self._table(), [""]
            fitting = height - 4 - MIN_EVENTS
            if height < MIN_SPACIOUS:
                blank, fitting = [], height - 2
            if len(table) > fitting:
                kept = max(fitting - 1, 0)
                table[kept:] = [self._styler.faint(f"{len(table) - kept} more lines")]
            top = [self._header(time), *blank, *table, *blank]
            room = max(height - len(top) - 1, 0)
            events = list(self._events)[-room:] if room else []
            space = [""] * (room - len(events))
            return [*top, *events, *space, self._styler.faint(_FOOT)][:height]

    def _header(self, time: str) -> str:
        if self._error is not None:
            return self._styler.error(f"{time} · {show(self._error)}")
        parts = [f"twistedcam {self._version or ''}".rstrip(), self._endpoint]
        if self._cameras:
            parts.append(f"up {duration(self._cameras[0].get('uptime'))}")
        return " · ".join([*parts, time])

    def _table(self) -> list[str]:
        """Return a line of heads, a line for each camera, and one for each problem."""
        rows = [_HEADS, *(tuple(map(show, _cells(each))) for each in self._cameras)]
        found = [max(map(len, column)) for column in zip(*rows, strict=True)]
        widths = list(map(max, found, _WIDTHS))
        heads = (head.ljust(width) for head, width in zip(_HEADS, widths, strict=True))
        lines = [self._styler.faint("  ".join(heads).rstrip())]
        for row, camera in zip(rows[1:], self._cameras, strict=True):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            cells[1] = self._styler.state(row[1]) + " " * (widths[1] - len(row[1]))
            lines.append("  ".join(cells).rstrip())
            lines += [f"  {self._styler.faint(text)}" for text in _problems(camera)]
        return lines


def duration(seconds: float | None) -> str:
    """Format seconds: ``0:07``, ``12:34``, ``1:02:03``, ``3d 4:05:06``."""
    if seconds is None:
        return "-"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if not hours:
        return f"{minute}:{second:02}"
    return f"{days}d " * bool(days) + f"{hour}:{minute:02}:{second:02}"


def amount(size: float) -> str:
    """Format a number of bytes: ``999 B``, ``1.2 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _cells(camera: Message) -> Iterator[str]:
    is_live = camera["state"] == "live"
    age = camera.get("age_ms")
    name = camera["camera"]
    yield name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"
    yield camera["state"]
    yield camera["size"] if is_live else "-"
    yield f"{camera['fps']:.1f}" if is_live else "-"
    yield str(camera.get("viewers", "-"))
    yield "-" if age is None else f"{age:.0f} ms" if age < 10_000 else duration(age / 1000)
    yield _recording(camera)


def _recording(camera: Message) -> str:
    if camera.get("recording") is None:
        return "-"
    if camera.get("recording_waiting"):
        return f"waiting for a picture  {camera['recording']}"
    parts = [duration(camera.get("recording_seconds"))]
    parts.append(amount(camera.get("recording_bytes") or 0))
    if camera.get("recording_dropped"):
        parts.append(f"{camera['recording_dropped']} dropped")
    return "  ".join([*parts, camera["recording"]])  # the name is last: a narrow terminal cuts it


def _problems(camera: Message) -> list[str]:
    """Return the reasons for a missing picture, recording or sound."""
    reasons = [camera.get("reason"), camera.get("recording_reason")]
    if camera.get("muted"):
        reasons.append("the sound is muted")
    elif camera.get("audio_reason"):
        reasons.append(f"sound: {camera['audio_reason']}")
    return [show(reason) for reason in reasons if reason]
