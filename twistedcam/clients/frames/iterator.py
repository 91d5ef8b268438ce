"""``connect(url)``: an iterator over a camera's frames, for scripts, asyncio and Twisted."""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from twistedcam.clients.frames.address import CameraAddress, parse_target
from twistedcam.clients.frames.blocking import FrameReader
from twistedcam.clients.frames.packet_queue import PacketQueue
from twistedcam.clients.frames.session import check_codecs

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


def connect(
    url: str,
    fps: float | None = None,
    *,
    token: str | None = None,
    reconnect: bool = True,
    reactor: Any = None,
    codecs: Sequence[str] = ("mjpeg",),
) -> Frames:
    """Return an iterable of a camera's frames, which gives the newest frame each time.

    With ``codecs``, the camera's frames may be packets of H.264 or H.265, as the camera or the
    server has encoded them. They come in their order, from a key frame on, and ``image`` decodes
    them. A program that falls more than 0.4 s behind misses packets: it continues with the newest
    one if it has read ``image`` of the one before, and with the next key frame if not.

    With ``aac`` or ``opus`` in ``codecs`` there is sound, too, if the camera has any and the token
    has the right ``listen``: a :class:`~twistedcam.media.packet.Packet` whose ``track.kind`` is
    ``"audio"``. With these codecs only, there are no pictures.

    Use ``for frame in connect(url)`` in a script, and ``async for frame in connect(url)`` in a
    coroutine of asyncio or Twisted. Each iteration has its own connection, which is closed when the
    loop is left.

    Arguments:
        url: ``twistedcam://HOST:9530/CAMERA``; see :func:`twistedcam.clients.frames.parse_target`.
        fps: the maximum number of frames per second that the server sends, 0.001 to 1000.
        token: the token for the camera.
        reconnect: connect again when the connection is lost; otherwise that is an error.
        reactor: Twisted's reactor, if it is not the installed one.
        codecs: the codecs that the program understands, in order of preference: ``mjpeg``,
            ``h264``, ``hevc``, and of sound ``opus`` and ``aac``. The camera's own codec is
            preferred to one that has to be encoded. With ``fps`` below the camera's rate, ``mjpeg``
            is preferred, because packets of the others cannot be left out.

    Raises:
        BadArgument: the address, the rate or a codec is not valid. The iteration raises
            UnknownCamera, Unauthorized or UnsupportedCodec if the server refuses, and Disconnected
            without ``reconnect``.
    """
    return Frames(parse_target(url).with_options(fps, token), reconnect, reactor, codecs)


class Frames:
    """The iterable of :func:`connect`."""

    def __init__(
        self,
        target: CameraAddress,
        reconnect: bool = True,
        reactor: Any = None,
        codecs: Sequence[str] = ("mjpeg",),
    ) -> None:
        self.target = target
        self._codecs = check_codecs(codecs)
        self._reconnect = reconnect
        self._reactor = reactor

    def __iter__(self) -> Iterator[Any]:
        """Iterate and block until the next frame, in programs without an event loop."""
        reader = FrameReader(self.target, self._reconnect, warns=True, codecs=self._codecs)
        return _BlockingIterator(reader)

    def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate without blocking, with asyncio or Twisted."""
        if self._reactor is None and _in_asyncio_task():
            return _under_asyncio(self.target, self._reconnect, self._codecs)
        return _under_twisted(self.target, self._reconnect, self._reactor, self._codecs)


class _BlockingIterator:
    """Closes its connection when it is no longer referenced."""

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        weakref.finalize(self, reader.close)
        reader.start()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        frame = self._reader.take()
        if frame is None:
            raise StopIteration
        return frame


async def _under_asyncio(
    target: CameraAddress, reconnect: bool, codecs: Sequence[str]
) -> AsyncIterator[Any]:
    import asyncio

    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def notify() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(changed.set)

    reader = FrameReader(target, reconnect, on_change=notify, warns=True, codecs=codecs)
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
    target: CameraAddress, reconnect: bool, reactor: Any, codecs: Sequence[str]
) -> AsyncIterator[Any]:
    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure

    from twistedcam.clients.frames.twisted import FrameClient

    if reactor is None:
        from twisted.internet import reactor

    queue = PacketQueue()
    ended: list[Failure] = []
    waiting: list[Deferred[None]] = []

    def notify() -> None:
        due, waiting[:] = waiting[:], []  # a callback may wait again at once
        for each in due:
            each.callback(None)

    def received(frame: Any) -> None:
        if frame.track.kind == "audio":
            queue.put_sound(frame)
        else:
            queue.put(frame)
        notify()

    def failed(why: Failure) -> None:
        ended.append(why)
        notify()

    client = FrameClient(reactor, target, received, reconnect=reconnect, codecs=codecs)
    client.ended.addErrback(failed)
    client.startService()
    try:
        while True:
            if len(queue):
                yield queue.take()
            elif ended:
                ended[0].raiseException()
            else:
                news: Deferred[None] = Deferred()
                waiting.append(news)
                await news
    finally:
        client.stopService()


def _in_asyncio_task() -> bool:
    """True in a task of asyncio; False in a coroutine of Twisted's asyncio reactor."""
    asyncio = sys.modules.get("asyncio")  # not imported here, because that is slow
    if asyncio is None:
        return False
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
