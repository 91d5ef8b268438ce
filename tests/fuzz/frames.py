"""The frame codec: any bytes, cut anywhere, give the same messages or a named error."""

from __future__ import annotations

from collections.abc import Iterator

from twistedcam import wire
from twistedcam.errors import WireError
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.wire.messages import FrameMessage, Message


def check(data: bytes) -> None:
    """The first byte says how the others are cut."""
    step, data = (data[0] or 1, data[1:]) if data else (1, b"")
    whole, refusal = read(data, len(data) or 1)
    said = [message.encode() for message in whole]
    pieces, refusal_of_pieces = read(data, step)
    assert said == [message.encode() for message in pieces], "it matters how the bytes are cut"
    assert refusal == refusal_of_pieces
    for message, text in zip(whole, said, strict=True):
        again, refused = read(text, 1 << 20)
        assert not refused, "what was read cannot be written"
        assert [each.encode() for each in again] == [text]
        if isinstance(message, FrameMessage):
            frame = message.frame
            try:
                if isinstance(frame, Frame):
                    wire.check_image(frame, through=True)
                elif frame.track.kind == "video":
                    checker = wire.PacketChecker()
                    for _ in range(2):
                        checker.check(frame)
            except WireError as error:
                wire.Error(error.code, str(error)).encode()


def read(data: bytes, step: int) -> tuple[list[Message], str]:
    """The messages, and the code of the error that ends them."""
    decoder, found = wire.Decoder(1 << 20), list[Message]()
    try:
        for start in range(0, len(data), step):
            for message in decoder.feed(data[start : start + step]):
                found.append(message)
    except WireError as error:
        wire.Error(error.code, str(error)).encode()  # it is told to the other side
        return found, error.code
    return found, ""


def seeds() -> Iterator[bytes]:
    """One message of each kind."""
    jpeg = b"\xff\xd8\xff\xc0\0\x11\x08\0\x10\0\x10\x03" + bytes(9) + b"\xff\xda\0\x02\xff\xd9"
    sets = "000000016742c00bda0a11f966a021a0a80000000168ce3c80"
    units = bytes.fromhex(sets) + b"\0\0\0\1\x65\x88\x84"
    track = Track(0, "video", "h264", 16, 16)
    messages = [
        wire.Hello("twistedcam/1", ({"name": "cam", "state": "live"},), True, "ab" * 32),
        wire.Join("view", "cam", 12.5, 8, "00" * 32, clock=True),
        wire.State("cam", "recovering", 640, 480, 30.0, "unplugged", ("a", "b")),
        wire.Ack(2**63),
        wire.Ping(b"12345678"),
        wire.Pong(b"87654321"),
        wire.Error("busy", "why"),
        FrameMessage(Frame(7, 1_795_000_000_123_456, 16, 16, jpeg)),
        FrameMessage(Packet(track, 8, 1_795_000_000_123_456, 0, units, True, -40_000)),
        wire.Join(codecs=("h264", "hevc", "mjpeg")),
        wire.State("cam", "live", codec="h264"),
        wire.Bye(),
        wire.Keyframe(),
        wire.Join("publish", keyframes=True),
    ]
    for message in messages:
        yield b"\x03" + message.encode()
    for text in (
        '{"role":"view","camera":"\\ud800","max_fps":1e9}',
        '{"max_fps":' + "9" * 400 + "}",
        '{"camera":"c","reason":"\\udfff","via":["\\ud800",[1]],"fps":1e400}',
        '{"window":' + "9" * 400 + "}",
        '{"cameras":[{"name":"\\ud800"}],"protocol":' + "9" * 400 + "}",
    ):
        for kind in (1, 2, 3, 8):
            yield b"\x05" + wire.HEADER.pack(0x54, kind, 0, len(text)) + text.encode()
    yield b"\x07" + b"".join(message.encode() for message in messages)
