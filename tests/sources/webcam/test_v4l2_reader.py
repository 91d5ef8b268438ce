"""The reader of V4L2 devices, with a stream that a test plays."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from tests.fakecam import encode_h264, moving_picture
from twistedcam.errors import CameraFailed
from twistedcam.sources.base import RawPacket, RawPicture
from twistedcam.sources.webcam import v4l2_reader
from twistedcam.sources.webcam.v4l2 import Driver, Mode, four_letters, pixel_format
from twistedcam.sources.webcam.v4l2_reader import V4l2Reader, can_read
from twistedcam.sources.webcam.v4l2_stream import FilledBuffer, GrantedFormat

MODES = [Mode("S910", 6, 4, ()), Mode("UYVY", 6, 4, (25.0,)), Mode("MJPG", 6, 4, (25.0,))]


class Stream:
    """A VideoStream that gives what a test wants."""

    def __init__(self, driver: Driver) -> None:
        self.grants: dict[str, str] = {}
        self.refuses: dict[str, int] = {}
        self.requested: list[str] = []
        self.start_fails = self.count = 0
        self.buffers: list[FilledBuffer | OSError] = []
        self.is_stopped = False

    def configure(self, number: int, size: tuple[int, int], fps: float) -> GrantedFormat:
        name = four_letters(number)
        self.requested.append(name)
        if name in self.refuses:
            raise OSError(self.refuses[name], os.strerror(self.refuses[name]))
        return GrantedFormat(pixel_format(self.grants.get(name, name)), *size, 0, fps)

    def start(self, buffers: int) -> None:
        self.count = buffers
        if self.start_fails:
            raise OSError(self.start_fails, os.strerror(self.start_fails))

    def wait(self, seconds: float) -> bool:
        return bool(self.buffers)

    def take(self) -> FilledBuffer:
        found = self.buffers.pop(0)
        if isinstance(found, OSError):
            raise found
        return found

    def stop(self) -> None:
        self.is_stopped = True


class Rig:
    """A reader of a device's file, and its stream."""

    def __init__(self, path: Path, modes: list[Mode]) -> None:
        self.path = str(path)
        self.driver = Driver(self.path)
        self.reader = V4l2Reader(self.path, self.driver, modes)
        stream = self.reader._stream
        assert isinstance(stream, Stream)
        self.stream = stream

    def keyframes(self, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        """A list that grows with each request for a key frame."""
        requests: list[bool] = []
        monkeypatch.setattr(self.driver, "request_keyframe", lambda: requests.append(True))
        return requests

    def open(self, code: str | None = "MJPG") -> V4l2Reader:
        assert self.reader.open(code, (6, 4), 25) == (6, 4, 25)
        return self.reader

    def read(self, *buffers: FilledBuffer | OSError) -> RawPicture | None:
        found = self.read_any(*buffers)
        assert not isinstance(found, RawPacket)
        return found

    def read_any(self, *buffers: FilledBuffer | OSError) -> RawPicture | RawPacket | None:
        self.stream.buffers.extend(buffers)
        return self.reader.read()

    @property
    def is_closed(self) -> bool:
        try:
            os.fstat(self.driver.fd)
        except OSError:
            return self.stream.is_stopped
        return False


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(v4l2_reader, "VideoStream", Stream)
    path = tmp_path / "video0"
    path.touch()
    return Rig(path, MODES)


def filled(sequence: int = 0, data: bytes = b"jpeg", is_damaged: bool = False) -> FilledBuffer:
    return FilledBuffer(data, time.monotonic() - 0.5, sequence, is_damaged)


def test_a_jpeg_passes_with_the_granted_size_and_the_driver_s_time(rig: Rig) -> None:
    rig.open()
    picture = rig.read(filled())
    assert picture is not None
    assert (picture.jpeg, picture.size, picture.fault) == (b"jpeg", (6, 4), "")
    assert time.time() - picture.time == pytest.approx(0.5, abs=0.2)
    untimed = rig.read(FilledBuffer(b"jpeg", 0.0, 1, False))
    assert untimed is not None
    assert time.time() - untimed.time == pytest.approx(0, abs=0.2)
    rig.reader.close()
    assert rig.is_closed
    rig.reader.close()


def test_raw_pictures_are_converted_and_short_ones_are_faults(rig: Rig) -> None:
    rig.open("UYVY")
    whole, short = rig.read(filled(data=bytes([128]) * 48)), rig.read(filled(1, bytes(47)))
    assert whole is not None
    assert whole.image is not None
    assert whole.image.shape == (4, 6, 3)
    assert short is not None
    assert short.fault == "a picture of 47 bytes: 6x4 UYVY has more"
    rig.reader.close()


def test_damaged_and_empty_buffers_are_faults(rig: Rig) -> None:
    rig.open()
    for buffer in (filled(is_damaged=True), filled(1, b"")):
        picture = rig.read(buffer)
        assert picture is not None
        assert (picture.jpeg, picture.fault) == (None, "the driver reports a damaged picture")
    rig.reader.close()


@pytest.mark.parametrize(
    ("sequences", "lost"),
    [
        ((7, 8, 9), 0),
        ((7, 9, 12), 3),
        ((0xFFFFFFFE, 0), 1),
        ((7, 7), 0),  # the driver does not count
        ((500, 0, 2), 1),  # it has begun anew
    ],
)
def test_lost_pictures_are_counted_by_the_driver_s_numbers(
    sequences: tuple[int, ...], lost: int, rig: Rig
) -> None:
    rig.open()
    for sequence in sequences:
        assert rig.read(filled(sequence)) is not None
    assert rig.reader.lost == lost
    rig.reader.close()


def test_a_gap_among_skipped_pictures_counts_too(rig: Rig) -> None:
    reader = rig.open()
    rig.stream.buffers = [filled(1), filled(4)]
    assert reader.skip()
    assert reader.skip()
    assert not reader.skip()
    assert reader.lost == 2
    reader.close()


def test_h264_is_packets_and_after_a_loss_the_next_key_frame_is_requested(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    units, requests = encode_h264(moving_picture(64, 48, 8), 4), rig.keyframes(monkeypatch)
    reader = rig.open("H264")
    assert rig.stream.count == 8
    assert not reader.skip()  # the first key frame would be lost

    def read(index: int, is_damaged: bool = False) -> RawPicture | RawPacket | None:
        return rig.read_any(filled(index, units[index % 8], is_damaged))

    assert [type(read(index)) for index in (0, 1)] == [RawPacket, RawPacket]
    assert requests == []
    assert read(3) is None  # the second one is lost
    assert requests == [True]
    packet = read(4)
    assert isinstance(packet, RawPacket)
    assert packet.is_keyframe
    damaged = read(5, is_damaged=True)
    assert isinstance(damaged, RawPicture)
    assert damaged.fault == "the driver reports a damaged picture"
    assert [read(index) for index in (6, 7)] == [None, None]
    garbage = rig.read_any(filled(8, b"garbage"))
    assert isinstance(garbage, RawPicture)
    assert garbage.fault == "7 bytes from the driver without a unit of video"
    assert len(requests) == 3
    assert reader.lost == 1
    reader.close()


def test_h264_is_the_last_format_that_is_taken_unasked(rig: Rig) -> None:
    rig.reader._modes = [Mode("H264", 6, 4, ()), Mode("GREY", 6, 4, ())]
    assert rig.open(None).code == "GREY"
    rig.reader._modes = rig.reader._modes[:1]
    assert rig.open(None).code == "H264"
    rig.reader.close()


def test_silence_and_an_early_wake_up_are_no_picture(rig: Rig) -> None:
    rig.open()
    assert rig.read() is None
    assert rig.read(BlockingIOError(errno.EAGAIN, "later")) is None
    rig.reader.close()


def test_the_next_format_is_requested_if_the_granted_one_cannot_be_read(rig: Rig) -> None:
    rig.stream.grants = {"MJPG": "S910"}
    assert rig.open().code == "UYVY"
    assert rig.stream.requested == ["MJPG", "UYVY"]
    rig.reader.close()


def test_a_format_that_the_driver_refuses_is_passed_over(rig: Rig) -> None:
    rig.stream.refuses = {"YUYV": errno.EINVAL}
    assert rig.open("YUYV").code == "MJPG"
    rig.stream.refuses = dict.fromkeys(("MJPG", "UYVY"), errno.EINVAL)
    with pytest.raises(CameraFailed, match="has no format that can be read"):
        rig.reader.open("MJPG", (6, 4), 25)
    rig.stream.refuses = {"MJPG": errno.EBUSY}
    with pytest.raises(CameraFailed, match="is in use"):
        rig.reader.open("MJPG", (6, 4), 25)
    assert rig.is_closed


def test_without_a_requested_format_the_first_readable_one_is_taken(rig: Rig) -> None:
    rig.reader._modes = MODES[:2]
    assert rig.open(None).code == "UYVY"
    rig.reader.close()


def test_no_readable_format_is_an_error_that_lists_what_there_is(rig: Rig) -> None:
    rig.stream.grants = dict.fromkeys(("MJPG", "UYVY"), "S910")
    with pytest.raises(CameraFailed, match="has no format that can be read: it has S910 6x4, UYVY"):
        rig.reader.open("MJPG", (6, 4), 25)
    rig.reader.close()
    assert can_read(MODES)
    assert can_read([])
    assert not can_read(MODES[:1])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, "the USB bus has no bandwidth left"),
        (errno.EBUSY, "is in use by another program"),
        (errno.ENODEV, "is it plugged in"),
        (errno.EINVAL, "is not a camera that delivers pictures, or it is in use"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_driver_that_refuses_is_closed_and_explained(code: int, message: str, rig: Rig) -> None:
    rig.stream.start_fails = code
    with pytest.raises(CameraFailed, match=message):
        rig.reader.open("MJPG", (6, 4), 25)
    assert rig.is_closed


def test_a_device_that_fails_is_told_from_one_that_was_unplugged(rig: Rig) -> None:
    rig.open()
    with pytest.raises(CameraFailed, match=f"^{rig.path} delivers no more pictures$"):
        rig.read(OSError(errno.EIO, "Input/output error"))
    with pytest.raises(CameraFailed, match=f"^{rig.path} was unplugged$"):
        rig.read(OSError(errno.ENODEV, "No such device"))
    os.unlink(rig.path)
    with pytest.raises(CameraFailed, match=f"^{rig.path} was unplugged$"):
        rig.read(OSError(errno.EIO, "Input/output error"))
    rig.reader.close()
