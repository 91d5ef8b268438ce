"""The first setup over HTTP: who may use it, and its QR codes."""

from __future__ import annotations

import json
import re

from tests.support.http_site import Connection, TokenSiteCase
from twistedcam.commands import standard_commands
from twistedcam.config.arguments import options_from
from twistedcam.config.editor import ConfigEditor
from twistedcam.config.setup import Setup
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router
from twistedcam.servers.http.api.setup import MAX_QR, PATH, qr_code


class SetupAccessTests(TokenSiteCase):
    def setUp(self) -> None:
        super().setUp()
        path = self.folder / "cam.toml"
        path.write_text("# mine\n")
        editor = ConfigEditor(options_from(["--config", str(path)]), self.server.reload)

        async def in_thread(call):
            return call()

        setup = Setup(editor, in_thread)
        router = make_router(
            self.server, standard_commands(), LiveStats(self.server), editor, None, setup
        )
        guard = Guard(any_name=True)
        self.factory = HttpFactory(lambda request: router.answer(guard, request), self.server)
        self.routes = [each for each in router.routes if each.path.startswith(PATH)]

    def ask(self, method: str, path: str, host: str, body=None, **headers: str) -> Connection:
        browser = Connection(self.factory, host)
        data = b"" if body is None else json.dumps(body).encode()
        headers |= {} if body is None else {"Content-Type": "application/json"}
        self.status = browser.ask(method, path, data, **headers)
        return browser

    def test_every_request_needs_the_right_admin(self) -> None:
        self.assertEqual(len(self.routes), 8)
        for route in self.routes:
            for name in ("viewer", "boss", "source", "keeper", "nobody"):
                bearer = {"Authorization": f"Bearer {self.tokens[name]}"}
                self.ask(route.method, route.path, "192.0.2.9", **bearer)
                self.assertEqual(self.status, 403, (route, name))
            self.ask(route.method, route.path, "192.0.2.9")
            self.assertEqual(self.status, 401, route)
        bearer = {"Authorization": f"Bearer {self.tokens['operator']}"}
        found = self.ask("GET", PATH, "192.0.2.9", **bearer).json
        self.assertTrue(found["is_new"])

    def test_without_tokens_only_this_machine_may_use_it(self) -> None:
        self.server.authenticator = type(self.server.authenticator)(self.clock)
        for route in self.routes:
            for host, headers in (("192.0.2.9", {}), ("127.0.0.1", {"X-Forwarded-For": "x"})):
                self.ask(route.method, route.path, host, **headers)
                self.assertEqual(self.status, 403, (route, host))
        wanted = {"cameras": [{"name": "front", "source": "pattern:"}]}
        found = self.ask("POST", f"{PATH}/check", "127.0.0.1", wanted).json
        self.assertIn("+[camera.front]", found["difference"])

    def test_a_qr_code_is_an_svg_and_its_text_has_a_limit(self) -> None:
        bearer = {"Authorization": f"Bearer {self.tokens['viewer']}"}
        self.ask("POST", "/api/v1/qr", "192.0.2.9", {"text": "x" * (MAX_QR + 1)}, **bearer)
        self.assertEqual(self.status, 400)
        size = re.search(rb'width="(\d+)"', qr_code("http://192.0.2.2:8080/"))
        assert size is not None
        self.assertEqual(int(size[1]), (25 + 8) * 8)  # version 2, with its margin
