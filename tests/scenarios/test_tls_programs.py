"""The programs reach an encrypted server with a token, and no other in its place."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.guarded import guarded
from tests.support.process import PATIENCE, ServerProcess, run_program
from tests.support.system import require_program
from twistedcam.auth import Grant, TokenFile
from twistedcam.tls.certificate import make_certificate


def test_view_and_ctl_reach_an_encrypted_server_with_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("TWISTEDCAM_TOKEN", raising=False)
    with guarded(tmp_path) as here:
        fingerprint, token, viewing = here.fingerprint, here.token, here.viewing

        def view(*words: str) -> tuple[int, str]:
            url = f"twistedcams://127.0.0.1:{here.frames}"
            words = ("view", "--headless", "--once", "--frames", "3", *words, url)
            done = run_program("twistedcam", *words)
            return done.returncode, done.stderr

        def ctl(*words: str) -> tuple[int, str]:
            words = ("ctl", "--connect", f"tls:127.0.0.1:{here.control}", *words)
            done = run_program("twistedcam", *words)
            return done.returncode, done.stdout + done.stderr

        assert view("--token", viewing, "--fingerprint", fingerprint)[0] == 0
        code, said = view("--token", "wrong", "--fingerprint", fingerprint)
        assert (code, "that token is wrong" in said) == (1, True)
        code, said = view("--token", viewing, "--fingerprint", "0" * 64)
        assert (code, fingerprint in said) == (1, True)

        code, said = view("--token", viewing)  # on first sight it is told, then taken
        assert (code, f"with the fingerprint {fingerprint}" in said) == (0, True)
        code, said = view("--token", viewing)
        assert (code, "first connection to" in said) == (0, False)
        known = Path(os.environ["XDG_DATA_HOME"], "twistedcam", "servers.json")
        known.write_text(known.read_text().replace(fingerprint, "0" * 64))
        code, said = view("--token", viewing)
        assert (code, "another certificate than before" in said) == (1, True)

        monkeypatch.setenv("TWISTEDCAM_TOKEN", token)
        assert ctl("--fingerprint", fingerprint, "stop") == (0, "OK\n")
        monkeypatch.setenv("TWISTEDCAM_TOKEN", viewing)
        code, said = ctl("--fingerprint", fingerprint, "stop")
        assert (code, "does not have the right to control" in said) == (1, True)
        assert token not in here.server.log
        assert viewing not in here.server.log
        assert "Traceback" not in here.server.log


@pytest.mark.parametrize("offered", [[], ["http/1.1"], ["h2", "http/1.1"]])
def test_a_browser_that_offers_protocols_over_tls_is_answered(
    offered: list[str], encrypted_page: int
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if offered:
        context.set_alpn_protocols(offered)
    connection = socket.create_connection(("127.0.0.1", encrypted_page), PATIENCE)
    with context.wrap_socket(connection, server_hostname="localhost") as browser:
        assert browser.selected_alpn_protocol() == ("http/1.1" if offered else None)
        browser.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert browser.recv(12) == b"HTTP/1.1 200"


def test_keys_may_change_in_the_middle_of_a_stream(tmp_path: Path, encrypted_page: int) -> None:
    openssl = require_program("openssl")
    words = [openssl, "s_client", "-brief", "-connect", f"127.0.0.1:{encrypted_page}"]
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
        ) as viewer,
    ):
        assert viewer.stdin is not None and viewer.stdout is not None
        ending = threading.Timer(PATIENCE, viewer.kill)
        ending.start()
        viewer.stdin.write(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for number in range(30):
            viewer.stdin.write(b"K\n" * (number % 3 == 1))  # new keys, and the server's too
            viewer.stdin.flush()
            while not (line := viewer.stdout.readline()).startswith(b"Content-Length:"):
                assert line, "the connection has ended"
            while viewer.stdout.readline().strip():
                pass
            jpeg = viewer.stdout.read(int(line.split()[1]))
            assert (jpeg[:2], jpeg[-2:]) == (b"\xff\xd8", b"\xff\xd9")
        ending.cancel()
        viewer.kill()
    assert (tmp_path / "said").read_text().count("KEYUPDATE") >= 5


@pytest.fixture(scope="module")
def encrypted_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a web page over TLS."""
    folder = tmp_path_factory.mktemp("page")
    make_certificate(folder, ["localhost"], datetime.now(UTC))
    at = f"ssl:0:interface=127.0.0.1:privateKey={folder}/key.pem:certKey={folder}/cert.pem"
    options = ["--camera", "pattern:?size=160x120", "--http", at]
    with ServerProcess(folder / "recordings", *options) as server:
        yield int(re.findall(r"https://[\d.]+:(\d+)", "\n".join(server.greeting))[0])


def test_the_token_program_adds_lists_and_removes(tmp_path: Path) -> None:
    def token(*words: str) -> tuple[int, str]:
        done = run_program("twistedcam", "token", *words, cwd=tmp_path)
        return done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)

    code, made = token("add", "phone", "--right", "view", "--camera", "door")
    assert code == 0
    assert made.strip() not in (tmp_path / "tokens.toml").read_text()
    assert token("list") == (0, "phone  rights=view  cameras=door\n")
    code, said = token("add", "phone", "--right", "view")
    assert (code, "already" in said) == (2, True)
    assert token("remove", "phone") == (0, "")
    assert token("list") == (0, "")
    assert token("add", "x", "--right", "root")[0] == 2
    assert token("add", "x")[0] == 2


def test_a_wide_port_needs_tokens(tmp_path: Path) -> None:
    done = run_program("twistedcam", "serve", "--listen", "tcp:0", cwd=tmp_path)
    assert done.returncode == 2
    assert "twistedcam token add" in done.stderr
    done = run_program("twistedcam", "serve", "--tokens", "none.toml", cwd=tmp_path)
    assert (done.returncode, "none.toml" in done.stderr) == (2, True)
    file = TokenFile(tmp_path / "tokens.toml")
    file.add(Grant("desk", frozenset({"view"})))
    wide = ["--listen", "tcp:0", "--tokens", str(file.path), "--camera", "pattern:"]
    with ServerProcess(tmp_path / "r", *wide) as server:
        assert "Traceback" not in server.log
