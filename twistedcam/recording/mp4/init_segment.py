"""The beginning of a fragmented MP4: its tracks, its duration, and an index of its fragments."""

from __future__ import annotations

import struct

from twistedcam.recording.mp4.arrays import Numbers
from twistedcam.recording.mp4.boxes import make_box, make_full_box
from twistedcam.recording.mp4.fragmenter import AUDIO, VIDEO
from twistedcam.recording.mp4.sample_table import Movie, SampleTrack
from twistedcam.util.libraries import np

#: Entries of an index of fragments at most, and bytes of one of them (ISO/IEC 14496-12, 8.16.3).
MAX_REFERENCES, MAX_REFERENCE = 0xFFFF, 0x7FFF_FFFF
#: Steps of one of them at most.
MAX_STEPS = 0xFFFF_FFFF
#: Steps a second of the durations that are not of one track.
MOVIE_SCALE = 1000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_LANGUAGE = 0x55C4  # "und"


def init_segment(movie: Movie, duration: int) -> bytes:
    """The boxes before the first fragment.

    Arguments:
        movie: has the descriptions of the tracks.
        duration: of the whole, in steps of the video.
    """
    length = duration * MOVIE_SCALE // movie.video.timescale
    tracks = [(VIDEO, movie.video)] + ([] if movie.audio is None else [(AUDIO, movie.audio)])
    none = [make_full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    empty = b"".join([*none, make_full_box(b"stsz", 0, 0, bytes(8))])
    traks = [make_trak(id, track, 0, 0, empty, make_edits(track, 0)) for id, track in tracks]
    defaults = [
        make_full_box(b"trex", 0, 0, struct.pack(">5I", id, 1, 0, 0, 0)) for id, _ in tracks
    ]
    mehd = make_full_box(b"mehd", 1, 0, struct.pack(">Q", length))
    mvex = make_box(b"mvex", mehd, *defaults)
    ftyp = make_box(b"ftyp", b"iso5", bytes(4), b"iso5iso6mp41")
    return ftyp + make_box(b"moov", make_mvhd(0, len(tracks) + 1), *traks, mvex)


def segment_index(timescale: int, references: Numbers) -> bytes:
    """An index of what follows it (``sidx``).

    Arguments:
        timescale: steps a second.
        references: bytes and steps of each fragment, or of several fragments together: two columns.
    """
    head = struct.pack(">IIQQHH", VIDEO, timescale, 0, 0, 0, len(references))
    flags = np.full((len(references), 1), 0x90000000, np.int64)
    rows = np.hstack([references, flags]).astype(">u4").tobytes()
    return make_full_box(b"sidx", 1, 0, head, rows)


def make_mvhd(length: int, next_track: int, created: int = 0) -> bytes:
    """The movie header; ``length`` in MOVIE_SCALE, ``created`` in seconds since 1904."""
    return make_full_box(
        b"mvhd",
        1,
        0,
        struct.pack(">QQIQ", created, created, MOVIE_SCALE, length),
        struct.pack(">IHHQ", 0x10000, 0x100, 0, 0),
        _MATRIX,
        bytes(24),
        struct.pack(">I", next_track),
    )


def make_edits(track: SampleTrack, length: int, delay: int = 0) -> bytes:
    """The edit list of a track that does not begin at 0; nothing for others.

    Arguments:
        length: in MOVIE_SCALE; 0 for all that follows.
        delay: time before the track begins, in MOVIE_SCALE.
    """
    if not track.origin and not delay:
        return b""
    rows = [struct.pack(">QqI", delay, -1, 0x10000)] if delay else []
    rows.append(struct.pack(">QqI", length, track.origin, 0x10000))
    elst = make_full_box(b"elst", 1, 0, struct.pack(">I", len(rows)), *rows)
    return make_box(b"edts", elst)


def make_trak(
    id: int, track: SampleTrack, length: int, duration: int, tables: bytes, edits: bytes
) -> bytes:
    """A track.

    Arguments:
        length, duration: in MOVIE_SCALE, and in steps of the track.
        tables: the boxes of its sample table but for the description.
        edits: its edit list, as from ``make_edits``.
    """
    is_sound = track.kind == "audio"
    tkhd = make_full_box(
        b"tkhd",
        1,
        3,
        struct.pack(">QQIIQ", 0, 0, id, 0, length),
        struct.pack(">QHHHH", 0, 0, 1 if is_sound else 0, 0x100 if is_sound else 0, 0),
        _MATRIX,
        struct.pack(">II", track.width << 16, track.height << 16),
    )
    mdhd = make_full_box(
        b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, track.timescale, duration, _LANGUAGE, 0)
    )
    handler = b"soun" if is_sound else b"vide"
    hdlr = make_full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"twistedcam\0")
    header = (
        make_full_box(b"smhd", 0, 0, bytes(4))
        if is_sound
        else make_full_box(b"vmhd", 0, 1, bytes(8))
    )
    dref = make_full_box(b"dref", 0, 0, struct.pack(">I", 1), make_full_box(b"url ", 0, 1))
    stsd = make_full_box(b"stsd", 0, 0, struct.pack(">I", 1), track.entry.data)
    stbl = make_box(b"stbl", stsd, tables)
    minf = make_box(b"minf", header, make_box(b"dinf", dref), stbl)
    return make_box(b"trak", tkhd, edits, make_box(b"mdia", mdhd, hdlr, minf))
