"""Answers requests from the socket that is its standard input, until that is closed.

A request is one line of JSON with open files beside it (SCM_RIGHTS). The answer is one line of JSON
followed by ``body`` bytes. A request for heads has many files, and an answer for each.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from twistedcam.recording.media_worker.remux import copy, has_packet
from twistedcam.recording.media_worker.video_file import (
    UnreadableVideo,
    picture_at,
    read_head,
)
from twistedcam.util.libraries import av

#: Niceness, so that cameras get the processor first.
_NICE = 5
_MAX_LINE = 1 << 16
_MAX_FILES = 64
#: Seconds from a task's own time limit to the forced end of this program.
_GRACE = 2.0


def main() -> int:
    """Answer requests until the socket is closed.

    Arguments on the command line: bytes of memory at most, and the seconds without a request after
    which the program ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the server, which closes the socket
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    av.logging.set_level(None)  # it imports all of PyAV, which the limit on memory would hinder
    memory, idle = sys.argv[1:]
    _limit(int(memory))
    with socket.socket(fileno=os.dup(0)) as connection:
        connection.settimeout(float(idle))
        while True:
            try:
                line, files = _receive(connection)
            except TimeoutError:
                return 0
            if not line:
                return 0
            try:
                for head, body in _answers(json.loads(line), files):
                    line = json.dumps({**head, "body": len(body)}).encode() + b"\n"
                    connection.sendall(line + body)
            except (BrokenPipeError, ConnectionResetError, TimeoutError):
                return 0  # the server has gone
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                for fd in files:
                    os.close(fd)


def _answers(order: dict[str, Any], files: list[int]) -> Iterator[tuple[dict[str, Any], bytes]]:
    for each in [[fd] for fd in files] if order["task"] == "head" else [files]:
        _end_after(order["limit"] + _GRACE)
        try:
            yield _answer(order, each)
        except UnreadableVideo as error:
            yield {"refused": str(error), "is_temporary": error.is_temporary}, b""
        except (MemoryError, ImportError):  # a library cannot be loaded for want of memory
            yield {"refused": "it takes more memory than it may have"}, b""
        except OSError as error:
            yield {"failed": error.strerror or str(error), "errno": error.errno}, b""


def _answer(order: dict[str, Any], files: list[int]) -> tuple[dict[str, Any], bytes]:
    limit = order["limit"]
    match order["task"]:
        case "head":
            return vars(read_head(files[0], limit)), b""
        case "picture":
            return {}, picture_at(files[0], limit, order.get("at", 0.0))
        case "packet":
            return {"found": has_packet(files[0])}, b""
        case "copy":
            source, target = files
            muxer, options = order["muxer"], order["options"]
            going_on = partial(_end_after, limit + _GRACE)
            return vars(copy(source, target, muxer, options, going_on)), b""
    raise ValueError(f"there is no task {order['task']!r}")


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """One request; an empty line at the end."""
    line, files, _, _ = socket.recv_fds(connection, _MAX_LINE, _MAX_FILES)
    while line and not line.endswith(b"\n"):
        more = connection.recv(_MAX_LINE)
        line = line + more if more else b""
    return line, files


def _limit(memory: int) -> None:
    """Limit memory and priority, as far as the system supports it."""
    with suppress(OSError):
        os.nice(_NICE)
    import resource

    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):
            hard = resource.getrlimit(kind)[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (least, hard))


def _end_after(seconds: float) -> None:
    """Let the kernel end this process then: FFmpeg itself has no time limit."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    sys.exit(main())
