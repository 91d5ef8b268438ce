"""Copies the packets of an unfinished video file into a complete one."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

from twistedcam.recording.media_worker.video_file import (
    UnreadableVideo,
    VideoFile,
    as_text,
    open_video,
)
from twistedcam.util.libraries import av

#: Duration of a single picture, in seconds.
_LAST = Fraction(1, 30)


@dataclass(frozen=True)
class Copied:
    """The result of a copy.

    Arguments:
        frames: number of packets.
        seconds: duration.
        metadata: the file's metadata, by names in small letters.
    """

    frames: int
    seconds: float
    metadata: dict[str, str] = field(default_factory=dict)


def copy(
    source_fd: int,
    target_fd: int,
    muxer: str,
    options: dict[str, str],
    on_packet: Callable[[], None] = lambda: None,
) -> Copied:
    """Copy the packets into a new file, which gets an index and a duration.

    Arguments:
        target_fd: an empty file, open for reading and writing.
        on_packet: called for each packet.

    Raises:
        UnreadableVideo: the source cannot be read.
        OSError: the target cannot be written.
    """
    writing = _Target(target_fd, "r+b", closefd=False)
    try:
        with (
            open_video(VideoFile(source_fd, None)) as source,
            av.open(writing, "w", format=muxer, options=options) as target,
        ):
            if not source.streams.video:
                raise UnreadableVideo("it has no picture in it")
            streams = [source.streams.video[0], *source.streams.audio[:1]]
            copies = {}
            for stream in streams:
                copies[stream.index] = made = target.add_stream_from_template(stream)
                made.time_base = stream.time_base
            metadata = {key: as_text(value) for key, value in source.metadata.items()}
            target.metadata.update(metadata)
            lower = {key.lower(): value for key, value in metadata.items()}
            frames, end = 0, 0.0
            for packet in _mux_all(source, streams, copies, target):
                on_packet()
                if packet.stream is copies[streams[0].index]:
                    frames += 1
                    shown_until = (packet.pts + (packet.duration or 0)) * packet.time_base
                    end = max(end, float(shown_until))  # pictures can be in another order
    except UnreadableVideo:
        if writing.problem is not None:
            raise writing.problem from None
        raise
    if writing.problem is not None:
        raise writing.problem
    return Copied(frames, end, lower)


def has_packet(fd: int) -> bool:
    """True if a file has a packet of video.

    Raises:
        UnreadableVideo: it cannot be read.
    """
    with open_video(VideoFile(fd, None)) as container:
        return any(packet.size for packet in container.demux(video=0))


class _Target(io.FileIO):
    """The file that is written. It keeps its error, which FFmpeg does not always pass on."""

    problem: OSError | None = None

    def write(self, data: Any) -> int:
        view, done = memoryview(data), 0
        try:
            while done < len(view):
                done += super().write(view[done:]) or 0
        except OSError as error:
            self.problem = self.problem or error
            raise
        return done


def _mux_all(source: Any, streams: list[Any], copies: dict[int, Any], target: Any) -> Iterator[Any]:
    """Mux each complete packet; a picture with its duration: until the next one.

    Sound is muxed behind the pictures of its time.

    Arguments:
        streams: the video, and the sound if there is any.
        copies: the streams of the target, by the indexes of those.
    """
    video = streams[0]
    held, sounds = None, deque[Any]()
    interval = round(_LAST / video.time_base)
    for packet in _packets(source, streams):
        if packet.stream is not video:
            sounds.append(packet)
            continue
        if held is not None:
            interval = held.duration = _order(packet) - _order(held)
            yield _mux(held, copies, target)
        while sounds and sounds[0].pts * sounds[0].time_base < _order(packet) * packet.time_base:
            yield _mux(sounds.popleft(), copies, target)
        held = packet
    if held is not None:
        held.duration = interval
        yield _mux(held, copies, target)
    for packet in sounds:
        yield _mux(packet, copies, target)


def _packets(source: Any, streams: list[Any]) -> Iterator[Any]:
    last: dict[int, int] = {}
    jpegs = streams[0].codec_context.name == "mjpeg"
    try:
        for packet in _with_times(source.demux(*streams), streams[0]):
            if packet.pts is None or not packet.size or packet.is_corrupt:
                continue
            number = packet.stream_index
            if number in last and _order(packet) <= last[number]:
                continue
            is_jpeg = jpegs and packet.stream is streams[0]
            if is_jpeg and b"\xff\xd9" not in bytes(packet)[-16:]:
                continue
            last[number] = _order(packet)
            yield packet
    except av.error.FFmpegError:
        return  # the last one was cut short


def _with_times(packets: Iterable[Any], video: Any) -> Iterator[Any]:
    """Give the first pictures of a Matroska file times of decoding.

    Matroska has none. FFmpeg computes them for all but the first pictures of a stream with
    B-frames, which are decoded before the first one that it knows.
    """
    waiting: list[Any] = []
    knows = False
    for packet in packets:
        if knows or packet.stream is not video or packet.pts is None:
            yield packet
            continue
        waiting.append(packet)
        if packet.dts is None:
            continue
        knows = True
        step = packet.duration or round(_LAST / video.time_base)
        for each, after in pairwise(reversed(waiting)):
            after.dts = min(after.pts, each.dts - step)
        yield from waiting
    if not knows:
        yield from waiting


def _order(packet: Any) -> int:
    """Return a packet's time of decoding, in which packets are in order.

    With B-frames pictures are shown in another order than they are stored.
    """
    return int(packet.pts if packet.dts is None else packet.dts)


def _mux(packet: Any, copies: dict[int, Any], target: Any) -> Any:
    seen = packet.pts, packet.duration, packet.time_base
    packet.stream = copies[packet.stream_index]
    target.mux(packet)
    packet.pts, packet.duration, packet.time_base = seen
    return packet
