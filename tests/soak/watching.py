"""A program that watches a camera in one of the library's ways, for a soak to look at.

    python -m tests.soak.watching blocking twistedcam://127.0.0.1:9530/cam
    python -m tests.soak.watching asyncio URL --leave 40

Writes each frame's number on a line of its own, goes on for ever, and ends with 0 on SIGTERM.
With ``--leave`` it leaves its loop after so many frames and begins a new one.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from twistedcam import Frame, FrameClient, connect, parse_target


class Count:
    """Says each frame's number.

    Arguments:
        most: frames after which it is enough, or None.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._frames = 0

    def one(self, frame: Frame) -> bool:
        """A frame came; whether that is enough."""
        print(frame.seq, flush=True)
        self._frames += 1
        return self._frames == self._most


def in_a_script(url: str, leave: int | None) -> NoReturn:
    """The blocking iterator."""
    signal.signal(signal.SIGTERM, _exit)
    while True:
        count = Count(leave)
        for frame in connect(url):
            if count.one(frame):
                break


def under_asyncio(url: str, leave: int | None) -> None:
    """The asynchronous iterator, driven by asyncio."""

    async def watch() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        while True:
            count = Count(leave)
            async for frame in connect(url):
                if count.one(frame):
                    break

    async def begin() -> None:
        nonlocal task
        task = asyncio.create_task(watch())
        await asyncio.wait([task])

    task: Any = None
    asyncio.run(begin())


def under_twisted(url: str, leave: int | None) -> None:
    """The asynchronous iterator, driven by Twisted."""
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred
    from twisted.python import log

    async def watch() -> None:
        while True:
            count = Count(leave)
            async for frame in connect(url):
                if count.one(frame):
                    break

    Deferred.fromCoroutine(watch()).addErrback(log.err)
    reactor.run()  # type: ignore[attr-defined]


def by_callbacks(url: str, leave: int | None) -> None:
    """The service with callbacks."""
    from twisted.internet import reactor

    def begin() -> None:
        count = Count(leave)

        def came(frame: Frame) -> None:
            if count.one(frame):
                client.stopService().addCallback(lambda _: begin())

        client = FrameClient(reactor, parse_target(url), came)
        client.startService()

    begin()
    reactor.run()  # type: ignore[attr-defined]


WAYS: dict[str, Callable[[str, int | None], None]] = {
    "blocking": in_a_script,
    "asyncio": under_asyncio,
    "twisted": under_twisted,
    "callbacks": by_callbacks,
}


def _exit(*_: object) -> NoReturn:
    sys.exit(0)


def main() -> None:
    """Watch."""
    parser = argparse.ArgumentParser("python -m tests.soak.watching")
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("url")
    parser.add_argument("--leave", type=int)
    found = parser.parse_args()
    WAYS[found.way](found.url, found.leave)


if __name__ == "__main__":
    main()
