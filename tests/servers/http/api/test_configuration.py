"""The configuration over HTTP: who may change it, and sources that are tried before."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.configuration_site import ConfigurationSiteCase
from tests.support.http_server import serve
from tests.support.process import PATIENCE
from twistedcam.servers.http.api.configuration import PATH

TEXT = '# mine\n[camera.cam]\nsource = "pattern:?size=320x240"\n'


class AccessTests(ConfigurationSiteCase):
    text, prefix = TEXT, PATH

    def test_every_request_needs_the_right_admin_for_all_cameras(self) -> None:
        self.assertEqual(len(self.routes), 10)
        self.check_that_admin_is_needed()
        found = self.ask("GET", PATH, "192.0.2.9", **self.bearer("operator")).json
        self.assertEqual((found["text"], found["read_only"]), (TEXT, None))

    def test_without_tokens_only_this_machine_may_see_and_change_it(self) -> None:
        self.check_that_only_this_machine_may_use_it()
        self.ask("GET", PATH, "127.0.0.1")
        self.assertEqual(self.status, 200)

    def test_a_body_without_what_is_needed_is_refused(self) -> None:
        bearer = self.bearer("operator")
        for path, body in (
            ("/check", {}),
            ("/check", {"text": 1}),
            ("/edit", {"text": TEXT, "action": "add"}),
            ("/edit", {"text": TEXT, "action": "run", "name": "x"}),
            ("/edit", {"text": TEXT, "action": "add", "name": "x", "source": "y", "settings": 1}),
            ("/edit", {"text": TEXT, "action": "set"}),
            ("/edit", {"text": TEXT, "action": "set", "changes": {}}),
            ("/options", {"text": 1}),
            ("/options", {"camera": []}),
            ("/merge", {"text": TEXT}),
            ("/undo", {}),
            ("/probe", {"source": "nothing"}),
            ("/devices", {"network": 1}),
        ):
            self.ask("POST", PATH + path, "127.0.0.1", body, **bearer)
            self.assertEqual(self.status, 400, (path, body))


def ask(url: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_options_are_shown_set_merged_and_used_on_a_running_server(tmp_path: Path) -> None:
    file = tmp_path / "cam.toml"
    file.write_text(TEXT)
    words = ("--config", str(file), "--log-level", "info", "--record", "keep=1GB")
    with serve(tmp_path / "recordings", *words) as server:
        url = server.http + PATH
        found = ask(url)[1]
        form = ask(f"{url}/options")[1]
        fields = {".".join(it["path"]): it for each in form["groups"] for it in each["fields"]}
        assert fields["log-level"]["command_line"] == "--log-level info"
        form = ask(f"{url}/options?camera=cam")[1]
        fields = {it["key"]: it for each in form["groups"] for it in each["fields"]}
        assert (fields["size"]["value"], fields["size"]["is_in_address"]) == ("320x240", True)
        changes = [
            {"path": ["camera", "cam", "title"], "value": "Yard"},
            {"path": ["max-snapshots"], "value": 7},
            {"path": ["camera", "cam", "process"], "value": "os:system"},
            {"path": ["tokens"], "value": "/tmp/x"},
        ]
        edit = {"text": found["text"], "action": "set", "changes": changes}
        status, changed = ask(f"{url}/edit", "POST", edit)
        assert (status, changed["error"], len(changed["errors"])) == (200, None, 2)
        assert file.read_text() == TEXT
        other = TEXT + "fps = 5 # another tab\n"
        assert ask(url, "PUT", {"text": other, "version": found["version"]})[0] == 200
        mine = {"text": changed["text"], "version": found["version"]}
        assert ask(url, "PUT", mine)[0] == 409
        status, merged = ask(f"{url}/merge", "POST", mine)
        assert (status, merged["error"], merged["conflicts"]) == (200, None, [])
        again = {"text": merged["text"], "version": merged["version"]}
        status, done = ask(url, "PUT", again)
        assert (status, done["changed"], done["needs_restart"]) == (200, "cam", "max-snapshots")
        assert file.read_text() == "max-snapshots = 7\n\n" + other + 'title = "Yard"\n'
        assert server.status("cam")["title"] == "Yard"
        status, done = ask(f"{url}/undo", "POST", {"version": done["version"]})
        assert (status, file.read_text()) == (200, other)


def test_a_camera_is_tried_added_and_taken_back_on_a_running_server(tmp_path: Path) -> None:
    file = tmp_path / "cam.toml"
    file.write_text(TEXT)
    with serve(tmp_path / "recordings", "--config", str(file)) as server:
        url = server.http + PATH
        status, tried = ask(f"{url}/probe", "POST", {"source": "pattern:?size=200x150&fps=5"})
        assert (status, tried["width"], tried["height"], tried["fps"]) == (200, 200, 150, 5)
        assert base64.b64decode(tried["picture"]).startswith(b"\xff\xd8")
        status, failed = ask(f"{url}/probe", "POST", {"source": "rtsp://127.0.0.1:1/x"})
        assert (status, failed["code"]) == (503, "camera-failed")
        assert "refused" in failed["message"].lower()
        status, closed = ask(f"{url}/probe", "POST", {"source": "file:/etc/passwd"})
        assert status == 403
        assert "may only use files in" in closed["message"]
        found = ask(url)[1]
        source, settings = "pattern:?size=200x150", {"title": "Yard"}
        add = {"text": found["text"], "action": "add", "name": "yard"}
        changed = ask(f"{url}/edit", "POST", {**add, "source": source, "settings": settings})[1]
        assert changed["error"] is None
        assert '+title = "Yard"' in changed["difference"]
        status, done = ask(url, "PUT", {"text": changed["text"], "version": found["version"]})
        assert (status, done["added"]) == (200, "yard")
        assert server.status("yard")["title"] == "Yard"
        again = {"text": found["text"], "version": found["version"]}
        assert ask(url, "PUT", again)[1]["code"] == "conflict"
        status, done = ask(f"{url}/undo", "POST", {"version": done["version"]})
        assert (status, done["removed"], file.read_text()) == (200, "yard", TEXT)
