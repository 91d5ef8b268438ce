"""The profiles of a camera that speaks ONVIF, and which of them is its smaller stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from twistedcam.onvif.xml import child, children, text

#: The least pixels of the longer side of a smaller stream: less is too coarse for small pictures.
MIN_SIDE = 320
#: The most pixels of a smaller stream, as a part of those of the main one.
_MAX_PART = 0.5
#: The largest difference between two ratios of the sides that are about the same.
_SAME_RATIO = 0.1
#: Codecs that a stream can have, the best for browsers first (ONVIF Media and Media2).
_CODECS = ("H264", "H265", "HEVC", "JPEG", "MJPEG")


@dataclass(frozen=True)
class OnvifProfile:
    """One of the streams of a camera.

    Arguments:
        token: the name by which requests mean it.
        name: the name for people.
        codec: such as ``H264``; empty if unknown.
        width, height: pixels; 0 if unknown.
        has_ptz: True if it can be moved.
        video_source: the token of its image sensor, or of its channel of a recorder; empty if
            unknown.
    """

    token: str
    name: str
    codec: str = ""
    width: int = 0
    height: int = 0
    has_ptz: bool = False
    video_source: str = ""


def parse_profiles(answer: Element) -> list[OnvifProfile]:
    """Return the profiles in an answer of a media service to GetProfiles."""
    return [_profile(each) for each in children(answer, "Profiles") if each.get("token")]


def main_profiles(profiles: Iterable[OnvifProfile]) -> list[OnvifProfile]:
    """Return the first profile of each video source: a camera has one, a recorder several."""
    found: dict[str, OnvifProfile] = {}
    for each in profiles:
        found.setdefault(each.video_source, each)
    return list(found.values())


def smaller_profile(
    profiles: Iterable[OnvifProfile], main: OnvifProfile, size: tuple[int, int]
) -> OnvifProfile | None:
    """Return the profile for small pictures, or None if there is none that is clearly smaller.

    It is the smallest with the picture's ratio of the sides, else the smallest: some cameras
    squeeze the picture of their smaller stream.

    Arguments:
        main: the profile of the main stream.
        size: (width, height) of its picture in pixels, which may be turned.
    """
    most = size[0] * size[1] * _MAX_PART
    found = [
        each
        for each in profiles
        if each.token != main.token
        and each.video_source == main.video_source
        and each.codec.upper() in _CODECS
        and max(each.width, each.height) >= MIN_SIDE
        and 0 < each.width * each.height <= most
    ]
    ratio = _ratio(*size)

    def order(each: OnvifProfile) -> tuple[bool, int, int]:
        is_squeezed = abs(_ratio(each.width, each.height) / ratio - 1) > _SAME_RATIO
        return is_squeezed, each.width * each.height, _CODECS.index(each.codec.upper())

    return min(found, key=order, default=None)


def _ratio(width: int, height: int) -> float:
    """Return the longer side by the shorter one: the picture may be turned."""
    return max(width, height) / max(1, min(width, height))


def _profile(found: Element) -> OnvifProfile:
    configurations = child(found, "Configurations")
    if configurations is None:  # of the first media service; the others are of Media2
        names = ("VideoEncoderConfiguration", "VideoSourceConfiguration", "PTZConfiguration")
        encoder, source, ptz = (child(found, name) for name in names)
    else:
        names = ("VideoEncoder", "VideoSource", "PTZ")
        encoder, source, ptz = (child(configurations, name) for name in names)
    return OnvifProfile(
        found.get("token", ""),
        text(found, "Name"),
        text(encoder, "Encoding"),
        _number(text(encoder, "Resolution", "Width")),
        _number(text(encoder, "Resolution", "Height")),
        ptz is not None,
        text(source, "SourceToken"),
    )


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 6 else 0
