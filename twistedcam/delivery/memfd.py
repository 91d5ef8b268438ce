"""A frame as a file in memory, which the kernel sends without copying it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import final

from twistedcam.media.frame import Frame
from twistedcam.runtime.file_limits import spare


@final
class Memfd:
    """Bytes in a memory file (memfd_create(2)); closed when nobody holds this object any more.

    Pages of it may be on their way through the kernel after the last send, and after the file
    is closed. They are never written again: each frame has a file of its own.

    Arguments:
        data: what is in it.

    Raises:
        OSError: there is no file to be had, or no memory.
    """

    __slots__ = ("fd", "size")

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self.fd = spare(os.memfd_create("frame", os.MFD_CLOEXEC))
        written = 0
        while written < self.size:
            written += os.write(self.fd, data[written:] if written else data)

    @classmethod
    def adopt(cls, fd: int) -> Memfd:
        """One that another process made, and whose descriptor came from there."""
        self = cls.__new__(cls)
        self.fd = fd
        self.size = os.fstat(fd).st_size
        return self

    def __del__(self) -> None:
        fd, self.fd = getattr(self, "fd", -1), -1
        if fd >= 0:
            os.close(fd)


@cache
def as_memfd(serializer: Callable[[Frame], bytes]) -> Callable[[Frame], Memfd]:
    """Gives a frame in that form as a memory file; for ``frame.shared``."""

    def make(frame: Frame) -> Memfd:
        return Memfd(serializer(frame))

    return make
