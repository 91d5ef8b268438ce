"""A video file, played at its own rate."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from twistedcam.errors import CameraFailed, SourceEnded, StartupError
from twistedcam.sources.base import RawPacket, RawPicture, SourceInfo
from twistedcam.sources.coded_sound import TimedSound, sound_of
from twistedcam.sources.container import (
    FILE_FORMATS,
    first_picture,
    matrix_of,
    open_container,
    reason_of,
    upright,
    video,
    video_and_sound,
)
from twistedcam.sources.pace import Pace
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.util.libraries import av

#: FFmpeg's names of streams without a container.
_BARE = ("h264", "hevc", "m4v", "obu")
#: A difference of two timestamps, in seconds, from which the clock of the file has jumped.
_JUMP = 10.0


class FileSource:
    """Plays a video by its timestamps, upright; passes Motion JPEG on unchanged.

    Arguments:
        path: the file.
        loop: True to play it again at the end; else the camera stops there.
        fps: the rate in frames per second; None for the file's own.
    """

    def __init__(self, path: Path, loop: bool = True, fps: float | None = None) -> None:
        self.path = path
        self.loop = loop
        self.fps = fps
        self._container: Any = None
        self._stream: Any = None
        self._pictures: Iterator[tuple[float, RawPicture | RawPacket]] | None = None
        #: True if pictures must be turned, and so decoded.
        self._is_turned = False
        self._pace = Pace()
        #: The monotonic time at which second 0 of the video is due.
        self._origin: float | None = None
        #: Seconds by which the pictures of packets are taken to be captured before they are due.
        self._lead = 0.0
        self._last = 0.0
        self._step = 0.0

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> FileSource:
        """Return the source for ``file:clip.mp4?loop=0&fps=10``."""
        path = spec.path("clip.mp4")
        if not path.is_file():
            raise StartupError(f"there is no file {str(path)!r} to play")
        return cls(path, settings.flag("loop", True), settings.number("fps", 0.01, 1000))

    def open(self) -> SourceInfo:
        """Open the file and select its first video stream."""
        self._pace = Pace()
        self._origin = None
        self._lead = 0.0
        try:
            self._open_video()
            first = first_picture(self._container, self._stream)
            self._rewind()
        except IndexError:
            self.close()
            raise CameraFailed(f"{self.path} has no video") from None
        except (OSError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.path} cannot be played: {reason_of(error)}") from None
        stream = self._stream
        rate = float(stream.average_rate or 0)
        self._step = 1.0 / (self.fps or rate or 25.0)
        self._pictures = self._read_rounds()
        codec = stream.codec_context
        size = (codec.width, codec.height)
        if first is not None and matrix_of(first) is not None:
            self._is_turned = True
            height, width = upright(first).shape[:2]
            size = (width, height)
        sound = sound_of(self._container) if self.fps is None else None
        name, rate = self.path.name, self.fps or rate
        return SourceInfo(*size, rate, codec.name, name, steady=False, sound=sound)

    def read(self) -> RawPicture | RawPacket | None:
        """Return the next picture when it is due."""
        assert self._pictures is not None, "not open"
        try:
            at, picture = next(self._pictures)
        except StopIteration:
            raise SourceEnded(f"{self.path.name} has ended") from None
        except (OSError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.path.name}: {reason_of(error)}") from None
        now = time.monotonic()
        if self._origin is None or not -_JUMP < self._origin + at - now < _JUMP:
            self._origin = now - at
        if not self._pace.wait_until(self._origin + at):
            return None
        if isinstance(picture, RawPacket):
            # The time at which it was due: a late packet must not change the order of pictures.
            due = self._origin + at + time.time() - time.monotonic()
            if picture.track.kind == "audio":
                return picture._replace(time=due - self._lead)
            # It must not begin small again with each round.
            reorder = picture.reorder_us / 1e6
            self._lead = max(self._lead, reorder - picture.time)
            return picture._replace(time=due + reorder - self._lead)
        return replace(picture, time=time.time())

    def interrupt(self) -> None:
        """Interrupt a read."""
        self._pace.stop()

    def close(self) -> None:
        """Close the file."""
        self._pace.stop()
        if self._container is not None:
            self._container.close()
            self._container = None

    def _read_rounds(self) -> Iterator[tuple[float, RawPicture | RawPacket]]:
        """Yield pictures with their seconds since the start of the first round."""
        start = 0.0
        while True:
            last = start - self._step
            for at, picture in self._read_round():
                if isinstance(picture, RawPacket) and picture.track.kind == "audio":
                    if at >= 0:
                        yield start + at, picture
                    continue
                last = start + at if self.fps is None else last + self._step
                yield last, picture
            if last < start:
                raise CameraFailed(f"{self.path.name} has no video")
            if not self.loop:
                return
            start = last + self._step
            self._rewind()

    def _rewind(self) -> None:
        kind = self._container.format.name
        # FFmpeg reads a single picture only once, and finds no place in a stream without container.
        if kind == "image2" or kind.endswith("_pipe") or kind in _BARE:
            self._container.close()
            self._open_video()
            return
        self._container.seek(0)
        self._stream.codec_context.flush_buffers()

    def _open_video(self) -> None:
        # FFmpeg takes a relative path with a colon for an address.
        path = str(self.path.absolute())
        self._container = open_container(path, formats=FILE_FORMATS, protocols="file")
        self._stream = self._container.streams.video[0]

    def _read_round(self) -> Iterator[tuple[float, RawPicture | RawPacket]]:
        first: float | None = None
        # At another rate, the sound would not be in step.
        reading = video_and_sound if self.fps is None else video
        count = -1
        for each in reading(self._container, self._stream, self._is_turned):
            if isinstance(each, TimedSound):
                if first is not None:
                    yield each.pts - first, each.raw
                continue
            count += 1
            is_packet = isinstance(each.raw, RawPacket)
            stamps = (each.dts, each.pts) if is_packet else (each.pts, each.dts)
            seconds = next((it for it in stamps if it is not None), count * self._step)
            if first is None:
                first = seconds
            yield seconds - first, each.raw
