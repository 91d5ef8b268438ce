"""The stream of a V4L2 device, with a kernel that answers as a test wants."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable, Iterator

import pytest

from twistedcam.sources.webcam import v4l2
from twistedcam.sources.webcam.v4l2 import Driver, pixel_format
from twistedcam.sources.webcam.v4l2_stream import VideoStream

pytestmark = pytest.mark.skipif(
    struct.calcsize("P") != 8, reason="the kernel here has the structures of 64-bit systems"
)

S_FMT, REQBUFS, QUERYBUF, QBUF, DQBUF = 0xC0D05605, 0xC0145608, 0xC0585609, 0xC058560F, 0xC0585611
STREAMON, STREAMOFF, G_PARM, S_PARM = 0x40045612, 0x40045613, 0xC0CC5615, 0xC0CC5616
PAGE = 4096
#: The bytes before a buffer's data in the kernel with two planes.
BEFORE = 3


class Kernel:
    """A device with buffers of one page for each plane, in a file."""

    def __init__(self, planes: int) -> None:
        self.planes = planes
        self.kind = 1 if planes == 1 else 9
        self.fd = os.memfd_create("buffers")
        self.queued: list[int] = []
        self.calls: list[int] = []
        self.fails: dict[int, int] = {}
        self.can_set_rate = True
        self.interval = (1, 30)
        self.flags = 0

    def fill(self, index: int, plane: int, data: bytes) -> None:
        os.pwrite(self.fd, data, (index * self.planes + plane) * PAGE)

    def ioctl(self, _: int, request: int, data: bytearray) -> None:
        self.calls.append(request)
        if code := self.fails.get(request):
            raise OSError(code, os.strerror(code))
        kind_at = 0 if request in (S_FMT, STREAMON, STREAMOFF, G_PARM, S_PARM) else 4
        assert struct.unpack_from("=I", data, kind_at)[0] == self.kind
        handlers: dict[int, Callable[[bytearray], None]] = {
            S_FMT: self._set_format,
            REQBUFS: self._request,
            QUERYBUF: self._query,
            QBUF: lambda data: self.queued.append(struct.unpack_from("=I", data)[0]),
            DQBUF: self._dequeue,
            G_PARM: self._parameters,
            S_PARM: self._set_parameters,
        }
        if request in handlers:
            handlers[request](data)

    def _set_format(self, data: bytearray) -> None:
        assert struct.unpack_from("=3I", data, 8) == (640, 480, pixel_format("NV12"))
        if self.planes == 1:
            struct.pack_into("=6I", data, 8, 320, 240, pixel_format("NV12"), 1, 384, 1000)
        else:
            struct.pack_into("=5I", data, 8, 320, 240, pixel_format("NM12"), 1, 0)
            struct.pack_into("=2I", data, 28, 1000, 384)
            data[188] = self.planes

    def _request(self, data: bytearray) -> None:
        count = struct.unpack_from("=I", data)[0]
        os.ftruncate(self.fd, count * self.planes * PAGE)

    def _query(self, data: bytearray) -> None:
        index = struct.unpack_from("=I", data)[0]
        if self.planes == 1:
            struct.pack_into("=Q", data, 64, index * PAGE)
            struct.pack_into("=I", data, 72, PAGE)
            return
        for plane in range(self.planes):
            at = (index * self.planes + plane) * PAGE
            self._plane(data, plane, struct.pack("=2IQI", 0, PAGE, at, 0))

    def _dequeue(self, data: bytearray) -> None:
        assert struct.unpack_from("=I", data, 60)[0] == 1  # V4L2_MEMORY_MMAP
        if not self.queued:
            raise BlockingIOError(errno.EAGAIN, "later")
        index = self.queued.pop(0)
        struct.pack_into("=4I", data, 0, index, self.kind, 5, self.flags)
        struct.pack_into("=2q", data, 24, 12, 500_000)
        struct.pack_into("=I", data, 56, 40 + index)
        if self.planes > 1:
            for plane in range(self.planes):
                self._plane(data, plane, struct.pack("=2IQI", BEFORE + 5, PAGE, 0, BEFORE))

    def _plane(self, data: bytearray, plane: int, fields: bytes) -> None:
        """Write a structure v4l2_plane, where the buffer says."""
        address, count = struct.unpack_from("=QI", data, 64)
        assert count == self.planes
        ctypes.memmove(address + 64 * plane, fields, len(fields))

    def _parameters(self, data: bytearray) -> None:
        struct.pack_into("=4I", data, 4, 0x1000 * self.can_set_rate, 0, *self.interval)

    def _set_parameters(self, data: bytearray) -> None:
        self.interval = struct.unpack_from("=2I", data, 12)


@pytest.fixture(params=[1, 2], ids=["one plane", "two planes"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    made = Kernel(request.param)
    monkeypatch.setattr("twistedcam.sources.webcam.v4l2.fcntl.ioctl", made.ioctl)
    yield made
    os.close(made.fd)


@pytest.fixture
def stream(kernel: Kernel) -> Iterator[VideoStream]:
    with Driver(f"/proc/self/fd/{kernel.fd}") as driver:
        driver.buffer_type = kernel.kind
        made = VideoStream(driver)
        yield made
        made.stop()


def configured(stream: VideoStream, fps: float = 25.0) -> VideoStream:
    stream.configure(pixel_format("NV12"), (640, 480), fps)
    return stream


def test_the_granted_format_is_read_back(kernel: Kernel, stream: VideoStream) -> None:
    granted = stream.configure(pixel_format("NV12"), (640, 480), 25.0)
    name = v4l2.four_letters(granted.pixel_format)
    assert name == ("NV12" if kernel.planes == 1 else "NM12")
    assert granted[1:] == (320, 240, 384, 25.0)


@pytest.mark.parametrize(
    ("fps", "interval"), [(30, (1, 30)), (7.5, (2, 15)), (29.97, (100, 2997)), (0.1, (10, 1))]
)
def test_the_interval_of_a_rate_is_exact(
    fps: float, interval: tuple[int, int], kernel: Kernel, stream: VideoStream
) -> None:
    configured(stream, fps)
    assert kernel.interval == interval


def test_a_driver_may_have_a_rate_of_its_own_or_none(kernel: Kernel, stream: VideoStream) -> None:
    kernel.can_set_rate = False
    assert stream.configure(pixel_format("NV12"), (640, 480), 10).fps == 30
    kernel.fails[G_PARM] = errno.ENOTTY
    assert stream.configure(pixel_format("NV12"), (640, 480), 10).fps == 0


def test_pictures_are_taken_in_order_and_their_buffers_are_given_back(
    kernel: Kernel, stream: VideoStream
) -> None:
    configured(stream).start(4)
    assert kernel.queued == [0, 1, 2, 3]
    for index in (0, 1):
        for plane in range(kernel.planes):
            gap = b"" if kernel.planes == 1 else b"gap"
            kernel.fill(index, plane, gap + b"<%d/%d>rest" % (index, plane))
    kernel.flags = 0x40
    assert stream.wait(1)
    first, second = stream.take(), stream.take()
    assert (first.time, first.sequence, first.is_damaged) == (12.5, 40, True)
    for index, filled in enumerate((first, second)):
        expected = [b"<%d/%d>" % (index, plane) for plane in range(kernel.planes)]
        assert filled.data == b"".join(expected)
    assert kernel.queued == [2, 3, 0, 1]


def test_without_a_picture_the_driver_says_later(kernel: Kernel, stream: VideoStream) -> None:
    configured(stream).start(4)
    kernel.queued.clear()
    with pytest.raises(BlockingIOError):
        stream.take()


def test_a_device_that_is_gone_can_be_stopped(kernel: Kernel, stream: VideoStream) -> None:
    configured(stream).start(4)
    kernel.fails = dict.fromkeys((STREAMOFF, REQBUFS, DQBUF), errno.ENODEV)
    with pytest.raises(OSError, match="No such device"):
        stream.take()
    stream.stop()
    stream.stop()
