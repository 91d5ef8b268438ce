"""The messages of the frame protocol, version 1, and their encoding.

All integers are unsigned and big-endian. JSON is one UTF-8 object; unknown keys are ignored.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track

PROTOCOL = 1
MARK = 0x54
#: The maximum sizes of a body, in bytes.
MAX_JSON = 64 * 1024
MAX_FRAME = 32 * 1024 * 1024

HEADER = struct.Struct(">BBHI")
FRAME_HEADER = struct.Struct(">QQHHBBH")
COUNT = struct.Struct(">Q")
#: The codecs of FRAME, by FFmpeg's names. H.264 and H.265 are access units in Annex B.
CODECS = {"mjpeg": 1, "h264": 2, "hevc": 3}
#: The codecs of sound in a FRAME. AAC is a raw access unit without ADTS, Opus one packet.
SOUND_CODECS = {"aac": 16, "opus": 17}
#: The flag of a packet with which a decoder can begin. JPEGs do not have it: all of them are.
KEYFRAME = 1
#: The flag of a FRAME that contains no sound, but the configuration of the sound that follows.
CONFIGURATION = 2
#: Microseconds in the steps of FRAME's field "reorder".
REORDER_STEP = 100
#: Times of capture are before 9998-12-31, in seconds since the UNIX epoch: a year before the
#: calendars of many systems end, in every time zone.
TIME_END = 253_370_678_400.0

HELLO, JOIN, STATE, FRAME, ACK, PING, PONG, ERROR, BYE = range(1, 10)
KEYFRAME_REQUEST = 11
#: The first bytes of every ACK, and its size with its number.
ACK_HEAD = HEADER.pack(MARK, ACK, 0, COUNT.size)
ACK_SIZE = HEADER.size + COUNT.size


@dataclass(frozen=True)
class Hello:
    """The server's first message: its name and its cameras."""

    server: str
    cameras: tuple[dict[str, Any], ...] = ()
    auth: bool = False
    nonce: str = ""
    protocol: int = PROTOCOL
    #: The codecs that a publisher may send.
    codecs: tuple[str, ...] = ("mjpeg",)

    def encode(self) -> bytes:
        body = {
            "protocol": self.protocol,
            "server": self.server,
            "cameras": list(self.cameras),
            "auth": self.auth,
            "nonce": self.nonce,
            "codecs": list(self.codecs),
        }
        return _json(HELLO, body)


@dataclass(frozen=True)
class Join:
    """The client's first message: its request.

    Arguments:
        role: ``view`` or ``publish``.
        camera: a name, or None for the first camera.
        max_fps: the maximum number of frames per second, or None for all.
        window: the maximum number of unacknowledged frames, 1 to 8; 0: no acknowledgements.
        mac: the proof of a token, or None.
        clock: the server sends its time, as a PING, after each PONG.
        codecs: the codecs that a viewer understands, in order of preference.
        keyframes: a publisher understands KEYFRAME, which asks for a key frame.
    """

    role: str = "view"
    camera: str | None = None
    max_fps: float | None = None
    window: int = 2
    mac: str | None = None
    protocol: int = PROTOCOL
    clock: bool = False
    codecs: tuple[str, ...] = ("mjpeg",)
    keyframes: bool = False

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
        if self.keyframes:
            body["keyframes"] = True
        if self.codecs != ("mjpeg",):
            body["codecs"] = list(self.codecs)
        if self.mac is not None:
            body["auth"] = {"mac": self.mac}
        return _json(JOIN, body)


@dataclass(frozen=True)
class State:
    """A camera's state; size and rate are 0 while they are not known.

    ``via`` identifies the cameras that its pictures pass through, itself first: a relay that finds
    itself there is part of a loop. ``title`` is shown instead of the name, if it is not None.
    ``codec`` is that of the frames that follow; None if it is not known. ``audio`` is the codec of
    the sound that the viewer gets; None if it gets none. ``muted`` is True if it is silence.
    """

    camera: str
    state: str
    width: int = 0
    height: int = 0
    fps: float = 0.0
    reason: str | None = None
    via: tuple[str, ...] = field(default=(), compare=False)
    title: str | None = None
    codec: str | None = field(default=None, compare=False)
    audio: str | None = field(default=None, compare=False)
    muted: bool = field(default=False, compare=False)

    def encode(self) -> bytes:
        body = {**self.__dict__}
        for optional in ("title", "codec", "audio"):
            if body[optional] is None:
                del body[optional]
        if not self.muted:
            del body["muted"]
        return _json(STATE, body)


@dataclass(frozen=True)
class Ack:
    """The acknowledgement of all frames up to ``seq``."""

    seq: int

    def encode(self) -> bytes:
        return HEADER.pack(MARK, ACK, 0, COUNT.size) + COUNT.pack(self.seq)


@dataclass(frozen=True)
class Ping:
    """A request for a PONG, with any 8 bytes."""

    data: bytes = bytes(8)

    def encode(self) -> bytes:
        return HEADER.pack(MARK, PING, 0, 8) + self.data


@dataclass(frozen=True)
class Pong:
    """The answer to a PING, with its 8 bytes."""

    data: bytes = bytes(8)

    def encode(self) -> bytes:
        return HEADER.pack(MARK, PONG, 0, 8) + self.data


@dataclass(frozen=True)
class Error:
    """The reason for the end of the connection."""

    code: str
    message: str

    def encode(self) -> bytes:
        return _json(ERROR, {"code": self.code, "message": self.message})


@dataclass(frozen=True)
class Bye:
    """The end of the connection without an error."""

    def encode(self) -> bytes:
        return HEADER.pack(MARK, BYE, 0, 0)


@dataclass(frozen=True)
class Keyframe:
    """The request to a publisher of H.264 or H.265 for a key frame soon."""

    def encode(self) -> bytes:
        return HEADER.pack(MARK, KEYFRAME_REQUEST, 0, 0)


@dataclass(frozen=True)
class FrameMessage:
    """A frame: a JPEG, or a packet of H.264, H.265 or sound.

    With ``is_configuration`` the data is that of a track of sound that begins with the next packet.
    """

    frame: Packet = field()
    is_configuration: bool = False

    def encode(self) -> bytes:
        if self.is_configuration:
            return configuration_message(self.frame.track)
        return frame_message(self.frame)


def clock_ping(now: float) -> Ping:
    """Return a PING with the sender's time ``now``, in seconds since the UNIX epoch."""
    return Ping(COUNT.pack(int(now * 1e6)))


def clock_of(ping: Ping) -> float:
    """Return the time in a PING of ``clock_ping``, in seconds since the UNIX epoch."""
    return float(COUNT.unpack(ping.data)[0]) / 1e6


Message = Hello | Join | State | FrameMessage | Ack | Ping | Pong | Error | Bye | Keyframe


def name_of(message: Message) -> str:
    """Return a message's name in the protocol, such as ``FRAME``."""
    return type(message).__name__.removesuffix("Message").upper()


def frame_header(frame: Packet) -> bytes:
    """Return the 32 bytes that precede a frame's data."""
    data, codec, flags, reorder = frame.data, CODECS["mjpeg"], 0, 0
    if isinstance(frame, Frame):
        width, height = frame.width, frame.height
    elif frame.track.kind == "audio":
        width, height, codec = 0, 0, SOUND_CODECS[frame.track.codec]
    else:
        track = frame.track
        width, height, codec = track.width, track.height, CODECS[track.codec]
        flags = KEYFRAME if frame.is_keyframe else 0
        reorder = min(max(0, (frame.pts - frame.dts) // REORDER_STEP), 65535)
    return HEADER.pack(MARK, FRAME, 0, FRAME_HEADER.size + len(data)) + FRAME_HEADER.pack(
        frame.seq, frame.time_us, width, height, codec, flags, reorder
    )


def frame_message(frame: Packet) -> bytes:
    """Return the message of a frame, which is the same for every viewer."""
    return frame_header(frame) + frame.data


def configuration_message(track: Track) -> bytes:
    """Return the FRAME that describes a track of sound, before its first packet."""
    config = track.extradata
    return (
        HEADER.pack(MARK, FRAME, 0, FRAME_HEADER.size + len(config))
        + FRAME_HEADER.pack(0, 0, 0, 0, SOUND_CODECS[track.codec], CONFIGURATION, 0)
        + config
    )


def _json(kind: int, body: dict[str, Any]) -> bytes:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return HEADER.pack(MARK, kind, 0, len(text)) + text
