"""The messages of the frame protocol, version 1, and how each is written.

All integers are unsigned and big-endian; JSON is one UTF-8 object whose unknown keys are ignored.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from twistedcam.media.frame import Frame

PROTOCOL = 1
MARK = 0x54
#: Limits of a body, in bytes.
MAX_JSON = 64 * 1024
MAX_FRAME = 32 * 1024 * 1024

HEADER = struct.Struct(">BBHI")
FRAME_HEADER = struct.Struct(">QQHHBBH")
COUNT = struct.Struct(">Q")
JPEG = 1
#: Times of capture are before this, in seconds since the UNIX epoch: 9998-12-31, a year before the
#: calendars of many systems end, in whatever time zone.
TIME_END = 253_370_678_400.0

HELLO, JOIN, STATE, FRAME, ACK, PING, PONG, ERROR, BYE = range(1, 10)
#: How every ACK begins, and how long it is with its number.
ACK_HEAD = HEADER.pack(MARK, ACK, 0, COUNT.size)
ACK_SIZE = HEADER.size + COUNT.size


@dataclass(frozen=True)
class Hello:
    """The server's first word: who it is and which cameras it has."""

    server: str
    cameras: tuple[dict[str, Any], ...] = ()
    auth: bool = False
    nonce: str = ""
    protocol: int = PROTOCOL

    def encode(self) -> bytes:
        body = {
            "protocol": self.protocol,
            "server": self.server,
            "cameras": list(self.cameras),
            "auth": self.auth,
            "nonce": self.nonce,
        }
        return _json(HELLO, body)


@dataclass(frozen=True)
class Join:
    """The client's first word: what it wants.

    Arguments:
        role: ``view`` or ``publish``.
        camera: a name, or None for the first camera.
        max_fps: at most so many frames a second, or None for all.
        window: 1 to 8 frames may be unacknowledged; 0 leaves all to TCP.
        mac: the proof of a token, or None.
        clock: the server is to send its clock, as a PING, behind each PONG.
    """

    role: str = "view"
    camera: str | None = None
    max_fps: float | None = None
    window: int = 2
    mac: str | None = None
    protocol: int = PROTOCOL
    clock: bool = False

    def encode(self) -> bytes:
        body: dict[str, Any] = {
            "protocol": self.protocol,
            "role": self.role,
            "camera": self.camera,
            "max_fps": self.max_fps,
            "window": self.window,
        }
        if self.clock:
            body["clock"] = True
        if self.mac is not None:
            body["auth"] = {"mac": self.mac}
        return _json(JOIN, body)


@dataclass(frozen=True)
class State:
    """How a camera is; size and rate are 0 as long as they are not known.

    ``via`` has a word for each camera that its pictures come through, its own first: a relay that
    finds itself there stands in a ring. ``title`` is what people see in place of the name, if
    that is something else.
    """

    camera: str
    state: str
    width: int = 0
    height: int = 0
    fps: float = 0.0
    reason: str | None = None
    via: tuple[str, ...] = field(default=(), compare=False)
    title: str | None = None

    def encode(self) -> bytes:
        told = {**self.__dict__}
        if self.title is None:
            del told["title"]
        return _json(STATE, told)


@dataclass(frozen=True)
class Ack:
    """The newest frame that was taken in."""

    seq: int

    def encode(self) -> bytes:
        return HEADER.pack(MARK, ACK, 0, COUNT.size) + COUNT.pack(self.seq)


@dataclass(frozen=True)
class Ping:
    """Are you there? 8 bytes of any kind."""

    data: bytes = bytes(8)

    def encode(self) -> bytes:
        return HEADER.pack(MARK, PING, 0, 8) + self.data


@dataclass(frozen=True)
class Pong:
    """I am: the 8 bytes of the ping."""

    data: bytes = bytes(8)

    def encode(self) -> bytes:
        return HEADER.pack(MARK, PONG, 0, 8) + self.data


@dataclass(frozen=True)
class Error:
    """Why the connection ends."""

    code: str
    message: str

    def encode(self) -> bytes:
        return _json(ERROR, {"code": self.code, "message": self.message})


@dataclass(frozen=True)
class Bye:
    """The connection ends, and all is well."""

    def encode(self) -> bytes:
        return HEADER.pack(MARK, BYE, 0, 0)


@dataclass(frozen=True)
class FrameMessage:
    """A picture."""

    frame: Frame = field()

    def encode(self) -> bytes:
        return frame_message(self.frame)


def clock_ping(now: float) -> Ping:
    """A PING that carries the sender's clock: ``now``, in seconds since the UNIX epoch."""
    return Ping(COUNT.pack(int(now * 1e6)))


def clock_of(ping: Ping) -> float:
    """The clock that a PING carries, in seconds since the UNIX epoch."""
    return float(COUNT.unpack(ping.data)[0]) / 1e6


Message = Hello | Join | State | FrameMessage | Ack | Ping | Pong | Error | Bye


def name_of(message: Message) -> str:
    """What the protocol calls a message: ``FRAME``."""
    return type(message).__name__.removesuffix("Message").upper()


def frame_header(frame: Frame) -> bytes:
    """The 32 bytes that go before a frame's JPEG on the wire."""
    length = FRAME_HEADER.size + len(frame.jpeg)
    return HEADER.pack(MARK, FRAME, 0, length) + FRAME_HEADER.pack(
        frame.seq, frame.time_us, frame.width, frame.height, JPEG, 0, 0
    )


def frame_message(frame: Frame) -> bytes:
    """The frame's whole message: the same bytes for every viewer."""
    return frame_header(frame) + frame.jpeg


def _json(kind: int, body: dict[str, Any]) -> bytes:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return HEADER.pack(MARK, kind, 0, len(text)) + text
