"""Tests of the OpenAPI description; a fuzzer checks it against the server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.http_site import SiteCase
from tests.support.process import PATIENCE, ServerProcess
from tests.support.system import require
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.servers.http.api.commands import PREFIX
from twistedcam.servers.http.connection.reply import HTTP_CODES, STATUS

HTTP = ("--http", "tcp:0:interface=127.0.0.1")
CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture
def server(tmp_path: Path):  # type: ignore[no-untyped-def]
    options = ("--camera", "door=pattern:?size=160x120&fps=10", *HTTP, "--log-level", "error")
    with ServerProcess(tmp_path, *options) as running:
        yield running


class DescriptionTests(SiteCase):
    def test_the_description_has_exactly_the_routes_of_the_api(self) -> None:
        paths = self.ask("GET", f"{PREFIX}/openapi.json").json["paths"]
        told = {(method.upper(), path) for path, methods in paths.items() for method in methods}
        routes = {(each.method, each.path) for each in self.router.routes}
        self.assertEqual(told, {each for each in routes if each[1].startswith(PREFIX)})

    def test_every_code_and_status_is_described(self) -> None:
        document = self.ask("GET", f"{PREFIX}/openapi.json").json
        error = document["components"]["schemas"]["Error"]["properties"]["code"]["description"]
        codes = {*(each.code for each in STATUS), *HTTP_CODES}
        self.assertEqual(set(error.removeprefix("One of ").split(", ")), codes)
        statuses = {str(each) for each in (*STATUS.values(), *HTTP_CODES.values())}
        for methods in document["paths"].values():
            for each in methods.values():
                self.assertLessEqual(statuses, set(each["responses"]))
        self.assertLessEqual(statuses, set(document["components"]["responses"]))

    def test_security_says_if_a_token_is_optional_or_required(self) -> None:
        document = self.ask("GET", f"{PREFIX}/openapi.json").json
        ways = [{way: []} for way in document["components"]["securitySchemes"]]
        self.assertEqual(document["security"], [{}, *ways])
        file = TokenFile(self.folder / "tokens.toml")
        token = file.add(Grant("viewer", frozenset({"view"})))
        self.server.authenticator = Authenticator(self.clock, file)
        guarded = self.ask("GET", f"{PREFIX}/openapi.json", Authorization=f"Bearer {token}")
        self.assertEqual(guarded.json["security"], ways)


def test_every_command_is_described(server: ServerProcess) -> None:
    with urllib.request.urlopen(f"{server.http}/api/v1/openapi.json", timeout=PATIENCE) as response:
        document = json.load(response)
    found = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert found >= {
        "GET /status",
        "GET /cameras",
        "GET /cameras/{camera}",
        "PATCH /cameras/{camera}",
        "POST /cameras/{camera}/start",
        "POST /cameras/{camera}/stop",
        "POST /cameras/{camera}/record/start",
        "POST /cameras/{camera}/record/stop",
        "POST /cameras/{camera}/snapshot",
        "GET /recordings",
        "DELETE /recordings/{name}",
        "GET /viewers",
        "DELETE /viewers/{id}",
        "POST /shutdown",
    }


def test_a_fuzzer_finds_no_500_and_no_answer_that_is_not_described(
    server: ServerProcess, tmp_path: Path
) -> None:
    try:
        import schemathesis  # noqa: F401
    except ImportError:
        require(False, "schemathesis is not installed: pip install schemathesis")
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{server.http}/api/v1/openapi.json",
        "--checks", CHECKS, "--max-examples", "6", "--phases", "examples,coverage,fuzzing",
        "--exclude-path", "/api/v1/shutdown", "--seed", "1", "--workers", "1",
        "--generation-database", "none", "--no-color", "--request-timeout", str(PATIENCE),
    ]  # fmt: skip
    done = subprocess.run(  # in a folder of its own: it keeps a cache where it runs
        command, cwd=tmp_path, capture_output=True, text=True, timeout=5 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout[:6000] + done.stderr[-2000:]
    assert "500" not in server.log and "Traceback" not in server.log, server.log[-3000:]
