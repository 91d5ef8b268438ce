"""The decoder of the frame protocol, for bytes in pieces of any size."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from twistedcam.errors import BadMessage, TooLarge
from twistedcam.media import jpeg
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, VIDEO, Track
from twistedcam.wire import messages as m

_CODEC_NAMES = {number: name for name, number in (m.CODECS | m.SOUND_CODECS).items()}
_EXACT = {m.ACK: 8, m.PING: 8, m.PONG: 8, m.BYE: 0, m.KEYFRAME_REQUEST: 0}
_MAX_FPS = 1e6
_MAX_INT = 2**64


class Decoder:
    """Decodes bytes into messages, without a transport.

    A body that is too long is refused when its header is complete, before the body is read. After
    an error the decoder cannot be used any more: close the connection.

    Arguments:
        max_frame: the maximum size of a FRAME body in bytes, at most the protocol's own limit.
    """

    def __init__(self, max_frame: int = m.MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._max_frame = min(max_frame, m.MAX_FRAME)
        #: The maximum size of any other body, in bytes.
        self.max_other = m.MAX_JSON
        #: The error text for a FRAME if none is allowed; None: it is allowed.
        self.no_frames: str | None = None
        #: Type and length of the current message, once its header was checked.
        self._pending: tuple[int, int] | None = None
        #: True if no message was received in part.
        self.is_idle = True
        #: The number of messages returned so far.
        self.count = 0

    def feed(self, data: bytes) -> Iterator[m.Message]:
        """Yield the messages that ``data`` completes.

        Raises:
            BadMessage, TooLarge: the bytes violate the protocol.
        """
        self.add(data)
        while (message := self.take()) is not None:
            yield message

    def add(self, data: bytes) -> None:
        """Add bytes without decoding them."""
        self._buffer += data
        self.is_idle = False

    def take(self) -> m.Message | None:
        """Remove and return the next complete message, or None.

        Raises:
            BadMessage, TooLarge: the bytes violate the protocol.
        """
        if self._pending is None:
            if len(self._buffer) < m.HEADER.size:
                self._check_mark()
                self.is_idle = not self._buffer
                return None
            self._pending = self._header()
        kind, length = self._pending
        end = m.HEADER.size + length
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            body = bytes(view[m.HEADER.size : end])
        del self._buffer[:end]
        self._pending = None
        self.count += 1
        return _READERS[kind](body)

    def close(self) -> None:
        """Discard an incomplete message, which will not be completed."""
        self._buffer = bytearray()
        self._pending = None
        self.is_idle = True

    def _check_mark(self) -> None:
        if self._buffer and self._buffer[0] != m.MARK:
            raise BadMessage(f"a message begins with 0x54, not 0x{self._buffer[0]:02x}")

    def _header(self) -> tuple[int, int]:
        self._check_mark()
        _, kind, _, length = m.HEADER.unpack_from(self._buffer)
        if kind not in _READERS:
            raise BadMessage(f"there is no message of type {kind}")
        if kind in _EXACT:
            if length != _EXACT[kind]:
                raise BadMessage(f"a message of type {kind} has {_EXACT[kind]} bytes, not {length}")
        elif kind == m.FRAME:
            if length > self._max_frame:
                raise TooLarge(f"a frame of {length} bytes; the limit is {self._max_frame}")
            if self.no_frames is not None:
                raise BadMessage(self.no_frames)
            if length < m.FRAME_HEADER.size:
                raise BadMessage(f"a frame of {length} bytes is too short for its header")
        elif length > self.max_other:
            raise TooLarge(f"a message of {length} bytes; the limit is {self.max_other}")
        return kind, length


def check_image(frame: Frame, *, through: bool = False) -> None:
    """Check a received frame's image.

    Arguments:
        through: also search the image for an end marker before its end (jpeg.first_end).

    Raises:
        BadMessage: the image is not a complete JPEG of the size in the frame's header.
    """
    try:
        header = jpeg.read_header(frame.jpeg)
        end = len(frame.jpeg) - len(jpeg.EOI)
        if not frame.jpeg.endswith(jpeg.EOI):
            raise ValueError("the JPEG is incomplete, or bytes follow its end marker")
        if through:
            end = jpeg.first_end(frame.jpeg, header.scan_at) or end
    except ValueError as error:
        raise BadMessage(f"frame {frame.seq}: {error}") from None
    if header.start:
        raise BadMessage(f"frame {frame.seq}: bytes precede the JPEG")
    if end + len(jpeg.EOI) != len(frame.jpeg):
        raise BadMessage(f"frame {frame.seq}: bytes follow the JPEG")
    size = header.size
    if size != (frame.width, frame.height):
        raise BadMessage(
            f"frame {frame.seq} is {size.width}x{size.height}, its header has "
            f"{frame.width}x{frame.height}"
        )


def _frame(body: bytes) -> m.FrameMessage:
    seq, time_us, width, height, codec, flags, reorder = m.FRAME_HEADER.unpack_from(body)
    if codec not in _CODEC_NAMES:
        known = ", ".join(f"{number} is {name}" for number, name in _CODEC_NAMES.items())
        raise BadMessage(f"frame {seq} has codec {codec}, which is unknown: {known}")
    if time_us / 1e6 >= m.TIME_END:  # rounded, so that it stays valid when passed on
        raise BadMessage(
            f"frame {seq} has an invalid time of capture: {time_us} microseconds since 1970-01-01 "
            "UTC is not before 9998-12-31"
        )
    data = body[m.FRAME_HEADER.size :]
    if codec == m.CODECS["mjpeg"]:
        return m.FrameMessage(Frame(seq, time_us, width, height, data))
    if codec in _SOUND_TRACKS:
        track = _SOUND_TRACKS[codec]
        if flags & m.CONFIGURATION:
            described = replace(track, extradata=data)
            return m.FrameMessage(Packet(described, seq, time_us, time_us, data), True)
        return m.FrameMessage(Packet(track, seq, time_us, time_us, data))
    track = _track(_CODEC_NAMES[codec], width, height)
    dts = time_us - reorder * m.REORDER_STEP
    is_keyframe = bool(flags & m.KEYFRAME)
    return m.FrameMessage(Packet(track, seq, time_us, time_us, data, is_keyframe, dts))


#: Tracks of sound without their configuration, which comes before their packets (SoundChecker).
_SOUND_TRACKS = {number: Track(AUDIO, "audio", codec) for codec, number in m.SOUND_CODECS.items()}


@lru_cache(maxsize=64)
def _track(codec: str, width: int, height: int) -> Track:
    """A track without parameter sets, which are in the key frames (PacketChecker)."""
    return Track(VIDEO, "video", codec, width, height)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body.decode())  # json.loads would guess the encoding of bytes
    except (ValueError, RecursionError):
        raise BadMessage("the body is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise BadMessage("the body is not a JSON object")
    if b"\\u" in body:  # half of a pair is valid JSON, but cannot be encoded again
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadMessage("the body contains half of a surrogate pair") from None
    return found


def _field(found: dict[str, Any], key: str, kinds: tuple[type, ...], default: Any) -> Any:
    value = found.get(key)
    if value is None:
        return default
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise BadMessage(f"{key!r} cannot be {json.dumps(value)[:60]}")
    if isinstance(value, int) and abs(value) > _MAX_INT:
        raise BadMessage(f"{key!r} is too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadMessage(f"{key!r} must be a finite number")
    return value


def _hello(body: bytes) -> m.Hello:
    found = _object(body)
    cameras = _field(found, "cameras", (list,), [])
    if not all(isinstance(camera, dict) for camera in cameras):
        raise BadMessage("'cameras' must be a list of objects")
    return m.Hello(
        protocol=_field(found, "protocol", (int,), 0),
        server=_field(found, "server", (str,), ""),
        cameras=tuple(cameras),
        auth=_field(found, "auth", (bool,), False),
        nonce=_field(found, "nonce", (str,), ""),
        codecs=tuple(map(str, _field(found, "codecs", (list,), None) or ("mjpeg",)))[
            : len(_CODEC_NAMES)
        ],
    )


def _join(body: bytes) -> m.Join:
    found = _object(body)
    role = _field(found, "role", (str,), "view")
    if role not in ("view", "publish"):
        raise BadMessage(f"'role' must be 'view' or 'publish', not {role[:40]!r}")
    window = _field(found, "window", (int,), 2)
    if not 0 <= window <= 8:
        raise BadMessage(f"'window' must be 0 to 8, not {window}")
    max_fps = _field(found, "max_fps", (int, float), None)
    if max_fps is not None and not 0 < max_fps <= _MAX_FPS:
        raise BadMessage(f"'max_fps' must be more than 0 and at most {_MAX_FPS:.0f}, not {max_fps}")
    codecs = _field(found, "codecs", (list,), ["mjpeg"])
    if not codecs or not all(isinstance(each, str) for each in codecs):
        raise BadMessage(f"'codecs' must be a list of names, such as {json.dumps(list(m.CODECS))}")
    proof = _field(found, "auth", (dict,), None)
    return m.Join(
        protocol=_field(found, "protocol", (int,), m.PROTOCOL),
        role=role,
        camera=_field(found, "camera", (str,), None),
        max_fps=max_fps,
        window=window,
        mac=_field(proof, "mac", (str,), None) if proof else None,
        clock=_field(found, "clock", (bool,), False),
        codecs=tuple(dict.fromkeys(codecs)),
        keyframes=_field(found, "keyframes", (bool,), False),
    )


#: The maximum number of relays in a row.
MAX_VIA = 64


def _state(body: bytes) -> m.State:
    found = _object(body)
    return m.State(
        camera=_field(found, "camera", (str,), ""),
        state=_field(found, "state", (str,), ""),
        width=_field(found, "width", (int,), None) or 0,
        height=_field(found, "height", (int,), None) or 0,
        fps=_field(found, "fps", (int, float), None) or 0.0,
        reason=_field(found, "reason", (str,), None),
        via=tuple(str(each) for each in _field(found, "via", (list,), None) or ())[:MAX_VIA],
        title=_field(found, "title", (str,), None),
        codec=_field(found, "codec", (str,), None),
        audio=_field(found, "audio", (str,), None),
        muted=_field(found, "muted", (bool,), False),
    )


def _error(body: bytes) -> m.Error:
    found = _object(body)
    return m.Error(_field(found, "code", (str,), ""), _field(found, "message", (str,), ""))


_READERS: dict[int, Callable[[bytes], m.Message]] = {
    m.HELLO: _hello,
    m.JOIN: _join,
    m.STATE: _state,
    m.FRAME: _frame,
    m.ACK: lambda body: m.Ack(m.COUNT.unpack(body)[0]),
    m.PING: lambda body: m.Ping(body),
    m.PONG: lambda body: m.Pong(body),
    m.ERROR: _error,
    m.BYE: lambda _: m.Bye(),
    m.KEYFRAME_REQUEST: lambda _: m.Keyframe(),
}
