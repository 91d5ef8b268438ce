"""Ports with TLS, and ports that want client certificates."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from tests.support.process import PATIENCE, ServerProcess, run_program
from tests.support.tls_server import make
from twistedcam.tls.client import Trust, connect_tls


def test_all_ports_speak_tls_1_2_and_nothing_older(tmp_path: Path) -> None:
    done = run_program("twistedcam", "tls-init", "--dir", str(tmp_path / "tls"))
    assert done.returncode == 0, done.stderr
    fields = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    fingerprint = fields["fingerprint"].strip()
    keys = f"privateKey={tmp_path}/tls/key.pem:certKey={tmp_path}/tls/cert.pem"
    endpoint = f"ssl:0:interface=127.0.0.1:{keys}"
    options = ["--listen", endpoint, "--control", endpoint, "--http", endpoint]
    with ServerProcess(tmp_path / "r", "--camera", "pattern:?size=160x120", *options) as server:
        ports = server.tls_ports()
        assert len(ports) == 3
        for port in ports:
            connection = connect_tls("127.0.0.1", port, Trust(fingerprint=fingerprint), PATIENCE)
            assert connection.version() in ("TLSv1.2", "TLSv1.3")
            connection.close()
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.warns(DeprecationWarning, match="TLSv1"):  # noqa: PT031
                old.minimum_version = ssl.TLSVersion.TLSv1
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            with (
                socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
                pytest.raises((ssl.SSLError, OSError)),
            ):
                old.wrap_socket(plain)


def test_a_port_that_asks_for_a_client_s_certificate_lets_nobody_else_in(tmp_path: Path) -> None:
    fingerprint = make(tmp_path / "server")
    make(tmp_path / "phone", ["phone"], client=True)
    make(tmp_path / "stranger", ["stranger"], client=True)
    keys = f"privateKey={tmp_path}/server/key.pem:certKey={tmp_path}/server/cert.pem"
    endpoint = f"ssl:0:interface=127.0.0.1:{keys}:clientCA={tmp_path}/phone/cert.pem"
    with ServerProcess(tmp_path / "r", "--camera", "pattern:", "--control", endpoint) as server:
        [port] = server.tls_ports()

        def greeting(name: str | None) -> bytes:
            pair = None
            if name is not None:
                pair = str(tmp_path / f"{name}.pem")
                texts = [(tmp_path / name / each).read_text() for each in ("cert.pem", "key.pem")]
                Path(pair).write_text("".join(texts))
            trust = Trust(fingerprint=fingerprint, certificate=pair)
            try:
                with connect_tls("127.0.0.1", port, trust, PATIENCE) as connection:
                    return connection.recv(100)
            except OSError:  # TLS 1.3 tells the client after its handshake
                return b""

        assert greeting("phone").startswith(b"OK twistedcam")
        assert greeting("stranger") == b""
        assert greeting(None) == b""
        where = f"tls:127.0.0.1:{port}"
        done = run_program(
            "twistedcam", "ctl", "--connect", where, "--fingerprint", fingerprint, "ping"
        )
        assert (done.returncode, "requires a client certificate" in done.stderr) == (
            1,
            True,
        ), done


def test_a_viewer_without_the_certificate_that_is_asked_for_ends_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    fingerprint = make(tmp_path / "server")
    make(tmp_path / "phone", ["phone"], client=True)
    keys = f"privateKey={tmp_path}/server/key.pem:certKey={tmp_path}/server/cert.pem"
    endpoint = f"ssl:0:interface=127.0.0.1:{keys}:clientCA={tmp_path}/phone/cert.pem"
    with ServerProcess(tmp_path / "r", "--camera", "pattern:", "--listen", endpoint) as server:
        [port] = server.tls_ports()
        words = ["view", "--headless", "--frames", "2", "--fingerprint", fingerprint]
        done = run_program("twistedcam", *words, f"twistedcams://127.0.0.1:{port}")
    assert (done.returncode, "requires a client certificate" in done.stderr) == (
        1,
        True,
    ), done


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("ssl:0:privateKey=/none/key.pem", "No such file"),
        ("ssl:0:clientCA=/none.pem:privateKey=/none/key.pem", "No such file"),
        ("ssl:0:clientCA=/none.pem:colour=red", "unknown key 'colour'"),
    ],
)
def test_a_file_that_is_missing_is_named(tmp_path: Path, endpoint: str, words: str) -> None:
    done = run_program("twistedcam", "serve", "--listen", endpoint, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
