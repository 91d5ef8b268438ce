"""A file of the certificates that servers showed at their first connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from twistedcam.errors import BadArgument, DiskError
from twistedcam.runtime.atomic_file import locked, write_atomically
from twistedcam.runtime.home import expand_home, home_folder

#: Kept for a server whose certificate is signed by a trusted authority. Its certificate may
#: change, but an unsigned one is not accepted any more.
SIGNED = "signed"


class KnownServers:
    """A file of servers and their certificates' fingerprints.

    Arguments:
        path: a JSON object, ``{"HOST:PORT": FINGERPRINT}``; ``put`` creates it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, server: str) -> str | None:
        """Return the fingerprint of a server, ``HOST:PORT``, or SIGNED, or None.

        Raises:
            BadArgument: the file is invalid. It is not replaced: that would lose what is known.
        """
        return self._read().get(server)

    def put(self, server: str, pin: str) -> None:
        """Remember a server. Several programs may do this at the same time.

        Raises:
            BadArgument: the file is invalid. It is not changed.
            DiskError: the file cannot be written.
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
            raise BadArgument(f"{self.path} is not a list of servers: remove it to start again")
        return found


def users_known_servers(environment: Mapping[str, str]) -> KnownServers | None:
    """Return the user's file (XDG base directories); None if the user has no home folder.

    Arguments:
        environment: the variables of the process.
    """
    folder = environment.get("XDG_DATA_HOME")
    try:
        data = expand_home(folder) if folder else home_folder() / ".local" / "share"
    except BadArgument:
        return None
    return KnownServers(data / "twistedcam" / "servers.json")
