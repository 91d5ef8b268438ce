"""The ioctls of V4L2, with a driver that the test plays."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from twistedcam.sources.webcam.v4l2 import Control, Driver, Mode, four_letters

SEVERAL_PLANES = 0x1000
CAPTURE, STREAMING, DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
MJPG = int.from_bytes(b"MJPG", "little")
#: Numbers of requests (linux/videodev2.h).
QUERYCAP, ENUM_FMT, G_FMT, S_FMT, REQBUFS, STREAMON, STREAMOFF = 0, 2, 4, 5, 8, 18, 19
G_CTRL, S_CTRL, QUERYCTRL, QUERYMENU, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 27, 28, 36, 37, 74, 75


def refusing(code: int) -> OSError:
    return OSError(code, os.strerror(code))


class Played(Driver):
    """A driver whose answers are ``answers[number](data)``; EINVAL if there is none."""

    def __init__(self, **_: object) -> None:
        self.answers: dict[int, Callable[[bytearray], bytes]] = {}
        self.buffer_type = 1

    def call(self, access: int, number: int, data: bytearray) -> bytearray:
        if number not in self.answers:
            raise refusing(errno.EINVAL)
        data[:] = self.answers[number](data)
        return data


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
        # The other node of the device has the capability.
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
def test_a_camera_is_recognized_by_its_capabilities(
    capabilities: int, device: int, what: str
) -> None:
    driver = Played()
    driver.answers[QUERYCAP] = capability(capabilities, device)
    assert driver.no_camera() == what


def test_the_buffer_type_of_several_planes_is_used_where_it_is_the_only_one() -> None:
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
    """An answer to the item of that number in a list, and none to others."""

    def give(data: bytearray) -> bytes:
        if struct.unpack_from("=I", data)[0] != number:
            raise refusing(errno.EINVAL)
        return answer

    return give


def test_the_largest_of_a_range_of_sizes_and_rates_is_listed() -> None:
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


def test_an_error_of_the_driver_is_not_the_end_of_a_list() -> None:
    driver = Played()

    def fail(_: bytearray) -> bytes:
        raise refusing(errno.EIO)

    driver.answers[ENUM_FMT] = driver.answers[QUERYCTRL] = fail
    with pytest.raises(OSError, match="Input/output"):
        driver.modes()
    with pytest.raises(OSError, match="Input/output"):
        driver.controls()


def test_disabled_controls_and_controls_without_a_number_are_not_listed() -> None:
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


def test_a_big_endian_format_has_its_own_name() -> None:
    assert four_letters(0x56595559) == "YUYV"
    assert four_letters(int.from_bytes(b"Y16 ", "little") | 1 << 31) == "Y16-BE"


def note(requests: list[int], number: int) -> Callable[[bytearray], bytes]:
    """An answer that notes the number of the request."""

    def give(data: bytearray) -> bytes:
        requests.append(number)
        return data

    return give


@pytest.mark.parametrize(("code", "is_busy"), [(errno.EBUSY, True), (errno.EIO, False), (0, False)])
def test_a_device_is_busy_if_its_own_format_cannot_be_set(code: int, is_busy: bool) -> None:
    driver = Played()
    formats: list[bytes] = []
    driver.answers[G_FMT] = lambda data: data[:4] + b"the current format".ljust(len(data) - 4)

    def set_format(data: bytearray) -> bytes:
        formats.append(bytes(data[4:22]))
        if code:
            raise refusing(code)
        return data

    driver.answers[S_FMT] = set_format
    assert driver.is_busy() == is_busy
    assert formats == [b"the current format"]


def test_buffers_are_released_after_a_trial_of_streaming() -> None:
    driver, requests = Played(), list[int]()
    counts: list[int] = []

    def buffers(data: bytearray) -> bytes:
        counts.append(struct.unpack_from("=I", data)[0])
        return data

    def fail(_: bytearray) -> bytes:
        raise refusing(errno.ENOSPC)

    driver.answers = {REQBUFS: buffers, STREAMON: fail, STREAMOFF: note(requests, STREAMOFF)}
    with pytest.raises(OSError, match="No space"):
        driver.try_to_stream()
    assert (counts, requests) == ([2, 0], [])
    driver.answers[STREAMON] = note(requests, STREAMON)
    driver.try_to_stream()
    assert (counts, requests) == ([2, 0, 2, 0], [STREAMON, STREAMOFF])


def test_a_menu_has_the_words_or_numbers_of_its_entries() -> None:
    kinds = {1: (3, b"Exposure, Auto", 3), 2: (9, b"Link Frequency", 1)}
    entries = {
        (1, 1): b"Manual Mode".ljust(32, b"\0"),
        (1, 3): b"Aperture Priority".ljust(32, b"\0"),
        (2, 0): struct.pack("=q", 400_000_000).ljust(32, b"\0"),
    }

    def query(data: bytearray) -> bytes:
        number = (struct.unpack_from("=I", data)[0] & 0x7FFFFFFF) + 1
        if number not in kinds:
            raise refusing(errno.EINVAL)
        kind, name, high = kinds[number]
        return struct.pack("=2I32s4i3I", number, kind, name, 0, high, 1, 0, 0x10, 0, 0)

    def menu(data: bytearray) -> bytes:
        control, index = struct.unpack_from("=2I", data)
        if (control, index) not in entries:
            raise refusing(errno.EINVAL)
        return struct.pack("=2I32sI", control, index, entries[control, index], 0)

    driver = Played()
    driver.answers = {QUERYCTRL: query, QUERYMENU: menu}
    exposure, link = driver.controls()
    assert exposure == Control(
        1,
        "exposure_auto",
        "menu",
        0,
        3,
        1,
        0,
        {1: "Manual Mode", 3: "Aperture Priority"},
        active=False,
        writable=True,
    )
    assert (link.name, link.kind) == ("link_frequency", "integer menu")
    assert link.menu == {0: "400000000"}


def test_a_set_value_is_the_one_that_the_device_accepted() -> None:
    driver = Played()
    values = {7: 5}

    def put(data: bytearray) -> bytes:
        number, value = struct.unpack("=Ii", data)
        values[number] = min(value, 9)
        return data

    driver.answers[S_CTRL] = put
    driver.answers[G_CTRL] = lambda data: data[:4] + struct.pack("=i", values[7])
    gain = Control(7, "gain", "integer", -9, 9, 1, 0, {}, True, True)
    assert driver.get(gain) == 5
    assert driver.set(gain, 12) == 9
    assert driver.set(gain, -3) == -3


@pytest.mark.skipif(struct.calcsize("P") != 8, reason="struct v4l2_format has a pointer inside")
def test_the_requests_are_those_of_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: set[int] = set()

    def ioctl(_: int, request: int, data: bytearray) -> None:
        requests.add(request)
        match request & 0xFF:
            case 0:
                capabilities = CAPTURE | STREAMING
                data[:] = struct.pack(
                    "=16s32s32s6I", b"uvc", b"Cam", b"usb-1", 0, capabilities, 0, 0, 0, 0
                )
            case 36 if struct.unpack_from("=I", data)[0] != 0x80000000:
                raise refusing(errno.EINVAL)
            case 36:
                data[:] = struct.pack("=2I32s4i3I", 1, 3, b"Menu", 0, 0, 1, 0, 0, 0, 0)
            case 2 | 74 | 75 if struct.unpack_from("=I", data)[0]:
                raise refusing(errno.EINVAL)

    monkeypatch.setattr("twistedcam.sources.webcam.v4l2.fcntl.ioctl", ioctl)
    path = tmp_path / "video0"
    path.touch()
    with Driver(str(path)) as driver:
        assert (driver.no_camera(), driver.bus()) == ("", "usb-1")
        driver.modes()
        (control,) = driver.controls()
        driver.set(control, 0)
        driver.request_keyframe()
        assert not driver.is_busy()
        driver.try_to_stream()
    assert requests == {
        0x80685600,  # VIDIOC_QUERYCAP
        0xC0405602,  # VIDIOC_ENUM_FMT
        0xC0D05604,  # VIDIOC_G_FMT
        0xC0D05605,  # VIDIOC_S_FMT
        0xC0145608,  # VIDIOC_REQBUFS
        0x40045612,  # VIDIOC_STREAMON
        0x40045613,  # VIDIOC_STREAMOFF
        0xC008561B,  # VIDIOC_G_CTRL
        0xC008561C,  # VIDIOC_S_CTRL
        0xC0445624,  # VIDIOC_QUERYCTRL
        0xC02C5625,  # VIDIOC_QUERYMENU
        0xC02C564A,  # VIDIOC_ENUM_FRAMESIZES
        0xC034564B,  # VIDIOC_ENUM_FRAMEINTERVALS
    }
