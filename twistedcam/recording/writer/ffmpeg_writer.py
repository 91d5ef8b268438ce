"""Writes a recorded file with FFmpeg's muxers: Matroska, AVI, and JPEGs in MOV."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.writer.muxing import FileContents, open_container
from twistedcam.recording.writer.part_file import PartFile
from twistedcam.recording.writer.pending_tail import PendingTail
from twistedcam.recording.writer.sound_track import SoundPiece
from twistedcam.util.libraries import av


class FfmpegWriter:
    """Writes any container (``container_writer.ContainerWriter``).

    Raises:
        NotSupported: pictures of this size cannot be encoded.
        ValueError: the description of the sound is not valid.
    """

    def __init__(self, file: PartFile, contents: FileContents) -> None:
        self._file = file
        opened = open_container(file, contents)
        self._container, self._encoder = opened.container, opened.encoder
        self._sound = opened.sound
        #: Seconds of a step of the sound; FFmpeg changes that of the stream with the header.
        self._sound_base = None if opened.sound is None else opened.sound.time_base
        self._tail = PendingTail(contents.format.container, opened.stream, opened.sound)
        self._container.start_encoding()

    def encode(self, packet: Packet, pts: int) -> Any:
        return self._encoder.encode(packet, pts)

    def can_continue(self, track: Track) -> bool:
        return self._encoder.can_continue(track)

    def mux(self, picture: Any, until: int) -> bool:
        picture.duration = until - picture.pts
        self._tail.mux_picture(picture)
        before, is_good = self._file.size, True
        try:
            self._container.mux(picture)
        except av.error.FFmpegError:  # the next one may be good
            is_good = False
        self._note_written(before)
        return is_good

    def mux_sound(self, piece: SoundPiece) -> None:
        packet = sound_packet(piece, self._sound, self._sound_base)
        self._tail.mux_sound(packet)
        before = self._file.size
        with suppress(av.error.FFmpegError):  # the next one may be good
            self._container.mux(packet)
        self._note_written(before)

    def flush(self) -> None:
        pass  # its muxer decides when it writes

    def unwritten(self, newest: Any) -> bytes:
        return self._tail.render(newest)

    def end_pictures(self) -> None:
        self._encoder.close()

    def close(self) -> None:
        self._container.close()

    def _note_written(self, before: int) -> None:
        if self._file.size > before:
            self._tail.wrote()


def sound_packet(piece: SoundPiece, stream: Any, base: Any) -> Any:
    """A packet of sound for a muxer; ``base`` is the seconds of a step."""
    made = av.Packet(piece.data)
    made.stream = stream
    made.time_base = base
    made.pts = made.dts = piece.start
    made.duration = piece.length
    made.is_keyframe = True
    return made
