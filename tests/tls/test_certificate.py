"""Certificates are made once, and only their owner can read the key."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.support.system import require
from tests.support.tls_server import make
from twistedcam.errors import BadArgument, DiskError
from twistedcam.tls.fingerprint import fingerprint_of


def test_only_the_owner_can_read_a_key_and_it_is_never_overwritten(tmp_path: Path) -> None:
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


def test_openssl_reads_what_tls_init_makes(tmp_path: Path) -> None:
    require(shutil.which("openssl"), "openssl")
    make(tmp_path, ["camera.example.net", "192.0.2.1"])
    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in"]
    done = subprocess.run(
        [*command, str(tmp_path / "cert.pem")], capture_output=True, text=True, check=True
    )
    assert "DNS:camera.example.net, IP Address:192.0.2.1" in done.stdout
