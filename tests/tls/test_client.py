"""A client accepts the right server only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.process import PATIENCE, run_program
from tests.support.tls_server import make, speaking_tls
from twistedcam.errors import BadArgument, CertificateRefused
from twistedcam.tls.client import Trust, connect_tls
from twistedcam.tls.known_servers import SIGNED, KnownServers


def connect(port: int, trust: Trust) -> None:
    connect_tls("127.0.0.1", port, trust, PATIENCE).close()


def test_the_fingerprint_alone_decides_where_one_is_given(tmp_path: Path) -> None:
    fingerprint = make(tmp_path)
    with speaking_tls(tmp_path) as port:
        connect(port, Trust(fingerprint=fingerprint))
        with pytest.raises(CertificateRefused, match=fingerprint):
            connect(port, Trust(fingerprint="0" * 64))


def test_an_untrusted_certificate_is_refused(tmp_path: Path) -> None:
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
