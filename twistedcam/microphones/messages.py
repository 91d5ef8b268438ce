"""The messages of the process that reads a microphone, without input or output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from twistedcam.runtime.child_messages import ChildMessages, child_message

#: What the process is told: somebody listens, or nobody does.
LISTENED, IDLE = b"l", b"i"
_OPENED, _SOUND, _FAILED = 1, 2, 3
_FORMAT = Struct("!IB")
_PIECE = Struct("!q")
#: Bytes of a message at most: more than a second of sound.
_MOST = 1 << 20


@dataclass(frozen=True)
class Opened:
    """The microphone is open.

    Arguments:
        rate: samples a second of the device.
        channels: of the sound in the messages, 1 or 2.
    """

    rate: int
    channels: int

    def encode(self) -> bytes:
        """Return the message."""
        return child_message(_OPENED, _FORMAT.pack(self.rate, self.channels))


@dataclass(frozen=True)
class Sound:
    """A piece of sound.

    Arguments:
        time_us: time of capture of the first sample, microseconds since the UNIX epoch.
        samples: ``pcm_s16le``, 48,000 a second.
    """

    time_us: int
    samples: bytes

    def encode(self) -> bytes:
        """Return the message."""
        return child_message(_SOUND, _PIECE.pack(self.time_us) + self.samples)


@dataclass(frozen=True)
class MicrophoneFailed:
    """The microphone cannot be opened, or gives no more. ``reason`` says why."""

    reason: str

    def encode(self) -> bytes:
        """Return the message."""
        return child_message(_FAILED, self.reason.encode(errors="replace"))


class MicrophoneDecoder:
    """Makes messages of bytes."""

    def __init__(self) -> None:
        self._messages = ChildMessages(_MOST)

    def feed(self, data: bytes) -> Iterator[Opened | Sound | MicrophoneFailed]:
        """Take bytes; yield the messages that are complete.

        Raises:
            ValueError: they are no messages.
        """
        for kind, body in self._messages.feed(data):
            yield _parse(kind, body)


def _parse(kind: int, body: bytes) -> Opened | Sound | MicrophoneFailed:
    if kind == _FAILED:
        return MicrophoneFailed(body.decode(errors="replace"))
    if kind == _OPENED and len(body) == _FORMAT.size:
        return Opened(*_FORMAT.unpack(body))
    if kind == _SOUND and len(body) >= _PIECE.size:
        (time_us,) = _PIECE.unpack_from(body)
        return Sound(time_us, body[_PIECE.size :])
    raise ValueError(f"a message of kind {kind} with {len(body)} bytes")
