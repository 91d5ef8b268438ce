"""Which certificate each server showed when it was first met."""

from __future__ import annotations

import json
import os
from pathlib import Path

from twistedcam.errors import BadArgument, DiskError
from twistedcam.runtime.atomic_file import locked, write_atomically

#: What is kept of a server whose certificate somebody has signed that this machine trusts: its
#: certificates may change, but one that nobody has signed is not taken for it any more.
SIGNED = "signed"


class KnownServers:
    """A file of servers and their certificates' fingerprints.

    Arguments:
        path: a JSON object, ``{"HOST:PORT": FINGERPRINT}``; need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, server: str) -> str | None:
        """What is known of a server, ``HOST:PORT``.

        Raises:
            BadArgument: the file is broken; who repairs it decides whom to trust.
        """
        return self._read().get(server)

    def put(self, server: str, pin: str) -> None:
        """Remember it. Several programs may do so at the same time: none undoes another's.

        Raises:
            BadArgument: the file is broken; it is left as it is.
            DiskError: it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self.path):
                known = {**self._read(), server: pin}
                text = json.dumps(known, indent=1, sort_keys=True) + "\n"
                write_atomically(self.path, text.encode(), 0o600)
        except OSError as error:
            raise DiskError(f"{self.path} cannot be written: {error.strerror}") from error

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise BadArgument(f"{self.path} cannot be read: {error}") from None
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise BadArgument(f"{self.path} is no list of servers: remove it to begin anew")
        return found


def default_path(environment: dict[str, str]) -> Path:
    """Where a user's file is (XDG base directories).

    Arguments:
        environment: the process's, where the command line reads it.
    """
    data = environment.get("XDG_DATA_HOME") or os.path.join("~", ".local", "share")
    return Path(data).expanduser() / "twistedcam" / "servers.json"
