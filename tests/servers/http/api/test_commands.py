"""Tests of the API: commands as HTTP requests."""

from __future__ import annotations

import json
from typing import Any

from tests.support.http_site import SiteCase
from twistedcam.servers.http.api import commands as api

START = "/api/v1/cameras/door/record/start"


CAMERA = "/api/v1/cameras/door"


class CommandTests(SiteCase):
    def test_a_command_added_at_run_time_is_available_at_once(self) -> None:
        @self.registry.command("light")
        def light(server: Any, state: str = "on") -> dict[str, str]:
            """Switch the light."""
            return {"light": state}

        answer = self.ask("POST", "/api/v1/light", b'{"state": "off"}')
        self.assertEqual((self.status, answer.json), (200, {"light": "off"}))
        paths = self.ask("GET", "/api/v1/openapi.json").json["paths"]
        self.assertEqual(paths["/api/v1/light"]["post"]["summary"], "Switch the light.")

        @self.registry.command("light")
        def lamp(server: Any) -> dict[str, str]:
            """Switch the lamp."""
            return {"lamp": "on"}

        self.assertEqual(self.ask("POST", "/api/v1/light").json, {"lamp": "on"})

    def test_parameters_may_stand_in_the_query_too(self) -> None:
        @self.registry.command("light")
        def light(server: Any, state: str = "on", colour: str = "white") -> dict[str, str]:
            """Switch the light."""
            return {"light": f"{state} {colour}"}

        answer = self.ask("POST", "/api/v1/light?state=off", b'{"colour": "red"}')
        self.assertEqual((self.status, answer.json), (200, {"light": "off red"}))
        answer = self.ask("POST", "/api/v1/light?state=off", b'{"state": "off"}')
        self.assertEqual(answer.json, {"light": "off white"})
        answer = self.ask("POST", "/api/v1/light?state=off", b'{"state": "on"}')
        self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"))
        answer = self.ask("POST", "/api/v1/light?statt=off")
        self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"))


class BodyTests(SiteCase):
    def test_a_body_that_has_no_utf8_is_refused(self) -> None:
        # Half of a surrogate pair: as an escape, and as the bytes that Python would decode.
        for value in (b'"\\ud800"', b'"\xed\xa0\x80"', b'["\\udfff"]', b'{"\\ud800": 1}'):
            answer = self.ask("POST", START, b'{"name": ' + value + b"}")
            self.assertEqual(self.status, 400)
            self.assertEqual(answer.json["message"], "the body is not JSON in UTF-8")


class ApiTests(SiteCase):
    def test_no_get_changes_anything(self) -> None:
        for path in ("start", "stop", "record/start", "snapshot"):
            answer = self.ask("GET", f"/api/v1/cameras/door/{path}")
            self.assertEqual((self.status, answer.json["code"]), (405, "method-not-allowed"))
            self.assertIn("Allow: POST", answer.head)
        self.ask("GET", "/api/v1/shutdown")
        self.assertEqual(self.status, 405)

    def test_results_are_those_of_the_control_protocol(self) -> None:
        cameras = self.ask("GET", "/api/v1/cameras").json["cameras"]
        self.assertEqual([each["camera"] for each in cameras], ["door", "yard"])
        self.assertEqual(self.ask("GET", "/api/v1/cameras/door").json["state"], "live")
        self.assertEqual(self.ask("GET", "/api/v1/status?camera=door").json["camera"], "door")
        every = self.ask("GET", "/api/v1/status").json["cameras"]
        self.assertEqual([(each["camera"], each["state"]) for each in every],
                         [("door", "live"), ("yard", "stopped")])  # fmt: skip
        self.assertEqual(self.ask("GET", "/api/v1/recordings").json, {"recordings": []})

    def test_invalid_parameters_are_refused(self) -> None:
        for body in (b"{", b"[]", b'{"nome": "x"}', b'{"name": [1]}', b'{"name": "../x.mkv"}',
                     b'{"name": "a\\u0000.mkv"}', b'{"name": "\\ud800.mkv"}', b"[" * 20_000,
                     ):  # fmt: skip
            answer = self.ask("POST", START, body)
            self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"), body[:40])
        self.ask("POST", START, b'{"name": "x.mkv"}', Content_Type="text/plain")
        self.assertEqual(self.status, 400)
        self.assertEqual(self.ask("DELETE", "/api/v1/viewers/9").json["code"], "no-such-viewer")
        for viewer in ("x", "%C2%B2", "%D9%A3"):  # a superscript two, an Arabic three
            answer = self.ask("DELETE", f"/api/v1/viewers/{viewer}")
            self.assertEqual(answer.json["code"], "bad-argument", viewer)
        self.assertEqual(
            self.ask("DELETE", "/api/v1/recordings/x").json["code"], "no-such-recording"
        )

    def test_unknown_parameters_are_refused(self) -> None:
        for path in ("status", "status?camera=door", "cameras", "viewers", "recordings"):
            answer = self.ask("GET", f"/api/v1/{path}{'&' if '?' in path else '?'}x=1")
            self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"), path)
            self.assertEqual(self.ask("GET", f"/api/v1/{path}").head.split()[1], "200")

    def test_properties_are_patched(self) -> None:
        answer = self.ask("PATCH", "/api/v1/cameras/door", b'{"quality": 55}')
        self.assertEqual(answer.json["properties"][0]["value"], 55)
        self.ask("PATCH", "/api/v1/cameras/door", b"{}")
        self.assertEqual(self.status, 400)

    def test_shutdown_is_answered_before_it_happens(self) -> None:
        asked: list[str] = []
        self.server.on_shutdown = lambda: asked.append("now")
        self.ask("POST", "/api/v1/shutdown")
        self.assertEqual((self.status, asked), (200, ["now"]))

    def test_the_characters_of_a_parameter_are_limited(self) -> None:
        for size in (api.MAX_TEXT, api.MAX_TEXT + 1):
            answer = self.ask(
                "POST", f"{CAMERA}/record/start", json.dumps({"name": "x" * size}).encode()
            )
            too_long = f"one line of at most {api.MAX_TEXT} characters"
            self.assertEqual(too_long in answer.json["message"], size > api.MAX_TEXT)
            self.assertEqual(self.status, 400)
