"""``connect(url)``: a camera's frames, wherever they are iterated."""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from twistedcam.clients.frames.address import CameraAddress, parse_target
from twistedcam.clients.frames.blocking import FrameReader
from twistedcam.media.frame import Frame

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


def connect(
    url: str,
    fps: float | None = None,
    *,
    token: str | None = None,
    reconnect: bool = True,
    reactor: Any = None,
) -> Frames:
    """The frames of a camera, to be iterated: each time the newest, never a queue that grows.

    ``for frame in connect(url)`` in a plain script; ``async for frame in connect(url)`` in a
    coroutine of asyncio or of Twisted. Each iteration has a connection of its own, which ends when
    it is left.

    Arguments:
        url: ``twistedcam://HOST:9530/CAMERA``; see :func:`twistedcam.clients.frames.parse_target`.
        fps: at most so many frames a second, 0.001 to 1000; the server sends no more.
        token: what opens the camera.
        reconnect: go on for ever, through lost connections; else a lost one is an error.
        reactor: Twisted's, if it is not the installed one.

    Raises:
        BadArgument: that is no address of a camera, or no rate that can be asked for. Iterating
            raises UnknownCamera or Unauthorized where the server refuses, and Disconnected where
            ``reconnect`` is off.
    """
    return Frames(parse_target(url).with_options(fps, token), reconnect, reactor)


class Frames:
    """What :func:`connect` gives."""

    def __init__(self, target: CameraAddress, reconnect: bool = True, reactor: Any = None) -> None:
        self.target = target
        self._reconnect = reconnect
        self._reactor = reactor

    def __iter__(self) -> Iterator[Frame]:
        """Iterate, waiting for each frame: for programs without a reactor or a loop."""
        return _Blocking(FrameReader(self.target, self._reconnect, warns=True))

    def __aiter__(self) -> AsyncIterator[Frame]:
        """Iterate without blocking, under asyncio or under Twisted."""
        if self._reactor is None and _in_asyncio_task():
            return _under_asyncio(self.target, self._reconnect)
        return _under_twisted(self.target, self._reconnect, self._reactor)


class _Blocking:
    """Ends its connection when nobody holds it any more."""

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        weakref.finalize(self, reader.close)
        reader.start()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        frame = self._reader.take()
        if frame is None:
            raise StopIteration
        return frame


async def _under_asyncio(target: CameraAddress, reconnect: bool) -> AsyncIterator[Frame]:
    import asyncio

    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(changed.set)

    reader = FrameReader(target, reconnect, on_change=tell, warns=True)
    reader.start()
    try:
        while True:
            frame = reader.take(0)
            if frame is not None:
                yield frame
            else:
                await changed.wait()
                changed.clear()
    finally:
        reader.close(wait=False)


async def _under_twisted(
    target: CameraAddress, reconnect: bool, reactor: Any
) -> AsyncIterator[Frame]:
    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure

    from twistedcam.clients.frames.twisted import FrameClient

    if reactor is None:
        from twisted.internet import reactor

    newest: list[Frame] = []
    ended: list[Failure] = []
    waiting: list[Deferred[None]] = []

    def tell() -> None:
        due, waiting[:] = waiting[:], []  # who is called may wait anew at once
        for each in due:
            each.callback(None)

    def came(frame: Frame) -> None:
        newest[:] = [frame]
        tell()

    def failed(why: Failure) -> None:
        ended.append(why)
        tell()

    client = FrameClient(reactor, target, came, reconnect=reconnect)
    client.ended.addErrback(failed)
    client.startService()
    try:
        while True:
            if newest:
                yield newest.pop()
            elif ended:
                ended[0].raiseException()
            else:
                news: Deferred[None] = Deferred()
                waiting.append(news)
                await news
    finally:
        client.stopService()


def _in_asyncio_task() -> bool:
    """Whether asyncio drives this coroutine. Under Twisted's asyncio reactor it does not."""
    asyncio = sys.modules.get("asyncio")  # who runs it has imported it; it is slow to import
    if asyncio is None:
        return False
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
