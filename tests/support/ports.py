"""Ports for servers that must be told theirs, or have theirs again after they were killed."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
import socket

#: Below those that a system gives to whoever asks for any (Linux: 32768 and above), so that no
#: connection made meanwhile can have it.
_PORTS = range(20_000, 32_000)


def _own_ports() -> range:
    """The part of them that belongs to this process alone, among those that run tests together."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = re.search(r"\d*$", os.environ.get("PYTEST_XDIST_WORKER", ""))
    assert number is not None
    return _PORTS[int(number[0] or 0) :: workers]


_own = _own_ports()
#: Each is given once; where it begins, other tests on this machine are not likely to be.
_numbers = itertools.count(random.SystemRandom().randrange(len(_own)))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now, nor gets by chance."""
    while True:
        port = _own[next(_numbers) % len(_own)]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
