"""An address on this machine that stands for a web server's; see porter.py."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys

from twistedcam.publishing.sender.porter import Errand

#: Seconds that a fault may come after what FFmpeg has made of it.
_GRACE = 0.5


class Gate:
    """A porter at work, in a process of its own: PyAV holds Python's lock while it connects.

    Arguments:
        url: the web server's address that is to be reached.
        verify: whether its certificate is checked.
        ca: file of certificates that it is checked by; the system's if empty.

    Raises:
        OSError: there is no porter.
    """

    def __init__(self, url: str, verify: bool, ca: str) -> None:
        self._porter = subprocess.Popen(
            [sys.executable, "-P", "-m", "twistedcam.publishing.sender.porter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._said = b""
        errand: Errand = {"url": url, "verify": verify, "ca": ca}
        assert self._porter.stdin is not None and self._porter.stdout is not None
        self._porter.stdin.write(json.dumps(errand).encode() + b"\n")
        self._porter.stdin.flush()
        self._out = self._porter.stdout.fileno()
        line = self._porter.stdout.readline().decode().strip()
        if not line.startswith("http"):
            raise OSError(line or "no way to the web server")
        #: The address to use instead.
        self.url = line
        os.set_blocking(self._out, False)

    def fault(self, grace: float = 0.0) -> str:
        """What went wrong first, or "".

        Arguments:
            grace: seconds to wait for it.
        """
        if select.select([self._out], [], [], grace)[0]:
            self._said += os.read(self._out, 4096)
        return self._said.partition(b"\n")[0].decode(errors="replace")

    def late_fault(self) -> str:
        """What went wrong, where something did."""
        return self.fault(_GRACE)

    def close(self) -> None:
        """No porter any more."""
        self._porter.kill()
        self._porter.wait()
