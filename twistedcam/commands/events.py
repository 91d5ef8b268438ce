"""The commands about events that were kept, and about hooks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twistedcam.automation.event_store import StoredEvent
from twistedcam.commands.command import Answer
from twistedcam.commands.registry import Registry
from twistedcam.commands.visible_cameras import RecordedCamera
from twistedcam.errors import BadArgument
from twistedcam.util.quantities import seconds as parse_seconds

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Events in an answer: by default, and at most.
LIMIT = 100
MAX_LIMIT = 1000


def add_event_commands(registry: Registry) -> None:
    """Add ``events``, ``hooks`` and ``hook test``."""

    @registry.command("events", right="view", items="events")
    async def events(
        server: Server,
        camera: RecordedCamera | None = None,
        *,
        kind: str | None = None,
        zone: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: str | None = None,
        covers: Callable[[str | None], bool],
    ) -> Answer:
        """List the events that were kept, newest first: events --kind motion --since 2h.

        KIND is motion, state, fault, recording, hook or a kind of user code such as cat, also with
        more: state:recovering; detection is any kind of user code. Several kinds are separated by
        commas. ZONE is the name of a zone. SINCE and UNTIL are UNIX seconds, ISO 8601, or a time
        ago (2h). LIMIT is 100 unless given, at most 1000.
        """
        wanted = None if covers(None) else covers  # None is the whole server
        if camera is not None:
            wanted = camera.name.__eq__
        found = await server.automation.store.find(
            _limit(limit),
            kinds=_kinds(kind or ""),
            zone=zone or None,
            since=None if since is None else parse_time(since, "since"),
            until=None if until is None else parse_time(until, "until"),
            covers=wanted,
        )
        if camera is not None and not found:
            await server.playback.find_camera(camera.name)  # raises NoSuchCamera
        return [shown_event(each) for each in found if covers(each.camera)]

    @registry.command("hooks", right="view", items="hooks")
    def hooks(server: Server) -> Answer:
        """List the hooks: their events, what they do, and their last outcome."""
        return server.automation.hooks.status()

    @registry.command("hook test", right="admin")
    async def hook_test(server: Server, name: str) -> Answer:
        """Run a hook once, for an event that says that it is a test; answers when it has ended.

        A hook about recordings gets the newest complete recording of its camera.
        """
        hook = server.automation.hooks.get(name)
        file = None
        if any(each.startswith("recording") for each in hook.on):
            cameras = hook.camera or list(server.channels)
            for item in await server.library.list():
                if item.complete and item.camera in cameras:
                    file = server.library.path(item.recording)
                    break
        return await server.automation.hooks.test(hook, file)


def shown_event(event: StoredEvent) -> dict[str, Any]:
    """Describe an event; ``snapshot`` is the address of its picture on the HTTP port."""
    return {
        "id": event.id,
        "camera": event.camera,
        "kind": event.kind,
        "what": event.what,
        "start": round(event.start, 3),
        "end": None if event.end is None else round(event.end, 3),
        "score": event.score,
        "zone": event.zone,
        "recording": event.recording,
        "snapshot": f"/api/v1/events/{event.id}/snapshot" if event.snapshot else None,
        "reason": event.reason,
    }


def parse_time(text: str, name: str) -> float:
    """Return a time in UNIX seconds: from such, ISO 8601, or a duration before now (``2h``).

    Arguments:
        name: the parameter, for errors.

    Raises:
        BadArgument: it is none of them.
    """
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        if math.isfinite(number):
            return number
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return time.time() - parse_seconds(text, name)
    except BadArgument:
        raise BadArgument(
            f"{name}={text!r} is not a time: UNIX seconds, ISO 8601 such as 2026-06-01T18:00, "
            "or a time ago such as 2h"
        ) from None


def _kinds(text: str) -> list[tuple[str | None, str | None]]:
    """Return the kinds that a client names, each with its second word."""
    found: list[tuple[str | None, str | None]] = []
    for each in filter(None, (word.strip() for word in text.split(","))):
        kind, colon, what = each.partition(":")
        found.append((None, kind) if kind == "detection" else (kind, what if colon else None))
    return found


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise BadArgument(f"limit={text!r} is not valid: a number from 1 to {MAX_LIMIT}")
    return int(text)
