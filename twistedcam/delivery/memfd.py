"""A frame as a memory file, which the kernel sends without copying it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import final

from twistedcam.media.frame import Frame
from twistedcam.runtime.file_limits import check_reserve


@final
class Memfd:
    """Bytes in a memory file (memfd_create(2)), which is closed with the last reference.

    The kernel may still send pages of it after the last call of sendfile, and after it is closed.
    They are never overwritten: each frame has a file of its own.

    Raises:
        OSError: no file descriptor or no memory is available.
    """

    __slots__ = ("fd", "size")

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self.fd = check_reserve(os.memfd_create("frame", os.MFD_CLOEXEC))
        written = 0
        while written < self.size:
            written += os.write(self.fd, data[written:] if written else data)

    @classmethod
    def adopt(cls, fd: int) -> Memfd:
        """Return a memory file that another process made, from its descriptor."""
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
    """Return a function for ``frame.shared`` that puts the serialized frame in a memory file."""

    def make(frame: Frame) -> Memfd:
        return Memfd(serializer(frame))

    return make
