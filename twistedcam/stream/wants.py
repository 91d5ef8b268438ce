"""The packets that a sink takes from a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.stream.hub import NORMAL

OnLeftOut = Callable[[str, bool], None]


@dataclass(frozen=True)
class Wants:
    """The packets that a sink takes.

    Arguments:
        codecs: the codecs that it understands, in order of preference.
        kind: the kind of media.
        every: it needs every packet, even if that takes longer; for a recording.
        priority: as for ``Hub.add``.
        settings: the settings of an encoder, if one is needed; None for any.
        encode: True to encode even if the camera's own codec would do.
        on_left_out: called for each picture that cannot be encoded, if ``every`` is needed, with
            the reason, and with True if that is the picture's size.
        size: width and height into which larger pictures are scaled; None for the camera's.
    """

    codecs: tuple[str, ...]
    kind: Literal["video", "audio"] = "video"
    every: bool = False
    priority: int = NORMAL
    settings: H264Settings | None = None
    encode: bool = False
    size: tuple[int, int] | None = None
    on_left_out: OnLeftOut = field(default=lambda reason, is_size: None, compare=False)
