"""Frames for the examples of user code, and their results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from twistedcam import Frame


def frame(image: NDArray[Any], seq: int = 1) -> Frame:
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return Frame(seq, seq * 33_000, image.shape[1], image.shape[0], jpeg)


def room(box_at: int | None = None) -> NDArray[np.uint8]:
    """A room with stripes on its wall, and perhaps a box in it."""
    image = np.full((240, 320, 3), 90, np.uint8)
    image[:, ::8] = 200
    if box_at is not None:
        image[100:160, box_at : box_at + 50] = (20, 20, 250)
    return image


def picture(result: Any) -> NDArray[np.uint8]:
    """The picture of a result of user code."""
    if isinstance(result, tuple):
        result = result[0]
    shown: NDArray[np.uint8] = result.image if isinstance(result, Frame) else result
    return shown


def all_of(function: Any, images: list[NDArray[np.uint8]]) -> list[Any]:
    async def frames() -> AsyncIterator[Frame]:
        for number, image in enumerate(images):
            yield frame(image, number + 1)

    async def collect() -> list[Any]:
        return [value async for value in function(frames())]

    return asyncio.run(collect())


def check_cameras_are_separate(example: Any) -> None:
    """Check that a camera does not change the result for another one in the same process."""

    async def collect(others: list[NDArray[np.uint8]]) -> Any:
        ours, theirs = asyncio.Queue[Frame](), asyncio.Queue[Frame]()
        one, other = example(taken(ours)), example(taken(theirs))
        values = []
        for number, image in enumerate([*[room()] * 10, room(120)]):
            for shown in others:
                theirs.put_nowait(frame(shown, number))
                await anext(other)
            ours.put_nowait(frame(image, number))
            values.append(await anext(one))
        return values[-1]

    async def taken(queue: asyncio.Queue[Frame]) -> AsyncIterator[Frame]:
        while True:
            yield await queue.get()

    alone = asyncio.run(collect([]))
    beside_another = asyncio.run(collect([room(120)]))  # where the box stands still
    np.testing.assert_array_equal(picture(beside_another), picture(alone))
