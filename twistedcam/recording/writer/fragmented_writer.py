"""Writes H.264, H.265 and AAC as MP4 or MOV, a fragment at a time."""

from __future__ import annotations

import io
from contextlib import suppress
from fractions import Fraction
from typing import Any

from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.mp4.fragmenter import AUDIO, VIDEO
from twistedcam.recording.mp4.growing_movie import GrowingMovie, Sample, SampleRun
from twistedcam.recording.writer.muxing import FileContents, open_container
from twistedcam.recording.writer.part_file import PartFile
from twistedcam.recording.writer.sound_track import SoundPiece
from twistedcam.util.libraries import av

#: Seconds of playback of a fragment at most, and of one that is written though more may follow.
_MOST, _ENOUGH = Fraction(6, 10), Fraction(2, 10)
#: Pictures and packets of sound of a fragment at most: its header then has less than the 4096 bytes
#: in which one is searched for that a crash has torn.
_MOST_SAMPLES = 100
#: Seconds of a picture of which the end is not known, where there is only one.
_USUAL = Fraction(1, 30)


class FragmentedWriter:
    """Writes a fragmented file, and at its end the index that makes it a usual one.

    It is a ``container_writer.ContainerWriter``. FFmpeg makes the header, and encodes a camera's
    JPEGs. A fragment is gathered in memory and written in one call, without a change of threads.

    Raises:
        NotSupported: pictures of this size cannot be encoded.
        ValueError: the description of the sound is not valid.
    """

    def __init__(self, file: PartFile, contents: FileContents) -> None:
        self._file = file
        container = contents.format.container
        self._base = container.time_base
        header = io.BytesIO()
        opened = open_container(header, contents)
        sound_base = None if opened.sound is None else opened.sound.time_base
        opened.container.start_encoding()
        self._encoder: Any = opened.encoder
        #: FFmpeg's, as long as its encoder is needed.
        self._container: Any = opened.container
        self._movie = GrowingMovie(header.getvalue())
        codec = contents.first.track.codec
        if codec in NAL_CODECS:
            self._close_container()
        self._to_sample = NAL_CODECS["h264" if codec == "mjpeg" else codec].to_sample
        pace = Fraction(max(contents.pace, 1.0))
        self._most, self._enough = (float(each / pace / self._base) for each in (_MOST, _ENOUGH))
        #: Steps of the sound in the file for one of a piece; they may be fewer for AAC with SBR.
        self._sound_scale = Fraction(1)
        if sound_base is not None:
            self._sound_scale = sound_base * self._movie.timescale(AUDIO)
            rate = self._movie.timescale(AUDIO)
            self._most_sound, self._enough_sound = float(_MOST * rate), float(_ENOUGH * rate)
        #: What the next fragment has, and where its last samples end.
        self._pictures: list[Sample] = []
        self._sounds: list[Sample] = []
        self._end = self._sound_end = 0
        self._has_samples = False
        file.write(self._movie.head)

    def encode(self, packet: Packet, pts: int) -> Any:
        shift = 0
        if packet.track.codec == "mjpeg":
            coded = self._encoder.encode(packet, pts)
            if coded is None:
                return None
            data, is_keyframe = bytes(coded), bool(coded.is_keyframe)
        else:
            data, is_keyframe = packet.data, packet.is_keyframe
            if packet.pts != packet.dts:
                shift = round(Fraction(packet.pts - packet.dts, 1_000_000) / self._base)
        return Sample(self._to_sample(data), pts, shift, is_keyframe)

    def can_continue(self, track: Track) -> bool:
        return bool(self._encoder.can_continue(track))

    def mux(self, picture: Any, until: int) -> bool:
        if not _is_good(picture):
            return False
        if _is_enough(self._pictures, picture.start, self._most):
            self._write_fragment()
        self._pictures.append(picture)
        self._end = until
        return True

    def mux_sound(self, piece: SoundPiece) -> None:
        if not piece.data:
            return
        start = round(piece.start * self._sound_scale)
        if _is_enough(self._sounds, start, self._most_sound):
            self._write_fragment()
        self._sounds.append(Sample(piece.data, start))
        self._sound_end = round((piece.start + piece.length) * self._sound_scale)

    def flush(self) -> None:
        pictures, sounds = self._pictures, self._sounds
        if (pictures and self._end - pictures[0].start >= self._enough) or (
            sounds and self._sound_end - sounds[0].start >= self._enough_sound
        ):
            self._write_fragment()

    def unwritten(self, newest: Any) -> bytes:
        pictures = [*self._pictures, newest] if _is_good(newest) else self._pictures
        step = round(_USUAL / self._base)
        if len(pictures) > 1:
            step = pictures[-1].start - pictures[-2].start
        end = pictures[-1].start + step if pictures else 0
        return self._movie.render(self._runs(pictures, end))

    def end_pictures(self) -> None:
        self._encoder.close()

    def close(self) -> None:
        self._close_container()
        self._write_fragment()
        if not self._has_samples or self._file.error is not None:
            return
        self._file.mark()
        index, place, change = self._movie.finish(self._file.size)
        self._file.write(index)
        if self._file.error is None:
            self._file.overwrite(place, change)

    def _close_container(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            with suppress(av.error.FFmpegError):  # its file is in memory, and is not needed
                container.close()

    def _write_fragment(self) -> None:
        runs = self._runs(self._pictures, self._end)
        if runs:
            self._has_samples = True
            self._file.write(self._movie.add(runs, self._file.size))
            self._pictures, self._sounds = [], []

    def _runs(self, pictures: list[Sample], end: int) -> list[SampleRun]:
        runs = [SampleRun(VIDEO, pictures, end)] if pictures else []
        if self._sounds:
            runs.append(SampleRun(AUDIO, self._sounds, self._sound_end))
        return runs


def _is_enough(samples: list[Sample], start: int, most: float) -> bool:
    """True if a sample that begins at ``start`` must be in another fragment."""
    return bool(samples) and (start - samples[0].start >= most or len(samples) >= _MOST_SAMPLES)


def _is_good(picture: Sample) -> bool:
    """True if a picture has data, and is not shown before it is decoded."""
    return bool(picture.data) and picture.shift >= 0
