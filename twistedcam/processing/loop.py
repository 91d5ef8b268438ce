"""Running user code over frames. Blocks: it has a thread, or a process, to itself."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from twistedcam.media.frame import Frame, UndecodableFrame
from twistedcam.processing.results import Result, read_result

#: Waits for the newest frame that was not taken yet; None at the end.
Take = Callable[[], Frame | None]


class Reports(Protocol):
    """Who hears what comes of it, in the thread that runs the code."""

    def gave(self, result: Result) -> None:
        """There is a result."""

    def took(self, seconds: float) -> None:
        """A frame is done with; so long it took."""

    def left_out(self, reason: str) -> None:
        """The code was not given a frame, or gave it back: it cannot be decoded."""


class CameToItsEnd(Exception):
    """An async generator has ended while there were still frames."""


def run(function: Callable[..., Any], take: Take, reports: Reports) -> None:
    """Give frames to the code until there are no more.

    Raises:
        Exception: whatever the code raises; BadResult; CameToItsEnd.
    """
    if inspect.isasyncgenfunction(function):
        asyncio.run(_follow(function, take, reports))
        return
    while (frame := take()) is not None:
        began = time.perf_counter()
        try:
            value = function(frame)
        except UndecodableFrame as error:  # it asked for the image, and that is not its fault
            reports.left_out(str(error))
            continue
        result = read_result(value, frame)
        took = time.perf_counter() - began
        if result is not None:
            reports.gave(result)
        reports.took(took)


class _Frames:
    """The frames for an async generator: the newest, whenever it asks for one."""

    def __init__(self, take: Take, reports: Reports) -> None:
        self._take = take
        self._reports = reports
        self._began: float | None = None
        #: What waits for the next frame. It cannot be called off: code that gave up waiting, with
        #: a limit of time, takes it up again.
        self._coming: asyncio.Future[Frame | None] | None = None
        self.newest: Frame | None = None
        self.ended = False

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        if self._began is not None:  # asking for the next, it is done with the one before
            self._reports.took(time.perf_counter() - self._began)
            self._began = None
        if self._coming is None:
            loop = asyncio.get_running_loop()
            self._coming = loop.run_in_executor(None, self._take_decodable)
        frame = await asyncio.shield(self._coming)
        self._coming = None
        if frame is None:
            self.ended = True
            raise StopAsyncIteration
        self._began = time.perf_counter()
        self.newest = frame
        return frame

    def _take_decodable(self) -> Frame | None:
        """The next frame that can be decoded: an error would be the end of the generator.

        In a thread, where decoding it keeps nobody waiting; the frame keeps its image.
        """
        while (frame := self._take()) is not None:
            try:
                frame.image  # noqa: B018
            except UndecodableFrame as error:
                self._reports.left_out(str(error))
            else:
                return frame
        return None


async def _follow(function: Callable[..., Any], take: Take, reports: Reports) -> None:
    frames = _Frames(take, reports)
    async for value in function(frames):
        if frames.newest is None:
            raise CameToItsEnd("it gave something before it took a frame")
        result = read_result(value, frames.newest)
        if result is not None:
            reports.gave(result)
    if not frames.ended:
        raise CameToItsEnd("it came to its end while there were still frames")
