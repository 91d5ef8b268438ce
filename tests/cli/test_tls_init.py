"""``twistedcam tls-init``: the files that it makes, and the options that it refuses."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificate

from twistedcam.cli.tls_init import add_arguments, run
from twistedcam.errors import BadArgument


def tls_init(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(words))


def test_a_server_certificate_is_valid_for_its_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tls_init("--dir", str(tmp_path), "--name", "camera.example.net", "--days", "7") == 0
    out = capsys.readouterr().out
    assert f"listen:      ssl:9530:privateKey={tmp_path / 'key.pem'}:certKey=" in out
    assert "names:       camera.example.net, " in out
    certificate = load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    validity = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert 7 <= validity.days <= 8


def test_a_client_certificate_has_the_client_s_name_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tls_init("--dir", str(tmp_path), "--client", "phone") == 0
    out = capsys.readouterr().out
    assert "names:       phone\n" in out and "listen:" not in out


@pytest.mark.parametrize("words", [("--days", "0"), ("--client", "a", "--name", "b")])
def test_wrong_options_are_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(BadArgument):
        tls_init("--dir", str(tmp_path), *words)
    assert not list(tmp_path.iterdir())
