"""A site whose configuration can be changed, and who may use its addresses."""

from __future__ import annotations

import json
from typing import Any

from tests.support.http_site import Connection, TokenSiteCase
from twistedcam.commands import standard_commands
from twistedcam.config.arguments import options_from
from twistedcam.config.editor import ConfigEditor
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router


class ConfigurationSiteCase(TokenSiteCase):
    """Serves the routes below ``prefix`` of a server with the configuration ``text``."""

    text = "# mine\n"
    prefix = ""

    def setUp(self) -> None:
        super().setUp()
        path = self.folder / "cam.toml"
        path.write_text(self.text)
        self.editor = ConfigEditor(options_from(["--config", str(path)]), self.server.reload)
        router = make_router(
            self.server, standard_commands(), LiveStats(self.server), self.editor, **self.parts()
        )
        guard = Guard(any_name=True)
        self.factory = HttpFactory(lambda request: router.answer(guard, request), self.server)
        self.routes = [each for each in router.routes if each.path.startswith(self.prefix)]

    def parts(self) -> dict[str, Any]:
        """Return more arguments of ``make_router``."""
        return {}

    def bearer(self, name: str) -> dict[str, str]:
        """Return the header with the token of that name."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def ask(
        self, method: str, path: str, host: str, body: Any = None, **headers: str
    ) -> Connection:
        """Make a request from a host; its status is ``self.status`` then."""
        browser = Connection(self.factory, host)
        data = b"" if body is None else json.dumps(body).encode()
        headers |= {} if body is None else {"Content-Type": "application/json"}
        self.status = browser.ask(method, path, data, **headers)
        return browser

    def check_that_admin_is_needed(self) -> None:
        """Check that no token but one with ``admin`` for all cameras may use a route."""
        for route in self.routes:
            for name in ("viewer", "boss", "source", "keeper", "nobody"):
                self.ask(route.method, route.path, "192.0.2.9", **self.bearer(name))
                self.assertEqual(self.status, 403, (route, name))
            self.ask(route.method, route.path, "192.0.2.9")
            self.assertEqual(self.status, 401, route)

    def check_that_only_this_machine_may_use_it(self) -> None:
        """Check that without tokens neither another machine nor a proxy may use a route."""
        self.server.authenticator = type(self.server.authenticator)(self.clock)
        for route in self.routes:
            for host, headers in (("192.0.2.9", {}), ("127.0.0.1", {"X-Forwarded-For": "x"})):
                self.ask(route.method, route.path, host, **headers)
                self.assertEqual(self.status, 403, (route, host))
