"""Frames to record, and what ffprobe says of the files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from tests.support.process import PATIENCE
from tests.support.system import require_program
from twistedcam.codecs.h264_encoder import CLOCK, H264Encoder, H264Settings
from twistedcam.media.frame import Frame
from twistedcam.media.h264 import H264
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track

#: A Sunday in 2025, in microseconds since the UNIX epoch.
START_US = 1_750_000_000_000_000


@cache
def jpeg(number: int = 0, width: int = 160, height: int = 120) -> bytes:
    """A picture whose brightness says its number."""
    image = np.full((height, width, 3), number * 5 % 250, np.uint8)
    image[: height // 2, : width // 2] = (40, 120, 200)
    return cv2.imencode(".jpg", image)[1].tobytes()


def frame(time: float, number: int = 1, width: int = 160, height: int = 120) -> Frame:
    """A frame of so many seconds after the start."""
    picture = jpeg(number % 50, width, height)
    return Frame(number, START_US + round(time * 1e6), width, height, picture)


def timed_frames(times: Iterable[float], width: int = 160, height: int = 120) -> list[Frame]:
    """Frames at these seconds after the start."""
    return [frame(time, number, width, height) for number, time in enumerate(times)]


def changed(frame: Frame, **values: Any) -> Frame:
    """The frame with another ``jpeg``, ``width`` or ``height``."""
    own = {"width": frame.width, "height": frame.height, "jpeg": frame.jpeg} | values
    return Frame(frame.seq, frame.time_us, **own)


def h264_packets(times: Iterable[float], keyframes: float = 2.0) -> list[Packet]:
    """H.264 packets at these seconds after the start, of 160x120 pixels.

    Arguments:
        keyframes: seconds from one key frame to the next.
    """
    coder = H264Encoder(H264Settings(), 160, 120)
    packets, due, track = [], 0.0, None
    for each, time in zip(timed_frames(times := list(times)), times, strict=True):
        encoded = coder.encode(each.jpeg, round(time * CLOCK), time >= due)
        assert encoded is not None
        (made,) = encoded
        if made.is_keyframe:
            due = time + keyframes
            track = Track(
                VIDEO, "video", "h264", 160, 120, extradata=H264.parameter_sets(made.data)
            )
        assert track is not None
        packets.append(Packet(track, each.seq, each.time_us, each.pts, made.data, made.is_keyframe))
    return packets


@dataclass
class Film:
    """What a file is.

    Arguments:
        times: each frame's seconds from the first.
        seconds: the container's duration; 0 where it says none.
    """

    codec: str
    times: list[float]
    seconds: float
    width: int
    height: int
    stream: dict[str, Any]
    tags: dict[str, str]

    @property
    def longest_gap(self) -> float:
        """Seconds between the two frames that are furthest apart."""
        return max((b - a for a, b in pairwise(self.times)), default=0.0)


def read_film(path: Path, decode: bool = True) -> Film:
    """What ffprobe finds.

    Arguments:
        decode: whether it decodes every frame, and may not complain. A file in the middle of a
            write is not decoded: its last frame may be cut short.
    """
    words = ["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_packets"]
    words += ["-count_frames"] if decode else []
    told = _run(require_program("ffprobe", "ffmpeg"), *words, str(path), strict=decode)
    found = json.loads(told)
    stream = found["streams"][0]
    if decode:
        assert int(stream["nb_read_frames"]) == len(found["packets"]), "frames that do not decode"
    times = sorted(float(packet["pts_time"]) for packet in found["packets"])
    return Film(
        stream["codec_name"],
        [time - times[0] for time in times],
        float(found["format"].get("duration", 0)),
        stream["width"],
        stream["height"],
        stream,
        {key.lower(): value for key, value in found["format"].get("tags", {}).items()},
    )


def frame_times(path: Path, decode: bool = True) -> list[float]:
    """Each frame's seconds from the first, as PyAV finds them.

    It takes a twentieth of ``read_film``, which starts a program: for tests that look often.

    Arguments:
        decode: as for ``read_film``.
    """
    with av.open(str(path)) as film:
        film.streams.video[0].codec_context.options = {"err_detect": "explode"}
        found = film.decode(video=0) if decode else film.demux(video=0)
        times = sorted(each.pts * each.time_base for each in found if each.pts is not None)
    return [float(time - times[0]) for time in times]


def _run(*words: str, strict: bool) -> str:
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, (words, done.stderr)
    assert not (strict and done.stderr.strip()), (words, done.stderr)
    return done.stdout
