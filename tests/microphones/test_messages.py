"""The messages of the process that reads a microphone."""

from __future__ import annotations

import pytest

from twistedcam.microphones.messages import MicrophoneDecoder, MicrophoneFailed, Opened, Sound

ALL = [
    Opened(44_100, 2),
    Sound(1_700_000_000_123_456, b"\1\2" * 900),
    MicrophoneFailed("another program uses it"),
]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_messages_pass_in_pieces_of_any_size(size: int) -> None:
    data = b"".join(each.encode() for each in ALL)
    decoder = MicrophoneDecoder()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert [message for piece in pieces for message in decoder.feed(piece)] == ALL


@pytest.mark.parametrize(
    "data", [b"\x02\xff\xff\xff\xff", b"\x09\0\0\0\0", b"\x01\0\0\0\1x", b"\x02\0\0\0\2xx"]
)
def test_nonsense_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="a message of"):
        list(MicrophoneDecoder().feed(data))
