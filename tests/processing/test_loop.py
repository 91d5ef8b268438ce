"""The loop that gives frames to user code, and frames that cannot be decoded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support.odd_jpegs import make_jpeg
from twistedcam import Frame
from twistedcam.media.frame import UndecodableFrame
from twistedcam.processing.loop import run
from twistedcam.processing.results import Result

GOOD = make_jpeg(32, 24)
BAD = b"\xff\xd8 nothing \xff\xd9"


class Reports:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.data: list[Any] = []
        self.reasons: list[str] = []

    def on_result(self, result: Result) -> None:
        self.data.append(result.data)

    def on_frame_done(self, seconds: float) -> None:
        pass

    def on_undecodable(self, reason: str) -> None:
        self.reasons.append(reason)


def mean(frame: Frame) -> Any:
    return {"seq": frame.seq, "mean": frame.image.mean()}


async def means(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    async for frame in frames:
        yield {"seq": frame.seq, "mean": frame.image.mean()}


def size(frame: Frame) -> Any:
    return {"seq": frame.seq, "bytes": len(frame.jpeg)}


def careful(frame: Frame) -> Any:
    try:
        return {"seq": frame.seq, "mean": frame.image.mean()}
    except ValueError:
        return {"seq": frame.seq}


@pytest.mark.parametrize(
    ("code", "seen", "left_out"),
    [
        (mean, [1, 3, 6], 3),
        (means, [1, 3, 6], 3),
        (size, [1, 2, 3, 4, 5, 6], 0),
        (careful, [1, 2, 3, 4, 5, 6], 0),
    ],
)
def test_code_gets_each_frame_that_it_can_use(
    code: Callable[..., Any], seen: list[int], left_out: int
) -> None:
    pictures = [GOOD, BAD, GOOD, b"", BAD, GOOD]
    frames = iter([Frame(n, n, 32, 24, data) for n, data in enumerate(pictures, 1)])
    reports = Reports()
    run(code, lambda: next(frames, None), reports)
    assert [each["seq"] for each in reports.data] == seen
    assert len(reports.reasons) == left_out
    assert all("cannot be decoded as JPEG" in each for each in reports.reasons)


def test_an_error_of_the_code_is_raised() -> None:
    def fail(frame: Frame) -> Any:
        raise ValueError("mine")

    frames = iter([Frame(1, 1, 32, 24, GOOD)])
    with pytest.raises(ValueError, match="mine") as raised:
        run(fail, lambda: next(frames, None), Reports())
    assert not isinstance(raised.value, UndecodableFrame)
