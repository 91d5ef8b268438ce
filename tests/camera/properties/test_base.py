"""The fields of a property in an answer."""

from __future__ import annotations

from typing import Any

import pytest

from twistedcam.camera.properties.base import Property


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (Property("fps", 30.0), {"property": "fps", "value": 30.0}),
        (Property("fps", None), {"property": "fps", "value": None}),
        (Property("fps", 15.0, asked=30.0), {"property": "fps", "value": 15.0, "asked": 30.0}),
        (Property("fps", 30.0, asked=30.0), {"property": "fps", "value": 30.0}),
        (
            Property("hflip", False, writable=False),
            {"property": "hflip", "value": False, "writable": False},
        ),
        (
            Property("gain", 0, None, 0, 0, 9, 1, unit="dB", note="the automatic is on"),
            {
                "property": "gain",
                "value": 0,
                "default": 0,
                "low": 0,
                "high": 9,
                "step": 1,
                "unit": "dB",
                "note": "the automatic is on",
            },
        ),
        (
            Property("flip", "", choices=("", "h")),
            {"property": "flip", "value": "", "choices": ["", "h"]},
        ),
    ],
)
def test_unknown_fields_are_left_out(given: Property, fields: dict[str, Any]) -> None:
    assert given.as_dict() == fields
