"""Ports for servers that must be told theirs, or have theirs again after they were killed."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket

#: Below those that a system gives to whoever asks for any (Linux: 32768 and above), so that no
#: connection made meanwhile can have it.
_PORTS = range(20_000, 32_000)
#: Each is given once; where it begins, other tests on this machine are not likely to be.
_numbers = itertools.count(random.SystemRandom().randrange(len(_PORTS)))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now, nor gets by chance."""
    while True:
        port = _PORTS[next(_numbers) % len(_PORTS)]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
