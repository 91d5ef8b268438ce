"""What the kernel has not taken of a frame yet."""

from __future__ import annotations

import os

from twistedcam.delivery.memfd import Memfd


class PartialSend:
    """The end of a memory file, from where the kernel took no more.

    Arguments:
        file: the frame.
        taken: how many bytes of it are the kernel's already.
    """

    __slots__ = ("_file", "_taken")

    def __init__(self, file: Memfd, taken: int) -> None:
        self._file = file
        self._taken = taken

    def __len__(self) -> int:
        return self._file.size - self._taken

    def send(self, fd: int) -> bool:
        """Give a socket as much as it takes now; whether that was the end.

        Raises:
            BlockingIOError: it takes nothing.
            OSError: the connection is no good any more.
        """
        self._taken += os.sendfile(fd, self._file.fd, self._taken, len(self))
        return not len(self)

    def read(self) -> bytes:
        """All of it."""
        return os.pread(self._file.fd, len(self), self._taken)
