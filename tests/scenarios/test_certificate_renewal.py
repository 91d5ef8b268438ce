"""A renewed certificate is shown to new connections, and a broken one changes nothing."""

from __future__ import annotations

import signal
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.errors import BadArgument
from twistedcam.net.listener import Listener
from twistedcam.tls.certificate import make_certificate
from twistedcam.tls.client import Trust, connect_tls
from twistedcam.tls.fingerprint import fingerprint_of
from twistedcam.tls.server_endpoint import ServerCertificate


def make(folder: Path, name: str = "localhost") -> str:
    """A new pair in the folder, in place of one that is there; its fingerprint."""
    for each in ("key.pem", "cert.pem"):
        (folder / each).unlink(missing_ok=True)
    return make_certificate(folder, [name], datetime.now(UTC))


def test_reload_and_sighup_take_a_renewed_one_for_new_connections_on_all_ports(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "tls"
    first = make(folder)
    keys = f"privateKey={folder}/key.pem:certKey={folder}/cert.pem"
    at = f"ssl:0:interface=127.0.0.1:{keys}"
    plain = "tcp:0:interface=127.0.0.1"
    options = ["--listen", at, "--control", plain, "--control", at, "--http", at]
    with ServerProcess(tmp_path / "r", "--camera", "pattern:?size=160x120", *options) as server:
        ports = server.tls_ports()
        assert len(ports) == 3

        def shown() -> set[str]:
            found = [ssl.get_server_certificate(("127.0.0.1", port)) for port in ports]
            return {fingerprint_of(ssl.PEM_cert_to_DER_cert(each)) for each in found}

        assert shown() == {first}
        old = connect_tls("127.0.0.1", ports[2], Trust(fingerprint=first), PATIENCE)
        with old:
            second = make(folder)
            assert shown() == {first}  # nobody has asked for it yet
            [said, ok] = server.command_lines("reload")
            assert (ok, said.count("127.0.0.1:")) == ("OK", 3)
            assert said.startswith("certificates: ")
            assert shown() == {second}
            assert server.command_lines("reload") == ["certificates: none", "OK"]
            third = make(folder)
            (folder / "key.pem").rename(folder / "away.pem")
            [said] = server.command_lines("reload")
            assert said.startswith("ERR bad-argument the certificate of 127.0.0.1:")
            assert "key.pem" in said
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "nothing was reloaded: the certificate of" in server.log, "the log")
            assert shown() == {second}
            (folder / "away.pem").rename(folder / "key.pem")
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: shown() == {third}, "the third")
            old.sendall(b"ping\n")  # the connection that was there goes on
            heard = b""
            while heard.count(b"OK") < 2:
                more = old.recv(100)
                assert more, heard
                heard += more
        assert "Traceback" not in server.log


class TestFiles:
    """Each kind of broken file is said, and what was shown before still is."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        self.fingerprint = make(tmp_path)
        make(tmp_path / "other")
        return tmp_path

    def refuse(self, said: str) -> None:
        with pytest.raises(BadArgument, match="was not replaced") as caught:
            self.listener.read_certificate()
        assert said in str(caught.value)

    @pytest.fixture(autouse=True)
    def _listen(self, folder: Path) -> None:
        self.key = folder / "key.pem"
        keys = f"privateKey={self.key}:certKey={folder}/cert.pem"
        self.listener = Listener(None, f"ssl:0:{keys}", None)  # type: ignore[arg-type]

    @pytest.mark.parametrize("text", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
    def test_a_certificate_that_is_no_pem_is_refused(self, folder: Path, text: bytes) -> None:
        (folder / "cert.pem").write_bytes(text)
        self.refuse("cert.pem")

    def test_a_key_that_is_none_is_refused(self, folder: Path) -> None:
        self.key.write_bytes(b"garbage")
        self.refuse("key.pem")

    def test_a_key_of_another_certificate_is_refused(self, folder: Path) -> None:
        self.key.write_bytes((folder / "other" / "key.pem").read_bytes())
        self.refuse("keys do not match")

    def test_a_key_with_a_passphrase_is_refused_and_nobody_asked_for_it(self, folder: Path) -> None:
        key = load_pem_private_key(self.key.read_bytes(), None)
        locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        self.key.write_bytes(locked)
        self.refuse("passphrase")

    def test_a_certificate_that_is_missing_is_refused(self, folder: Path) -> None:
        (folder / "cert.pem").unlink()
        self.refuse("No such file")

    def test_the_one_before_is_used_until_another_is_taken(self, folder: Path) -> None:
        certificate = self.listener.certificate
        assert certificate is not None
        before = certificate.getContext()
        make(folder)
        loaded = certificate.read()
        assert certificate.getContext() is before
        assert certificate.use(loaded)
        assert certificate.getContext() is loaded.context
        assert not certificate.use(certificate.read())


def test_those_in_between_may_stand_behind_the_certificate_itself(tmp_path: Path) -> None:
    make(tmp_path)
    make(tmp_path / "between", "a signer")
    both = b"".join((tmp_path / each).read_bytes() for each in ("cert.pem", "between/cert.pem"))
    (tmp_path / "chain.pem").write_bytes(both)
    named = {"privateKey": f"{tmp_path}/key.pem", "certKey": f"{tmp_path}/chain.pem"}
    loaded = ServerCertificate(named).read()
    own = x509.load_pem_x509_certificates(both)[0]
    assert loaded.fingerprint == fingerprint_of(own.public_bytes(Encoding.DER))
