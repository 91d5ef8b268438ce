"""The controls of a webcam, with a driver that the test plays."""

from __future__ import annotations

import errno
import os

import pytest

from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources.webcam.controls import set_control
from twistedcam.sources.webcam.v4l2 import Control, Driver


def refusing(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def control(
    name: str,
    kind: str = "integer",
    menu: dict[int, str] | None = None,
    active: bool = True,
    writable: bool = True,
) -> Control:
    return Control(0, name, kind, 0, 9, 1, 5, menu or {}, active, writable)


AUTO_EXPOSURE = control("auto_exposure", "menu", {1: "Manual Mode", 3: "Aperture Priority Mode"})


class Panel(Driver):
    """A driver with these controls; ``turned`` says which were set, and to what."""

    def __init__(self, *controls: Control) -> None:
        self._controls = list(controls)
        self.turned: list[tuple[str, int]] = []
        self.error: OSError | None = None

    def controls(self) -> list[Control]:
        return self._controls

    def set(self, control: Control, value: int) -> int:
        if self.error is not None:
            raise self.error
        self.turned.append((control.name, value))
        return value


@pytest.mark.parametrize(
    ("controls", "name", "text", "turned"),
    [
        ([control("hflip", "boolean")], "hflip", "ON", [("hflip", 1)]),
        ([control("gain")], "gain", "9", [("gain", 9)]),
        (
            [control("exposure_absolute"), AUTO_EXPOSURE],
            "exposure",
            "auto",
            [("auto_exposure", 3)],
        ),
        (
            [control("exposure_time_absolute", active=False), AUTO_EXPOSURE],
            "exposure",
            "7",
            [("auto_exposure", 1), ("exposure_time_absolute", 7)],
        ),
        ([AUTO_EXPOSURE], "exposure_auto", "Manual mode", [("auto_exposure", 1)]),
        ([AUTO_EXPOSURE], "exposure_auto", "3", [("auto_exposure", 3)]),
        (
            [control("focus_absolute"), control("focus_automatic_continuous", "boolean")],
            "focus",
            "auto",
            [("focus_automatic_continuous", 1)],
        ),
    ],
)
def test_a_control_is_turned_by_its_word(
    controls: list[Control], name: str, text: str, turned: list[tuple[str, int]]
) -> None:
    panel = Panel(*controls)
    set_control(panel, name, text)
    assert panel.turned == turned


@pytest.mark.parametrize(
    ("controls", "name", "text", "error", "message"),
    [
        ([], "gain", "1", BadArgument, "no control 'gain': it has none at all"),
        ([control("gain")], "focus", "1", BadArgument, "no control 'focus': it has gain"),
        ([control("hflip", "boolean")], "hflip", "2", BadArgument, "on or off, not '2'"),
        ([control("gain")], "gain", "10", BadArgument, "a number from 0 to 9, not '10'"),
        ([control("gain")], "gain", "much", BadArgument, "a number from 0 to 9, not 'much'"),
        ([control("focus_absolute")], "focus", "auto", BadArgument, "a number from 0 to 9"),
        ([AUTO_EXPOSURE], "exposure_auto", "2", BadArgument, "one of manual_mode, aperture_"),
        ([control("gain", writable=False)], "gain", "1", NotSupported, "can only be read"),
        ([control("gain", active=False)], "gain", "1", NotSupported, "overridden by another"),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_is_turned(
    controls: list[Control], name: str, text: str, error: type[Exception], message: str
) -> None:
    panel = Panel(*controls)
    with pytest.raises(error, match=message):
        set_control(panel, name, text)
    assert panel.turned == []


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (errno.EACCES, NotSupported, "gain cannot be set now"),
        (errno.EBUSY, NotSupported, "gain cannot be set now"),
        (errno.EIO, CameraFailed, "gain = 1: Input/output error"),
    ],
)
def test_what_the_device_refuses_is_said(code: int, error: type[Exception], message: str) -> None:
    panel = Panel(control("gain"))
    panel.error = refusing(code)
    with pytest.raises(error, match=message):
        set_control(panel, "gain", "1")
