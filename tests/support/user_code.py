"""User code, good and bad, that the tests run."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

from twistedcam import Frame

NO_FUNCTION = 1


def negative(frame: Frame) -> Any:
    return 255 - frame.image


def count(frame: Frame) -> Any:
    return {"seq": frame.seq, "mean": frame.image.mean()}


def nothing(frame: Frame) -> None:
    return None


class Held:
    """Code that is at its picture until the test lets it go: it runs in this process."""

    def __init__(self) -> None:
        self.given: list[Frame] = []
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, frame: Frame) -> Any:
        self.given.append(frame)
        self.began.set()
        self.may_end.wait(600)
        return frame


def raises(frame: Frame) -> Any:
    raise ValueError("it is too dark")


def dies(frame: Frame) -> Any:
    os.abort()


def hangs(frame: Frame) -> Any:
    time.sleep(600)


def wrong(frame: Frame) -> Any:
    return "a picture"


async def every_third(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    number = 0
    async for _ in frames:
        number += 1
        if number % 3 == 0:
            yield {"number": number}


async def impatient(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """Gives up waiting for a frame again and again, and counts those that it gets."""
    number = 0
    while True:
        try:
            await asyncio.wait_for(anext(frames), 0.001)
        except TimeoutError:
            continue
        except StopAsyncIteration:
            return
        number += 1
        yield {"number": number}


async def stuck(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    async for frame in frames:
        yield frame
        await asyncio.sleep(600)


async def ends(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    async for frame in frames:
        yield frame
        return
