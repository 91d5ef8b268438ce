"""Reads a microphone by one of FFmpeg's input formats."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from twistedcam.microphones.piece_length import PieceLength
from twistedcam.util.libraries import av


class FFmpegCapture:
    """A microphone that FFmpeg reads: of macOS or Windows. All methods block.

    Arguments:
        form, name: FFmpeg's input format and its name of the microphone.

    Raises:
        OSError, av.error.FFmpegError: it cannot be opened.
    """

    def __init__(self, form: str, name: str) -> None:
        if form not in av.formats_available:
            raise OSError(f"there is no {form} on this system")
        self._container = av.open(name, format=form)
        stream = self._container.streams.audio[0]
        codec = stream.codec_context
        self._base = float(stream.time_base or 0)
        self._decoder: Any = codec
        self._sample_bytes = max(1, codec.format.bytes)
        self.rate, self.channels = codec.sample_rate, codec.channels

    def close(self) -> None:
        """Close it."""
        self._container.close()

    def read(self, length: PieceLength) -> Iterator[tuple[Any, float]]:
        """Yield pieces of sound as av.AudioFrame, and the time in seconds of their first sample.

        It is the time of capture by the clock of the driver.

        Arguments:
            length: of each piece, at least.

        Raises:
            OSError, av.error.FFmpegError: it gives no more.
        """
        bytes_a_second = self.rate * self.channels * self._sample_bytes
        waiting: list[bytes] = []
        size, first = 0, None
        # Drivers give hundreds of packets a second: little is done for each of them. It never waits
        # for more of them: macOS keeps only the newest packet that was not read.
        for packet in self._container.demux(audio=0):
            if not waiting:
                first = packet.pts
            data = bytes(packet)
            waiting.append(data)
            size += len(data)
            if size < length.seconds * bytes_a_second:
                continue
            stamp = time.time() - size / bytes_a_second if first is None else first * self._base
            for frame in self._decoder.decode(av.Packet(b"".join(waiting))):
                yield frame, stamp
                stamp += frame.samples / self.rate
            waiting, size = [], 0
