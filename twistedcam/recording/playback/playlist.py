"""An HLS playlist of a piece, whose segments are ranges of its bytes (RFC 8216)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from twistedcam.errors import NotSupported
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.piece import Piece

TYPE = "application/vnd.apple.mpegurl"
#: Seconds of a segment at least.
_SEGMENT = 6.0
#: Files of a piece at most: each is read.
_MAX_FILES = 1000


def make_playlist(files: MovieFiles, piece: Piece, address: str) -> str:
    """The playlist. Blocks: it reads the index of each file.

    Arguments:
        address: that of the piece as one MP4, relative to the playlist or absolute.

    Raises:
        NotSupported: there are too many files, or one of them has changed.
    """
    if len(piece.parts) > _MAX_FILES:
        raise NotSupported(
            f"a playlist has at most {_MAX_FILES} recordings, and here are {len(piece.parts)}: "
            "ask for a shorter duration"
        )
    try:
        segments = list(_segments(files, piece))
    except (UnreadableMovie, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotSupported(f"a recording cannot be read: {reason}") from error
    longest = max(seconds for _, seconds in segments)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f"#EXT-X-TARGETDURATION:{math.ceil(longest)}",
        f'#EXT-X-MAP:URI="{address}",BYTERANGE="{piece.init_size}@0"',
    ]
    offset = len(piece.head)
    for size, seconds in segments:
        lines += [f"#EXTINF:{seconds:.6f},", f"#EXT-X-BYTERANGE:{size}@{offset}", address]
        offset += size
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _segments(files: MovieFiles, piece: Piece) -> Iterator[tuple[int, float]]:
    """Bytes and seconds of each segment: fragments together, of one file or of several."""
    size, seconds = 0, 0.0
    for part in piece.parts:
        cut = part.cut(files.read_named(part.name))
        for bytes_here, steps in zip(cut.sizes.tolist(), cut.durations.tolist(), strict=True):
            size, seconds = size + bytes_here, seconds + steps / part.layout.timescale
            if seconds >= _SEGMENT:
                yield size, seconds
                size, seconds = 0, 0.0
    if size:
        yield size, seconds
