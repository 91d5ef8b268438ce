"""A server that asks for tokens, encrypted: what programs are tried against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.support.process import ServerProcess
from twistedcam.auth import Grant, TokenFile
from twistedcam.tls.certificate import make_certificate


@dataclass
class Guarded:
    """A server that is reached by TLS and by socket files, with tokens."""

    server: ServerProcess
    folder: Path
    fingerprint: str
    frames: int
    control: int
    token: str
    viewing: str


@contextmanager
def guarded(folder: Path) -> Iterator[Guarded]:
    fingerprint = make_certificate(folder / "tls", ["localhost"], datetime.now(UTC))
    file = TokenFile(folder / "tokens.toml")
    token = file.add(Grant("desk", frozenset({"view", "control"})))
    viewing = file.add(Grant("phone", frozenset({"view"})))
    keys = f"privateKey={folder}/tls/key.pem:certKey={folder}/tls/cert.pem"
    tls = f"ssl:0:interface=127.0.0.1:{keys}"
    options = ["--camera", "cam=pattern:?size=320x240", "--tokens", str(file.path)]
    options += ["--listen", tls, "--control", tls]
    options += ["--listen", f"unix:{folder}/frames", "--control", f"unix:{folder}/control"]
    with ServerProcess(folder / "recordings", *options) as server:
        ports = server.tls_ports()
        yield Guarded(server, folder, fingerprint, *ports, token, viewing)
