"""Numbers in the documents are those of the program; for limits see test_documented_limits.py."""

from __future__ import annotations

import re

import pytest

from tests.process import ROOT
from twistedcam import parting
from twistedcam.camera import camera, capture, demand, retry
from twistedcam.control import keys
from twistedcam.delivery import watcher
from twistedcam.frameport import vigil
from twistedcam.http import events, stall
from twistedcam.mqtt.address import Broker
from twistedcam.processing import processor, work
from twistedcam.recording import first_picture, keeper, standing
from twistedcam.sources import webcam
from twistedcam.viewing import blocking

_WORDS = {"two": 2, "five": 5, "ten": 10}

#: A document, a sentence with a group for each number, and the numbers that the program has.
NUMBERS = (
    ("http", r"that reads nothing for (\w+) seconds is dropped", [watcher.STALL_LIMIT]),
    ("http", r"A comment is sent every (\w+) seconds", [events.HEARTBEAT]),
    ("http", r"takes nothing of an answer for (\w+) s,", [stall.STALL_LIMIT]),
    (
        "cameras",
        r"silent \((\w+) of its periods, (\w+) seconds at least\)",
        [
            capture.STALL_PERIODS,
            capture.STALL_SECONDS,
        ],
    ),
    (
        "cameras",
        r"tried again after ([\d.]+) s, then after longer waits up to (\w+) s",
        [
            retry.RETRY_FIRST,
            retry.RETRY_MOST,
        ],
    ),
    ("cameras", r"closes it (\w+) s after the last", [demand.REST_AFTER]),
    ("cameras", r"so (\w+) of them are left out", [webcam.SETTLE_FRAMES]),
    ("architecture", r"no recording for (\w+) seconds, takes its", [demand.REST_AFTER]),
    ("frame-protocol", r"The server pings after (\w+) seconds", [vigil.PING_AFTER]),
    (
        "frame-protocol",
        r"there may be (\w+) s, for a publisher's frame (\w+) s",
        [
            vigil.MESSAGE_LIMIT,
            vigil.FRAME_LIMIT,
        ],
    ),
    ("control-protocol", r"who sends nothing, it waits (\w+) s", [camera.PICTURE_WAIT]),
    ("control-protocol", r"gives no picture for (\w+) s, is recorded", [first_picture.PATIENCE]),
    ("control-protocol", r"the other side has (\w+) s to take them", [parting.LINGER]),
    ("control-protocol", r"`q` twice within (\w+) s shuts down", [keys.AGAIN_WITHIN]),
    ("recording", r"begins again by itself, (\w+) seconds after there is room", [standing.PERIOD]),
    ("recording", r"after each file and every (\w+) seconds", [keeper.PERIOD]),
    (
        "viewer",
        r"after ([\d.]+) s at first,\nthen longer, up to (\w+) s",
        [
            blocking._FIRST_WAIT,
            blocking._LONGEST_WAIT,
        ],
    ),
    (
        "processing",
        r"again after ([\d.]+) s, then 1 s, up to (\w+) s",
        [
            processor.RETRY_FIRST,
            processor.RETRY_MOST,
        ],
    ),
    ("processing", r"nothing for (\w+) s is ended and counts as crashed", [work.HANG]),
    ("scale", r"`every=(\w+)` seconds between two pictures", [Broker.every]),
)


@pytest.mark.parametrize(
    ("document", "sentence", "numbers"), NUMBERS, ids=[f"{each[0]}: {each[1]}" for each in NUMBERS]
)
def test_a_number_is_that_of_the_program(
    document: str, sentence: str, numbers: list[float]
) -> None:
    found = re.search(sentence, (ROOT / "docs" / f"{document}.md").read_text())
    assert found, f"docs/{document}.md no longer says this"
    assert [float(_WORDS.get(each, each)) for each in found.groups()] == numbers
