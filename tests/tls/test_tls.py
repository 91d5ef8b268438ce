"""Ports are encrypted, and a client knows the right server from another."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.process import PATIENCE, ServerProcess, run_program
from tests.support.system import require
from twistedcam.errors import BadArgument, CertificateRefused, DiskError
from twistedcam.tls.certificate import make_certificate
from twistedcam.tls.client import Trust, connect_tls
from twistedcam.tls.fingerprint import fingerprint_of, read_fingerprint
from twistedcam.tls.known_servers import SIGNED, KnownServers, default_path

NAMES = ["localhost", "127.0.0.1"]


def make(folder: Path, names: list[str] = NAMES, client: bool = False) -> str:
    return make_certificate(folder, names, datetime.now(UTC), client=client)


@contextlib.contextmanager
def speaking_tls(folder: Path) -> Iterator[int]:
    """A server that shows that certificate and closes; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as port:

        def serve() -> None:
            while True:
                try:
                    connection, _ = port.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), connection:
                    context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield port.getsockname()[1]
        finally:
            port.shutdown(socket.SHUT_RDWR)
            thread.join()


def connect(port: int, trust: Trust) -> None:
    connect_tls("127.0.0.1", port, trust, PATIENCE).close()


def test_a_key_is_for_its_owner_alone_and_never_written_over(tmp_path: Path) -> None:
    fingerprint = make(tmp_path)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    shown = ssl.PEM_cert_to_DER_cert((tmp_path / "cert.pem").read_text())
    assert fingerprint_of(shown) == fingerprint
    key = (tmp_path / "key.pem").read_text()
    with pytest.raises(BadArgument, match=r"key\.pem exists already"):
        make(tmp_path)
    assert (tmp_path / "key.pem").read_text() == key


def test_where_one_of_the_two_is_there_neither_is_made(tmp_path: Path) -> None:
    for there, other in (("cert.pem", "key.pem"), ("key.pem", "cert.pem")):
        folder = tmp_path / there
        folder.mkdir()
        (folder / there).write_text("mine")
        with pytest.raises(BadArgument, match="exists already"):
            make(folder)
        assert (folder / there).read_text() == "mine"
        assert not (folder / other).exists()


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="not a valid name for a certificate"):
        make(tmp_path / "a", ["ü.example"])
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError):
        make(tmp_path / "file" / "b")


def test_a_fingerprint_is_read_as_people_write_it() -> None:
    digits = "0f" * 32
    assert read_fingerprint("0F:" * 31 + "0F") == digits
    assert read_fingerprint(f" SHA256:{digits}") == digits
    for text in ("", "0f", digits + "0", "x" * 64):
        with pytest.raises(BadArgument):
            read_fingerprint(text)


def test_the_fingerprint_alone_decides_where_one_is_given(tmp_path: Path) -> None:
    fingerprint = make(tmp_path)
    with speaking_tls(tmp_path) as port:
        connect(port, Trust(fingerprint=fingerprint))
        with pytest.raises(CertificateRefused, match=fingerprint):
            connect(port, Trust(fingerprint="0" * 64))


def test_a_certificate_that_nobody_signed_is_not_taken(tmp_path: Path) -> None:
    make(tmp_path)
    with speaking_tls(tmp_path) as port, pytest.raises(CertificateRefused, match="--fingerprint"):
        connect(port, Trust())


def test_one_in_the_file_of_trusted_ones_is_taken(tmp_path: Path) -> None:
    make(tmp_path / "one")
    make(tmp_path / "other")
    with speaking_tls(tmp_path / "one") as port:
        connect(port, Trust(cafile=str(tmp_path / "one" / "cert.pem")))
        with pytest.raises(CertificateRefused):
            connect(port, Trust(cafile=str(tmp_path / "other" / "cert.pem")))


def test_a_file_of_certificates_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name, why in (
        ("nope.pem", "No such file"),
        ("empty.pem", "no certificate|is missing"),
    ):
        path = str(tmp_path / name)
        for trust in (Trust(cafile=path), Trust(certificate=path)):
            with pytest.raises(BadArgument, match=why) as caught:
                connect_tls("nowhere.invalid", 1, trust, PATIENCE)
            assert path in str(caught.value)
    for option in ("--ca", "--cert"):
        words = ("view", "--headless", option, "nope.pem", "twistedcams://nowhere.invalid")
        done = run_program("twistedcam", *words, cwd=tmp_path)
        assert (done.returncode, "nope.pem, cannot be read" in done.stderr) == (2, True)


def test_what_was_seen_first_is_taken_and_nothing_else_after(tmp_path: Path) -> None:
    known_servers, told = KnownServers(tmp_path / "known" / "servers.json"), []
    trust = Trust(known_servers=known_servers, tell=told.append)
    fingerprint = make(tmp_path / "one")
    make(tmp_path / "other")
    with speaking_tls(tmp_path / "one") as port:
        connect(port, trust)
        connect(port, trust)
        assert len(told) == 1
        assert fingerprint in told[0]
        assert known_servers.get(f"127.0.0.1:{port}") == fingerprint
    with speaking_tls(tmp_path / "other") as port:
        known_servers.put(f"127.0.0.1:{port}", fingerprint)
        with pytest.raises(CertificateRefused, match="another certificate than before"):
            connect(port, trust)


def test_a_server_that_was_signed_once_is_not_taken_unsigned(tmp_path: Path) -> None:
    known_servers = KnownServers(tmp_path / "servers.json")
    make(tmp_path)
    with speaking_tls(tmp_path) as port:
        known_servers.put(f"127.0.0.1:{port}", SIGNED)
        with pytest.raises(CertificateRefused):
            connect(port, Trust(known_servers=known_servers))


def test_a_broken_file_of_servers_is_not_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    for text in ("{", "[]", '{"a": 1}'):
        path.write_text(text)
        with pytest.raises(BadArgument, match=str(path)):
            KnownServers(path).get("a:1")


def test_a_user_s_file_is_where_the_system_has_such_files() -> None:
    assert default_path({"XDG_DATA_HOME": "/data"}) == Path("/data/twistedcam/servers.json")
    assert default_path({}).name == "servers.json"


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
        assert (done.returncode, "wants a client certificate" in done.stderr) == (
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
    assert (done.returncode, "wants a client certificate" in done.stderr) == (
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


def test_openssl_reads_what_tls_init_makes(tmp_path: Path) -> None:
    import shutil

    require(shutil.which("openssl"), "openssl")
    make(tmp_path, ["camera.example.net", "192.0.2.1"])
    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in"]
    done = subprocess.run(
        [*command, str(tmp_path / "cert.pem")], capture_output=True, text=True, check=True
    )
    assert "DNS:camera.example.net, IP Address:192.0.2.1" in done.stdout
