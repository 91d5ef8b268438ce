"""Makes a film of key frames: ``python -m twistedcam.recording.media_worker.timelapse``.

It reads requests from the socket that is its standard input, as lines of JSON with open files
beside them, and answers each with a line of JSON: first the film's settings with the file to write,
then for each recording the times of its pictures, and at last ``{"end": true}``.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import suppress
from fractions import Fraction
from typing import Any

from twistedcam.recording.media_worker.video_file import (
    LOW_DELAY,
    UnreadableVideo,
    VideoFile,
    check_size,
    open_video,
)
from twistedcam.util.libraries import av

#: Niceness: everything else goes first.
_NICE = 19
_MAX_LINE, _MAX_FILES = 1 << 20, 1


class Film:
    """A film that is written, one picture after the other.

    Arguments:
        fd: an empty file, open for reading and writing.
        fps: pictures a second.
        crf: x264's quality, 0 (best) to 51.
        metadata: of the file.
    """

    def __init__(self, fd: int, fps: int, crf: int, metadata: dict[str, str]) -> None:
        self._file = open(fd, "r+b", buffering=0, closefd=False)  # noqa: SIM115
        self._container: Any = av.open(self._file, "w", format="mp4")
        self._container.metadata.update(metadata)
        self._fps = fps
        self._crf = crf
        self._stream: Any = None
        self._next = 0
        self.pictures = 0

    def add(self, fd: int, times: list[float]) -> None:
        """Add the key frames at or before these times of a recording.

        A key frame that comes several times is shown for longer.

        Raises:
            UnreadableVideo: the recording cannot be read.
        """
        last: int | None = None
        with open_video(VideoFile(fd, None)) as source:
            if not source.streams.video:
                raise UnreadableVideo("it has no picture in it")
            stream = source.streams.video[0]
            check_size(stream.width, stream.height)
            context = stream.codec_context
            context.thread_count, context.flags = 1, context.flags | LOW_DELAY
            context.skip_frame = "NONKEY"
            first = stream.start_time or 0
            for time in times:
                number, self._next = self._next, self._next + 1
                source.seek(first + int(time / stream.time_base), stream=stream)
                frame = next(source.decode(stream), None)
                if frame is None or (last is not None and frame.pts == last):
                    continue
                last = frame.pts
                self._encode(frame, number)

    def _encode(self, frame: Any, number: int) -> None:
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=self._fps)
            self._stream.width, self._stream.height = frame.width & ~1, frame.height & ~1
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.thread_count = 1
            self._stream.options = {"preset": "veryfast", "crf": str(self._crf)}
        small = frame.reformat(self._stream.width, self._stream.height, "yuv420p")
        small.pts, small.time_base = number, Fraction(1, self._fps)
        small.pict_type = 0
        self.pictures += 1
        self._container.mux(self._stream.encode(small))

    def finish(self) -> float:
        """Write what is left, and return the film's seconds; 0 if it has no picture."""
        if self._stream is None:
            return 0.0
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._next / self._fps


def main() -> int:
    """Answer requests until the film is complete or the socket is closed."""
    av.logging.set_level(None)
    with suppress(OSError):
        os.nice(_NICE)
    film: Film | None = None
    with socket.socket(fileno=os.dup(0)) as connection:
        while True:
            try:
                line, files = _receive(connection)
            except ConnectionError:
                return 1  # the server was killed
            if not line:
                return 1
            order = json.loads(line)
            answer: dict[str, Any] = {}
            try:
                if film is None:
                    film = Film(files[0], order["fps"], order["crf"], order["metadata"])
                elif "times" in order:
                    film.add(files[0], order["times"])
                else:
                    answer = {"seconds": film.finish(), "pictures": film.pictures}
            except UnreadableVideo as error:
                answer = {"refused": str(error)}
            except (av.error.FFmpegError, OSError) as error:
                answer = {"failed": error.strerror or str(error), "errno": error.errno}
            try:
                connection.sendall(json.dumps(answer).encode() + b"\n")
            except ConnectionError:
                return 1
            if "end" in order:
                return 0


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    line, files, _, _ = socket.recv_fds(connection, _MAX_LINE, _MAX_FILES)
    while line and not line.endswith(b"\n"):
        more = connection.recv(_MAX_LINE)
        line = line + more if more else b""
    return line, files


if __name__ == "__main__":
    sys.exit(main())
