"""Tests of the router: matching paths, and errors."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from twisted.logger import capturedLogs, formatEvent

from tests.support.fakes import ManualThread
from tests.support.http_site import SiteCase
from twistedcam.errors import BadArgument
from twistedcam.servers.http.connection.reply import Reply
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.http.connection.router import LateHandlers, Route


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/a/cam/b/1.mp4", {"camera": "cam", "name": "1.mp4"}),
        ("/a/front door/b/{x}", {"camera": "front door", "name": "{x}"}),
        ("/a//b/1.mp4", None),
        ("/a/cam/b/1.mp4/", None),
        ("/a/cam/more/b/1.mp4", None),
        ("/a/cam/b.mp4", None),
    ],
)
def test_a_route_matches_one_path_segment_for_each_parameter(
    path: str, parts: dict[str, str] | None
) -> None:
    assert Route("GET", "/a/{camera}/b/{name}", lambda _: None).match(path) == parts


def test_special_characters_of_patterns_are_literal() -> None:
    route = Route("GET", "/{camera}.jpg", lambda _: None)
    assert route.match("/cam.jpg") == {"camera": "cam"}
    assert route.match("/camxjpg") is None


def test_a_pattern_is_compiled_once() -> None:
    route = Route("GET", "/a/{camera}", lambda _: None)
    with patch(
        "twistedcam.servers.http.connection.router.re.compile", wraps=re.compile
    ) as compiled:
        for camera in ("one", "two", "three"):
            assert route.match(f"/a/{camera}") == {"camera": camera}
    assert compiled.call_count == 1


class RouterTests(SiteCase):
    def test_an_internal_error_is_reported_and_logged_without_the_token(self) -> None:
        def fail() -> None:
            raise ZeroDivisionError

        self.server.on_shutdown = fail
        self.router.add("GET", "/broken", lambda _: fail())  # type: ignore[arg-type, return-value]
        with capturedLogs() as logs:
            answer = self.ask("GET", "/broken?token=secret")
        self.assertEqual((self.status, answer.json["code"]), (500, "internal"))
        self.assertNotIn("Zero", answer.body.decode())
        self.assertNotIn("secret", str([formatEvent(each) for each in logs]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_slash_at_the_end_of_a_known_address_changes_nothing(self) -> None:
        for path in ("/snapshot/", "/snapshot/door/", "/state/", "/healthz/", "/metrics/",
                     "/api/v1/cameras/", "/static/icon.svg/",
                     "/snapshot/?camera=door"):  # fmt: skip
            self.ask("GET", path)
            self.assertEqual(self.status, 200, path)
        for path in ("//", "/snapshot//", "/nothing/"):
            self.ask("GET", path)
            self.assertEqual(self.status, 404, path)
        self.ask("GET", "/api/v1/shutdown/")
        self.assertEqual(self.status, 405)


class Greeter:
    """Answers two requests."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def greet(self, _: HttpRequest, name: str) -> Reply:
        self.asked.append(name)
        return Reply(name.encode())

    async def refuse(self, _: HttpRequest) -> Reply:
        raise BadArgument("not today")


class LateHandlerTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.threads: list[ManualThread] = []
        self.made: list[Greeter] = []
        late = LateHandlers(self.make_manual_thread, lambda: self.make)
        self.router.add("GET", "/greet/{name}", late.handler(lambda it: it.greet))
        self.router.add("GET", "/refuse", late.handler(lambda it: it.refuse))

    def make_manual_thread(self) -> ManualThread:
        self.threads.append(ManualThread())
        return self.threads[-1]

    def make(self) -> Greeter:
        self.made.append(Greeter())
        return self.made[-1]

    def test_requests_wait_for_the_first_import_and_share_the_object(self) -> None:
        first, second = self.connect(), self.connect()
        self.assertEqual((first.ask("GET", "/greet/one"), second.ask("GET", "/refuse")), (0, 0))
        self.assertEqual(self.made, [])
        for thread in self.threads:
            thread.step()
        self.assertIn(b" 200 ", first.take())
        answer = second.take()
        self.assertIn(b" 400 ", answer)
        self.assertIn(b"not today", answer)
        self.ask("GET", "/greet/three")
        self.assertEqual((self.status, len(self.made), len(self.threads)), (200, 1, 2))
        self.assertEqual(self.made[0].asked, ["one", "three"])

    def test_a_client_that_has_gone_meanwhile_gets_no_handler(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/greet/one"), 0)
        connection.channel.connectionLost()
        self.threads[0].step()
        self.assertEqual(self.made[0].asked, [])
