"""The interface of what writes the container of a recorded file, and the choice for a file."""

from __future__ import annotations

from typing import Any, Protocol

from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.writer.muxing import FileContents
from twistedcam.recording.writer.part_file import PartFile
from twistedcam.recording.writer.sound_track import SoundPiece

#: The codecs of sound in files that are written without FFmpeg's muxer.
_SOUNDS = ("aac",)


class ContainerWriter(Protocol):
    """Writes the container of one file. Errors of the disk are in ``PartFile.error`` afterwards.

    Raises (every method):
        av.error.FFmpegError: FFmpeg cannot do it.
    """

    def encode(self, packet: Packet, pts: int) -> Any:
        """The picture as it is in the file, for ``mux``; None if it is broken.

        Arguments:
            pts: its time of decoding, in steps of the container's clock.
        """

    def can_continue(self, track: Track) -> bool:
        """True if packets of that track can follow, from a key frame on."""

    def mux(self, picture: Any, until: int) -> bool:
        """Add a picture, whose end is known now; False if it is left out, because it is bad.

        What is added is in the file some time later, with others.
        """

    def mux_sound(self, piece: SoundPiece) -> None:
        """Add sound; a bad piece is left out."""

    def flush(self) -> None:
        """Write what was added, if it is not too little. More may come after some time only."""

    def unwritten(self, newest: Any) -> bytes:
        """Return the data that the file lacks, to be written behind it meanwhile.

        Arguments:
            newest: a picture that follows those that were added; its end is not known.
        """

    def end_pictures(self) -> None:
        """Note that all pictures have been encoded."""

    def close(self) -> None:
        """Write what the file lacks, and the index for all of it."""


def open_writer(file: PartFile, contents: FileContents) -> ContainerWriter:
    """Write the header of a file, and return the writer for it.

    H.264 and H.265 in MP4 and MOV do not need FFmpeg's muxer. PyAV gives the interpreter's lock
    away for each packet, which costs several times as much as the rest of the work.

    Raises:
        NotSupported: pictures of this size cannot be encoded.
        ValueError: the description of the sound is not valid.
        av.error.FFmpegError: FFmpeg cannot write such a file.
    """
    format, sound = contents.format, contents.sound
    is_jpeg = format.codec == "copy" and contents.first.track.codec not in NAL_CODECS
    has_sound_for_it = sound is None or sound.codec in _SOUNDS
    if format.container.is_fragmented and has_sound_for_it and not is_jpeg:
        # Imported with the first recording, on its thread.
        from twistedcam.recording.writer.fragmented_writer import FragmentedWriter

        return FragmentedWriter(file, contents)
    from twistedcam.recording.writer.ffmpeg_writer import FfmpegWriter

    return FfmpegWriter(file, contents)
