"""The parameters of a request for ``/live``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args

from twistedcam.delivery.sender import Serializer
from twistedcam.errors import BadArgument
from twistedcam.servers.http.connection.request import HttpRequest, query
from twistedcam.servers.http.streams.mjpeg import wanted_fps
from twistedcam.servers.http.streams.video import wanted_codecs, wanted_size
from twistedcam.servers.http.streams.websocket_messages import (
    Container,
    annexb_message,
    jpeg_message,
    mp4_message,
    sound_message,
)
from twistedcam.stream.wants import Wants

#: The codecs of sound, by their names in a request.
SOUND_CODECS = {"opus": "opus", "aac": "aac", "pcm": "pcm_s16le"}


@dataclass(frozen=True)
class WantedVideo:
    """The parameters of a request for video.

    Arguments:
        codecs: H.264 and H.265 in order of preference; empty: JPEG.
        container: how packets of these codecs are sent.
        fps: the most frames per second, or None.
        size: width and height into which larger pictures are scaled, or None.
    """

    codecs: tuple[str, ...]
    container: Container
    fps: float | None
    size: tuple[int, int] | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> WantedVideo:
        """Read ``codec``, ``container``, ``fps`` and ``size`` of the query.

        Raises:
            BadArgument: one of them is not valid.
        """
        codecs, container = wanted_codecs(request), query(request, "container")
        if container is not None and not codecs:
            raise BadArgument("container is for codec=h264 and codec=hevc only")
        if container not in (None, *get_args(Container)):
            raise BadArgument(f"container={container}: must be annexb or mp4")
        size = wanted_size(request)
        if size is not None and not codecs:
            raise BadArgument("size is for codec=h264 only")
        return cls(codecs, cast("Container", container or "annexb"), wanted_fps(request), size)

    @property
    def wants(self) -> Wants:
        """The packets that suit it, unless it asks for JPEG."""
        return Wants(self.codecs, size=self.size)

    @property
    def serializer(self) -> Serializer:
        """Returns a packet's message."""
        if not self.codecs:
            return jpeg_message
        return annexb_message if self.container == "annexb" else mp4_message


@dataclass(frozen=True)
class WantedSound:
    """The parameters of a request for sound.

    Arguments:
        codecs: FFmpeg's names of codecs, in order of preference.
    """

    codecs: tuple[str, ...]

    @classmethod
    def of(cls, request: HttpRequest) -> WantedSound:
        """Read ``codec`` of the query; all other parameters are for video.

        Raises:
            BadArgument: one of them is not valid.
        """
        for name in ("container", "fps", "size", "substream"):
            if query(request, name) is not None:
                raise BadArgument(f"{name} is for video, not for kind=audio")
        names = (query(request, "codec") or "opus").split(",")
        if not all(each in SOUND_CODECS for each in names):
            raise BadArgument(f"codec={','.join(names)}: must be some of {','.join(SOUND_CODECS)}")
        return cls(tuple(SOUND_CODECS[each] for each in dict.fromkeys(names)))

    @property
    def wants(self) -> Wants:
        """The packets that suit it."""
        return Wants(self.codecs, kind="audio")

    @property
    def serializer(self) -> Serializer:
        """Returns a packet's message."""
        return sound_message


def read_parameters(request: HttpRequest) -> WantedVideo | WantedSound:
    """Read the query of a request for video, or for sound with ``kind=audio``.

    Raises:
        BadArgument: a parameter is not valid.
    """
    kind = query(request, "kind")
    if kind == "audio":
        return WantedSound.of(request)
    if kind not in (None, "video"):
        raise BadArgument(f"kind={kind}: must be audio or video")
    return WantedVideo.of(request)
