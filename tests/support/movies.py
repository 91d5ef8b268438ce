"""Recordings whose pictures have numbers, and films with sound."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from tests.support.fakes import InlineReader
from tests.support.films import START_US
from twistedcam.media import barcode
from twistedcam.media.frame import Frame
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.library.index import Index
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.writer.single_file import FileRecording

#: The time at which numbered recordings begin, in seconds since the UNIX epoch.
START = START_US / 1e6
FPS = 10


def make_numbered(
    path: Path, first: int, count: int, width: int = 160, camera: str = "door"
) -> None:
    """A recording of pictures that follow each other; number N was captured N / FPS seconds late.

    Arguments:
        first, count: the number of the first picture, and how many there are.
    """
    path.write_bytes(_numbered_film(path.suffix, first, count, width, camera))


@cache
def _numbered_film(suffix: str, first: int, count: int, width: int, camera: str) -> bytes:
    """The file of such a recording, which is encoded once for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"film{suffix}")
        recording = FileRecording(path, camera)
        recording.write(numbered(number, width) for number in range(first, first + count))
        recording.close()
        return path.read_bytes()


@cache
def numbered(number: int, width: int = 160) -> Frame:
    """A picture that shows its number as a barcode."""
    image = np.full((width * 3 // 4, width, 3), 90, np.uint8)
    barcode.draw(image, barcode.Stamp(number, 0))
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    return Frame(number, START_US + number * 1_000_000 // FPS, width, width * 3 // 4, jpeg)


def numbers_in(film: Path | bytes) -> list[int | None]:
    """The numbers of the pictures of a film, in the order in which they are shown."""
    with av.open(io.BytesIO(film) if isinstance(film, bytes) else str(film)) as container:
        found = [
            barcode.read(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)
        ]
    return [None if each is None else each.number for each in found]


def times_in(film: bytes, kind: str = "video") -> list[float]:
    """The times of the packets of a film, in the order in which they are shown."""
    with av.open(io.BytesIO(film)) as container:
        (stream, *_) = [each for each in container.streams if each.type == kind]
        packets = [each for each in container.demux(stream) if each.size]
        return sorted(float(each.pts * each.time_base) for each in packets)


@cache
def film_with_sound(seconds: int = 4, muxer_options: tuple[tuple[str, str], ...] = ()) -> bytes:
    """An MP4 of 25 pictures a second with B-frames, and AAC."""
    written = io.BytesIO()
    with av.open(written, "w", format="mp4", options=dict(muxer_options)) as container:
        video: Any = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        video.options = {"g": "25", "bf": "2", "preset": "ultrafast", "b-adapt": "0"}
        video.codec_context.max_b_frames = 2
        audio: Any = container.add_stream("aac", rate=48_000)
        audio.layout = "mono"
        for number in range(25 * seconds):
            image = np.full((120, 160, 3), number * 5 % 250, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        for at in range(0, 48_000 * seconds, 1024):
            tone = (np.sin(np.arange(at, at + 1024) / 20) * 0.3).astype(np.float32)
            sound = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = 48_000, at, Fraction(1, 48_000)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return written.getvalue()


def remux(source: Path | bytes, target: Path) -> None:
    """Copy the packets of a film into a file of another format."""
    opened = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    with av.open(opened) as film, av.open(str(target), "w") as copied:
        copied.metadata.update(film.metadata)
        streams = {each.index: copied.add_stream_from_template(each) for each in film.streams}
        for packet in film.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                copied.mux(packet)


def entries_in(folder: Path) -> list[LibraryEntry]:
    """The recordings of a folder, oldest first."""
    found = Index(folder, HiddenFolder(folder), InlineReader()).scan()
    return sorted(found, key=lambda each: (each.start, each.recording))


def entry(
    name: str, start: float, seconds: float, camera: str = "door", **more: Any
) -> LibraryEntry:
    """A recording that is in no folder, of ten frames a second."""
    given = {"codec": "h264", "width": 160, "height": 120, "own": True, "fps": 10.0, **more}
    return LibraryEntry(name, camera, start, seconds, 1000, **given)


def opened(path: Path) -> int:
    """The descriptor of a file that is open for reading."""
    return os.open(path, os.O_RDONLY)


def names(entries: Sequence[LibraryEntry]) -> list[str]:
    """The names of recordings."""
    return [each.recording for each in entries]
