"""Packets as memory files, which the kernel sends without copying them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from inspect import isfunction
from typing import Any, final
from weakref import ref

from twistedcam.media.packet import Packet
from twistedcam.runtime.file_limits import check_reserve

#: Bytes below which a copy to the kernel takes less time than a memory file (docs/delivery.md).
SMALL = 32 * 1024
#: Viewers of a large packet for whom copies take less time than a memory file (docs/delivery.md).
FEW = 4


@final
class Memfd:
    """Bytes in a memory file (memfd_create(2)), which is closed with the last reference.

    The kernel may still send pages of it after the last call of sendfile, and after it is closed.
    They are never overwritten: each packet has a file of its own.

    Raises:
        OSError: no file descriptor or no memory is available.
    """

    __slots__ = ("__weakref__", "fd", "size")

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

    def as_sendable(self) -> bytes | Memfd:
        """Return the bytes of a small file, or the file itself."""
        return os.pread(self.fd, self.size, 0) if self.size < SMALL else self

    def __del__(self) -> None:
        fd, self.fd = getattr(self, "fd", -1), -1
        if fd >= 0:
            os.close(fd)


def shared_by_functions(wrap: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let a function that wraps serializers return the same for the same function of a module.

    All viewers with that serializer then share its results. Other serializers belong to one viewer,
    and are not kept.
    """
    cached = cache(wrap)
    return lambda serializer: (cached if isfunction(serializer) else wrap)(serializer)


@shared_by_functions
def as_memfd(serializer: Callable[[Any], bytes]) -> Callable[[Packet], Memfd]:
    """Return a function for ``packet.shared`` that puts the serialized packet in a memory file."""

    def make(packet: Packet) -> Memfd:
        return Memfd(serializer(packet))

    return make


@shared_by_functions
def as_weak_memfd(serializer: Callable[[Any], bytes]) -> Callable[[Packet], Callable[[], Memfd]]:
    """Return a function for ``packet.shared`` that gives a function, which returns the file.

    The packet does not keep the file: a hub keeps hundreds of packets of a group of pictures. All
    who need it at the same time share it.
    """

    def make(packet: Packet) -> Callable[[], Memfd]:
        kept: Callable[[], Memfd | None] = lambda: None  # noqa: E731
        owner = ref(packet)

        def file() -> Memfd:
            nonlocal kept
            found = kept()
            if found is None:
                alive = owner()
                assert alive is not None
                found = Memfd(serializer(alive))
                kept = ref(found)
            return found

        return file

    return make


@final
class SendableForm:
    """A function for ``packet.shared``: the serialized packet, as senders give it to the kernel.

    A large packet for more than a few senders is in a memory file.

    Arguments:
        serializer: returns the bytes.
    """

    __slots__ = ("_serializer", "senders")

    def __init__(self, serializer: Callable[[Any], bytes]) -> None:
        self._serializer = serializer
        #: The number of senders that use this.
        self.senders = 0

    def __call__(self, packet: Packet) -> bytes | Memfd:
        data = self._serializer(packet)
        return data if len(data) < SMALL or self.senders <= FEW else Memfd(data)


@shared_by_functions
def as_sendable(serializer: Callable[[Any], bytes]) -> SendableForm:
    """Return the form of packets that all senders with this serializer share."""
    return SendableForm(serializer)
