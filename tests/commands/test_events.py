"""The command ``events``."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.server_case import DOOR, VIEW, ServerCase
from twistedcam.auth import ANYONE, Grant
from twistedcam.automation.event_store import StoredEvent
from twistedcam.commands import run_command, standard_commands
from twistedcam.commands.events import parse_time
from twistedcam.errors import BadArgument, Forbidden

GUEST = Grant("guest", VIEW, DOOR)


class EventCommandTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        store = self.server.automation.store
        for number in range(5):
            event = StoredEvent(f"d{number}", "door", "motion", None, 100.0 + number, 101.0)
            event.zone = "path" if number == 3 else None
            store.add(event)
            store.add(StoredEvent(f"y{number}", "yard", "cat", "detection", 200.0 + number))
        store.add(StoredEvent("f", None, "fault", "disk", 300.0, 300.0, reason="full"))
        self.registry = standard_commands()

    def ask(self, line: str, grant: Grant = ANYONE) -> list[dict[str, Any]]:
        command, words = self.registry.find(line.split())
        return self.successResultOf(
            Deferred.fromCoroutine(
                run_command(
                    self.server, command, grant, lambda: command.bind(self.server, words, grant)
                )
            )
        )

    def ids(self, line: str, grant: Grant = ANYONE) -> list[str]:
        return [each["id"] for each in self.ask(line, grant)]

    def test_an_event_has_these_fields(self) -> None:
        self.server.automation.store.add_picture("d4", b"jpeg")
        [found] = self.ask("events door --limit 1")
        self.assertEqual(
            found,
            {
                "id": "d4",
                "camera": "door",
                "kind": "motion",
                "what": None,
                "start": 104.0,
                "end": 101.0,
                "score": None,
                "zone": None,
                "recording": None,
                "snapshot": "/api/v1/events/d4/snapshot",
                "reason": None,
            },
        )

    def test_events_are_chosen_by_camera_kind_zone_and_time(self) -> None:
        self.assertEqual(self.ids("events --limit 3"), ["f", "y4", "y3"])
        self.assertEqual(self.ids("events yard --since 203"), ["y4", "y3", "y2", "y1", "y0"])
        self.assertEqual(self.ids("events --kind motion --until 102"), ["d1", "d0"])
        self.assertEqual(self.ids("events --kind fault:disk"), ["f"])
        self.assertEqual(self.ids("events --zone path"), ["d3"])
        self.assertEqual(self.ids("events --kind fault:process"), [])
        self.assertEqual(self.ids("events --kind motion,detection --limit 6")[4:], ["y0", "d4"])

    def test_a_token_for_one_camera_gets_its_newest_events_only(self) -> None:
        self.assertEqual(self.ids("events --limit 3", GUEST), ["d4", "d3", "d2"])
        self.assertEqual(self.ids("events door --limit 1", GUEST), ["d4"])
        command, words = self.registry.find(["events", "yard"])
        asked = run_command(
            self.server, command, GUEST, lambda: command.bind(self.server, words, GUEST)
        )
        self.failureResultOf(Deferred.fromCoroutine(asked), Forbidden)

    def test_a_limit_that_is_none_is_refused(self) -> None:
        for limit in ("0", "1001", "-1", "many", "²"):
            command, words = self.registry.find(["events", f"--limit={limit}"])
            asked = run_command(
                self.server,
                command,
                ANYONE,
                lambda words=words, command=command: command.bind(self.server, words),
            )
            self.failureResultOf(Deferred.fromCoroutine(asked), BadArgument)


def test_a_time_is_in_seconds_iso_8601_or_ago() -> None:
    assert parse_time("1795370720.5", "since") == 1795370720.5
    assert parse_time("2026-06-01T18:00:00+00:00", "since") == 1780336800.0
    assert parse_time("2026-06-01", "since") == datetime(2026, 6, 1).timestamp()
    assert parse_time("2h", "since") == pytest.approx(time.time() - 7200, abs=5)
    for wrong in ("yesterday", "nan", "", "-"):
        with pytest.raises(BadArgument, match="since"):
            parse_time(wrong, "since")
