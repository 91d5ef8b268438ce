"""What a driver says of modes and controls, and what it refuses, with one that a test plays."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable

import pytest

from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources.webcam.controls import turn
from twistedcam.sources.webcam.open_errors import InUse, explain
from twistedcam.sources.webcam.v4l2 import Control, Driver, Mode

SEVERAL_PLANES = 0x1000
CAPTURE, STREAMING, DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
MJPG = int.from_bytes(b"MJPG", "little")
#: What the requests' numbers ask (linux/videodev2.h).
QUERYCAP, ENUM_FMT, QUERYCTRL, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0, 2, 36, 74, 75


def refusing(code: int) -> OSError:
    return OSError(code, os.strerror(code))


class Played(Driver):
    """A driver whose answers are ``answers[number](data)``; what is not there gives EINVAL."""

    def __init__(self, **_: object) -> None:
        self.answers: dict[int, Callable[[bytearray], bytes]] = {}
        self._type = 1

    def _ask(self, access: int, number: int, data: bytearray) -> bytearray:
        if number not in self.answers:
            raise refusing(errno.EINVAL)
        return bytearray(self.answers[number](data))


def capability(capabilities: int, device: int = 0) -> Callable[[bytearray], bytes]:
    return lambda _: struct.pack(
        "=16s32s32s6I", b"odd", b"Odd", b"", 0, capabilities, device, 0, 0, 0
    )


@pytest.mark.parametrize(
    ("capabilities", "device", "what"),
    [
        (CAPTURE | STREAMING, 0, ""),
        (SEVERAL_PLANES | STREAMING, 0, ""),
        (CAPTURE, 0, "a camera without streaming (read() alone), which is not supported"),
        # The other node of the device has it.
        (CAPTURE | STREAMING | DEVICE_CAPS, 0, "no camera"),
        (STREAMING | DEVICE_CAPS, CAPTURE | STREAMING, ""),
        (0xA00000 | STREAMING, 0, "a camera's second device, for metadata"),
        (
            0x4000 | STREAMING,
            0,
            "a codec or converter that needs pictures itself (memory to memory)",
        ),
        (
            0x8000 | STREAMING,
            0,
            "a codec or converter that needs pictures itself (memory to memory)",
        ),
        (0x2000 | STREAMING, 0, "a video output"),
        (0x10 | STREAMING, 0, "for teletext and captions (VBI)"),
    ],
)
def test_a_camera_is_what_gives_pictures(capabilities: int, device: int, what: str) -> None:
    driver = Played()
    driver.answers[QUERYCAP] = capability(capabilities, device)
    assert driver.no_camera() == what


def test_a_camera_whose_pictures_have_several_planes_is_asked_for_those() -> None:
    driver = Played()
    driver.answers[QUERYCAP] = capability(SEVERAL_PLANES | STREAMING)
    asked: list[int] = []

    def modes(data: bytearray) -> bytes:
        asked.append(struct.unpack_from("=2I", data)[1])
        raise refusing(errno.EINVAL)

    driver.answers[ENUM_FMT] = modes
    assert driver.no_camera() == ""
    assert driver.modes() == []
    assert asked == [9]  # V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE


def first(number: int, answer: bytes) -> Callable[[bytearray], bytes]:
    """An answer to the first in a list, and none to those behind it."""

    def give(data: bytearray) -> bytes:
        if struct.unpack_from("=I", data)[0] != number:
            raise refusing(errno.EINVAL)
        return answer

    return give


def test_of_a_range_of_sizes_and_rates_the_largest_are_listed() -> None:
    driver = Played()
    driver.answers[ENUM_FMT] = first(
        0, struct.pack("=3I32s5I", 0, 1, 0, b"Motion-JPEG", MJPG, 0, 0, 0, 0)
    )
    stepwise = struct.pack("=3I6I2I", 0, MJPG, 3, 16, 1920, 8, 16, 1080, 8, 0, 0)
    driver.answers[ENUM_FRAMESIZES] = lambda _: stepwise
    between = struct.pack("=5I6I2I", 0, MJPG, 1920, 1080, 2, 1, 60, 1, 1, 0, 0, 0, 0)
    driver.answers[ENUM_FRAMEINTERVALS] = lambda _: between
    assert driver.modes() == [Mode("MJPG", 1920, 1080, (60.0,))]
    del driver.answers[ENUM_FRAMEINTERVALS]
    assert list(map(str, driver.modes())) == ["MJPG 1920x1080"]


def test_a_driver_that_fails_in_the_middle_is_no_end_of_the_list() -> None:
    driver = Played()

    def fail(_: bytearray) -> bytes:
        raise refusing(errno.EIO)

    driver.answers[ENUM_FMT] = driver.answers[QUERYCTRL] = fail
    with pytest.raises(OSError, match="Input/output"):
        driver.modes()
    with pytest.raises(OSError, match="Input/output"):
        driver.controls()


def test_controls_that_hold_no_number_or_are_off_are_left_out() -> None:
    listed = [(1, 1, 0), (2, 4, 0), (3, 1, 0x1), (4, 1, 0x40), (5, 1, 0x4)]

    def give(data: bytearray) -> bytes:
        after = struct.unpack_from("=I", data)[0] & 0x7FFFFFFF
        for number, kind, flags in listed:
            if number > after:
                name = f"Control, {number}".encode()
                return struct.pack("=2I32s4i3I", number, kind, name, 0, 9, 1, 5, flags, 0, 0)
        raise refusing(errno.EINVAL)

    driver = Played()
    driver.answers[QUERYCTRL] = give
    found = driver.controls()
    assert [(each.name, each.writable) for each in found] == [
        ("control_1", True),
        ("control_5", False),
    ]


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
    turn(panel, name, text)
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
        ([control("gain", active=False)], "gain", "1", NotSupported, "ruled by another"),
    ],
)
def test_what_cannot_be_set_is_said_and_nothing_is_turned(
    controls: list[Control], name: str, text: str, error: type[Exception], message: str
) -> None:
    panel = Panel(*controls)
    with pytest.raises(error, match=message):
        turn(panel, name, text)
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
        turn(panel, "gain", "1")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENODEV, "is it plugged in"),
        (errno.EPERM, "add the user to the group 'video'"),
        (errno.ENOTTY, "does not speak V4L2"),
        (errno.EBUSY, "in use by another program, which this user may not see"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_why_a_device_cannot_be_opened_is_said_with_what_to_do(code: int, message: str) -> None:
    said = explain("/dev/video-of-nobody", refusing(code))
    assert message in str(said)
    assert isinstance(said, InUse) == (code == errno.EBUSY)
