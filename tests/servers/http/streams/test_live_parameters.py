"""The parameters of ``/live``."""

from __future__ import annotations

from typing import Any

import pytest

from twistedcam.errors import BadArgument
from twistedcam.servers.http.streams.live_parameters import (
    WantedSound,
    WantedVideo,
    read_parameters,
)
from twistedcam.servers.http.streams.websocket_messages import jpeg_message, sound_message


class Request:
    def __init__(self, **args: str) -> None:
        self.args = {name.encode(): [value.encode()] for name, value in args.items()}


def read(**args: str) -> WantedVideo | WantedSound:
    request: Any = Request(**args)
    return read_parameters(request)


def test_without_parameters_it_is_jpeg() -> None:
    assert read() == WantedVideo((), "annexb", None)
    assert read(kind="video").serializer is jpeg_message


def test_sound_is_opus_unless_codecs_are_named() -> None:
    assert read(kind="audio") == WantedSound(("opus",))
    wanted = read(kind="audio", codec="aac,pcm,aac")
    assert wanted.wants.codecs == ("aac", "pcm_s16le")
    assert (wanted.wants.kind, wanted.serializer) == ("audio", sound_message)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"container": "mp4"}, "container is for codec=h264"),
        ({"codec": "h264", "container": "avi"}, "must be annexb or mp4"),
        ({"size": "640x360"}, "size is for codec=h264 only"),
        ({"kind": "audio", "size": "640x360"}, "size is for video"),
        ({"kind": "audio", "codec": "h264"}, "must be some of opus,aac,pcm"),
        ({"kind": "text"}, "must be audio or video"),
    ],
)
def test_what_is_not_valid_is_refused(args: dict[str, str], error: str) -> None:
    with pytest.raises(BadArgument, match=error):
        read(**args)
