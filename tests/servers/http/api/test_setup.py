"""The first setup over HTTP: who may use it, and its QR codes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.support.configuration_site import ConfigurationSiteCase
from twistedcam.config.setup import Setup
from twistedcam.servers.http.api.setup import MAX_QR, PATH, qr_code


class SetupAccessTests(ConfigurationSiteCase):
    prefix = PATH

    def parts(self) -> dict[str, Any]:
        async def in_thread(call: Callable[[], Any]) -> Any:
            return call()

        return {"setup": Setup(self.editor, in_thread)}

    def test_every_request_needs_the_right_admin(self) -> None:
        self.assertEqual(len(self.routes), 8)
        self.check_that_admin_is_needed()
        found = self.ask("GET", PATH, "192.0.2.9", **self.bearer("operator")).json
        self.assertTrue(found["is_new"])

    def test_without_tokens_only_this_machine_may_use_it(self) -> None:
        self.check_that_only_this_machine_may_use_it()
        wanted = {"cameras": [{"name": "front", "source": "pattern:"}]}
        found = self.ask("POST", f"{PATH}/check", "127.0.0.1", wanted).json
        self.assertIn("+[camera.front]", found["difference"])

    def test_a_qr_code_is_an_svg_and_its_text_has_a_limit(self) -> None:
        bearer = self.bearer("viewer")
        self.ask("POST", "/api/v1/qr", "192.0.2.9", {"text": "x" * (MAX_QR + 1)}, **bearer)
        self.assertEqual(self.status, 400)
        size = re.search(rb'width="(\d+)"', qr_code("http://192.0.2.2:8080/"))
        assert size is not None
        self.assertEqual(int(size[1]), (25 + 8) * 8)  # version 2, with its margin
