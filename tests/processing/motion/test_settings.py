"""Settings of motion detection, from a file and from words."""

from __future__ import annotations

import pytest

from twistedcam.errors import BadArgument
from twistedcam.processing.motion.settings import MotionSettings, read_motion

TRIANGLE = [[0, 0.5], [1, 0.5], [1, 1]]
READ = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0))


def test_words_and_tables_have_the_same_settings() -> None:
    words = ["sensitivity=70", "min-area=1.5", "record=off", "before=0", "after=1m"]
    words += ["zones=0,0.5 1,0.5 1,1", "when=mo-fr 07:00-18:00"]
    table = {
        "sensitivity": 70,
        "min_area": 1.5,
        "record": False,
        "before": 0,
        "after": "1m",
        "zones": [TRIANGLE],
        "when": "mo-fr 07:00-18:00",
    }
    settings = MotionSettings(**read_motion(table))
    assert MotionSettings.from_words(words) == settings
    assert settings.zones == (("1", READ),)
    assert (settings.before, settings.after, settings.record) == (0.0, 60.0, False)


def test_words_override_a_table() -> None:
    base = MotionSettings(sensitivity=20, after=3)
    assert MotionSettings.from_words(["after=7s"], base) == MotionSettings(sensitivity=20, after=7)


def test_zones_have_the_names_of_a_table_or_numbers() -> None:
    named = read_motion({"zones": {"drive": TRIANGLE, "path": [TRIANGLE, TRIANGLE]}})
    assert named["zones"] == (("drive", READ), ("path", READ), ("path", READ))
    numbered = read_motion({"zones": [TRIANGLE, TRIANGLE]})
    assert numbered["zones"] == (("1", READ), ("2", READ))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sensitivity=0", "from 1 to 100"),
        ("min_area=0", "from 0.01 to 100"),
        ("before=-1", "not a duration"),
        ("record=perhaps", "on or off"),
        ("zones=0,0 1,1", "3 to 100 corners"),
        ("zones=0,0 1,1 2,0", "is not a point of the picture"),
        ("zones=0,0 1,1 x,0", "is not a point of the picture"),
        ("zones=[[0,0],", "is not valid JSON"),
        ("ignore=5", "3 to 100 corners"),
        ("source=nothing", "is not a source"),
        ("source=pattern:?size=big", "size='big'"),
        ("when=sometimes", "when='sometimes' is not valid"),
        ("sensitvity=5", "did you mean 'sensitivity'?"),
        ("on", "write it as NAME=VALUE"),
    ],
)
def test_a_wrong_setting_is_one_clear_error(word: str, message: str) -> None:
    with pytest.raises(BadArgument, match=message.replace("?", r"\?")):
        MotionSettings.from_words([word])
