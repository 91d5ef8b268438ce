"""Options for tokens and certificates."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from twistedcam.cli.tls_options import (
    TOKEN_VARIABLE,
    add_trust_arguments,
    read_token,
    read_trust,
)
from twistedcam.errors import BadArgument


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_trust_arguments(parser)
    return parser.parse_args(words)


def test_the_option_has_precedence_over_the_environment() -> None:
    environment = {TOKEN_VARIABLE: "from-environment"}
    assert read_token(parse("--token", "given"), environment) == "given"
    assert read_token(parse(), environment) == "from-environment"
    assert read_token(parse(), {}) is None


def test_a_fingerprint_is_read() -> None:
    fingerprint = read_trust(parse("--fingerprint", ":".join(["ab"] * 32)), {}).fingerprint
    assert fingerprint == "ab" * 32


@pytest.mark.parametrize("words", [("--fingerprint", "abc"), ("--ca", "/nowhere/ca.pem")])
def test_invalid_values_are_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(BadArgument):
        read_trust(parse(*words), {"HOME": str(tmp_path)})
