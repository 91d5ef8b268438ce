"""The loop that calls user code with frames. It blocks its thread."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from twistedcam.media.frame import Frame, UndecodableFrame
from twistedcam.processing.results import Result, read_result

#: Waits for the next frame and returns it; returns None at the end.
Take = Callable[[], Frame | None]


class Reports(Protocol):
    """Receives what comes of the frames."""

    def on_result(self, result: Result) -> None:
        """The code has made a result."""

    def on_frame_done(self, seconds: float) -> None:
        """The code has finished a frame, which took so many seconds."""

    def on_undecodable(self, reason: str) -> None:
        """A frame was skipped because it cannot be decoded."""


class GeneratorEnded(Exception):
    """An async generator ended too early, or yielded before it took a frame."""


def run(function: Callable[..., Any], take: Take, reports: Reports) -> None:
    """Call the code with frames until there are no more.

    Raises:
        Exception: any error of the code, BadResult, or GeneratorEnded.
    """
    if inspect.isasyncgenfunction(function):
        asyncio.run(_follow(function, take, reports))
        return
    while (frame := take()) is not None:
        began = time.perf_counter()
        try:
            value = function(frame)
        except UndecodableFrame as error:  # the code has used frame.image; that is no error of it
            reports.on_undecodable(str(error))
            continue
        result = read_result(value, frame)
        took = time.perf_counter() - began
        if result is not None:
            reports.on_result(result)
        reports.on_frame_done(took)


class _Frames:
    """An async iterator of the newest frames, for an async generator."""

    def __init__(self, take: Take, reports: Reports) -> None:
        self._take = take
        self._reports = reports
        self._began: float | None = None
        #: Waits for the next frame. It cannot be cancelled: code that stopped waiting gets the
        #: frame at its next call.
        self._coming: asyncio.Future[Frame | None] | None = None
        self.newest: Frame | None = None
        self.ended = False

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        if self._began is not None:  # the code has finished the previous frame
            self._reports.on_frame_done(time.perf_counter() - self._began)
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
        """Return the next frame that can be decoded, since an error would end the generator.

        Called in a thread, because decoding takes time; the frame keeps its image.
        """
        while (frame := self._take()) is not None:
            try:
                frame.image  # noqa: B018
            except UndecodableFrame as error:
                self._reports.on_undecodable(str(error))
            else:
                return frame
        return None


async def _follow(function: Callable[..., Any], take: Take, reports: Reports) -> None:
    frames = _Frames(take, reports)
    async for value in function(frames):
        if frames.newest is None:
            raise GeneratorEnded("it yielded a value before it took a frame")
        result = read_result(value, frames.newest)
        if result is not None:
            reports.on_result(result)
    if not frames.ended:
        raise GeneratorEnded("it ended while there were still frames")
