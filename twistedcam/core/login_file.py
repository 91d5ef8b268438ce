"""The file of logins to the page, in the hidden folder of the recordings."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from twistedcam.auth import Authenticator, LoginSessions
from twistedcam.recording.library.hidden_folder import HiddenFolder

FILE = "logins.json"
#: The most bytes of the file: 1,000 logins have half of it.
_MAX_BYTES = 1 << 20


class LoginFile:
    """Reads and writes the file of logins. Both block, for a small file.

    Arguments:
        folder: the recordings folder.
        check: raises DiskError while the disk of the folder is not mounted.
    """

    def __init__(self, folder: Path, check: Callable[[], None]) -> None:
        self._hidden = HiddenFolder(folder)
        self._check = check

    def sessions(self, authenticator: Callable[[], Authenticator]) -> LoginSessions:
        """Return the logins to the page that this file keeps.

        Arguments:
            authenticator: returns the authenticator that has their tokens.
        """
        return LoginSessions(authenticator, time.time, self.read, self.write)

    def read(self) -> bytes:
        """Return its contents.

        Raises:
            OSError: there is none, or it cannot be read.
        """
        return self._hidden.read(FILE, _MAX_BYTES)[0]

    def write(self, data: bytes) -> None:
        """Replace it. Other users of the machine cannot read it.

        Raises:
            OSError: it cannot be written.
            DiskError: the disk is not mounted.
        """
        self._check()
        self._hidden.path.parent.mkdir(parents=True, exist_ok=True)
        self._hidden.write(FILE, data)
