"""The examples do what they say, and so does the documentation's code."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from twistedcam import Frame
from twistedcam.examples import blur, clock, motion, qr

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/processing.md").read_text()


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


def test_the_clock_is_drawn_at_the_upper_left() -> None:
    given = frame(room())
    drawn = clock.clock(given)
    changed = np.abs(drawn.astype(int) - given.image).max(axis=2) > 20
    assert changed[:60, :200].any()
    assert not changed[60:].any()


def test_motion_is_boxed_and_told_and_a_still_picture_is_not() -> None:
    *_, still, (image, told) = all_of(motion.motion, [*[room()] * 10, room(120)])
    assert isinstance(still, Frame)
    ((x, y, width, height),) = told["boxes"]
    assert abs(x + width / 2 - 145) < 8 and abs(y + height / 2 - 130) < 8
    assert (np.abs(image[y, x].astype(int) - motion.GREEN) < 3).all()


def test_a_qr_code_is_told_once_when_it_comes_and_once_when_it_goes() -> None:
    code = cv2.QRCodeEncoder.create().encode("https://example.org/door")
    shown = np.full((300, 300, 3), 255, np.uint8)
    large = cv2.resize(code, (200, 200), interpolation=cv2.INTER_NEAREST)
    shown[50:250, 50:250] = large[:, :, None]
    empty = np.full_like(shown, 255)
    values = all_of(qr.qr, [empty, shown, shown, *[empty] * (qr.PATIENCE + 2)])
    told = [value for value in values if isinstance(value, dict)]
    assert [next(iter(each.items())) for each in told] == [
        ("seen", "https://example.org/door"),
        ("gone", "https://example.org/door"),
    ]
    assert np.asarray(told[0]["corners"]).shape == (4, 2)


def test_what_stands_still_is_blurred_and_what_moves_is_sharp() -> None:
    *_, still, moving = all_of(blur.blur, [*[room()] * 30, room(120)])
    given = frame(room(120))
    assert still.std() < room().std() / 2
    middle = (slice(115, 145), slice(130, 160))
    assert np.abs(moving[middle].astype(int) - given.image[middle]).mean() < 10


@pytest.mark.parametrize("example", [motion.motion, blur.blur])
def test_what_one_camera_shows_is_nothing_to_another(example: Any) -> None:
    """Both cameras in one process, with --process-in thread."""

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


def test_the_documentation_names_every_example() -> None:
    for path in (ROOT / "twistedcam/examples").glob("[a-z]*.py"):
        assert f"twistedcam.examples.{path.stem}:{path.stem}" in TEXT


def test_the_documentation_s_code_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks[:2]:
        exec(block, names)
    assert names["negative"](frame(room())).shape == (240, 320, 3)
    assert inspect.isasyncgenfunction(names["brightness"])
    dark, bright = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)
    told = all_of(names["brightness"], [dark, dark, bright])
    assert told == [{"dark": True}, {"dark": False}]


def test_the_documentation_s_program_begins() -> None:
    program = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[2]
    names: dict[str, Any] = {}
    exec(program.split("cameras = CameraService")[0], names)
    assert names["options"].processes[0].name == "cam.negative"
