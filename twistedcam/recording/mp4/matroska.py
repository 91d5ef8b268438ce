"""Sample tables of Matroska files (RFC 9559): their packets are copied like those of MP4."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from twistedcam.recording.mp4.boxes import UnreadableMovie, box_at, make_box, make_full_box
from twistedcam.recording.mp4.sample_entry import SampleEntry, read_entry
from twistedcam.recording.mp4.sample_table import Movie, SampleTrack, read_movie
from twistedcam.util.libraries import np

#: The first bytes of every file.
_MAGIC = b"\x1a\x45\xdf\xa3"
# Ids of elements.
_EBML, _SEGMENT, _INFO, _TRACKS, _CLUSTER = (
    0x1A45DFA3,
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0x1F43B675,
)
_SCALE, _ENTRY, _NUMBER, _TYPE, _CODEC, _PRIVATE = 0x2AD7B1, 0xAE, 0xD7, 0x83, 0x86, 0x63A2
_ENCODINGS, _DELAY, _VIDEO, _AUDIO = 0x6D80, 0x56AA, 0xE0, 0xE1
_WIDTH, _HEIGHT, _RATE, _CHANNELS = 0xB0, 0xBA, 0xB5, 0x9F
_TIME, _SIMPLE, _GROUP, _BLOCK, _REFERENCE = 0xE7, 0xA3, 0xA0, 0xA1, 0xFB
#: Elements that end a cluster of unknown size.
_TOP = frozenset(
    {_CLUSTER, _INFO, _TRACKS, 0x114D9B74, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367}
)
#: Bytes of an element that is read as a whole, and of one call.
_MAX_ELEMENT, _WINDOW = 1 << 20, 4096
#: Blocks of a track at most: more than 30 hours at 60 frames a second.
_MAX_BLOCKS = 8_000_000
#: Samples of a frame of AAC, and the steps a second of Opus.
_AAC_FRAME, _OPUS_RATE = 1024, 48_000
_ENTRIES = {"V_MPEG4/ISO/AVC": (b"avc1", b"avcC"), "V_MPEGH/ISO/HEVC": (b"hvc1", b"hvcC")}


class _Element(NamedTuple):
    """An element: its id, and where its contents begin and end; end is None if it is unknown."""

    id: int
    body: int
    end: int | None


@dataclass
class _Track:
    """A track as it is read; the lists have one number for each block, in the order of the file."""

    kind: Literal["video", "audio"]
    entry: SampleEntry
    width: int = 0
    height: int = 0
    rate: int = 0
    delay: int = 0
    offsets: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)


def read_samples(fd: int, *, is_growing: bool = False) -> Movie:
    """Read the sample tables of an open MP4, MOV or Matroska file.

    Arguments:
        is_growing: True for a file that is being written: its end, which may change, is left out.

    Raises:
        UnreadableMovie: it is none of them, has no video of H.264 or H.265, or is broken.
        OSError: it cannot be read.
    """
    if os.pread(fd, 4, 0) != _MAGIC:
        return read_movie(fd, is_growing=is_growing)
    try:
        return _Reader(fd).read(is_growing)
    except (struct.error, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise UnreadableMovie(f"its index cannot be read: {error}") from None


class _Reader:
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = os.fstat(fd).st_size
        self._window, self._start = b"", 0
        #: Nanoseconds of a step.
        self._scale = 1_000_000
        self._tracks: dict[int, _Track] = {}

    def read(self, is_growing: bool) -> Movie:
        at = 0
        while (found := self._element(at)) is not None and found.id != _SEGMENT:
            at = self._size if found.end is None else found.end
        if found is None:
            raise UnreadableMovie("it has no segment of a Matroska file")
        at, end = found.body, min(found.end or self._size, self._size)
        count = 0
        while at < end and (found := self._element(at)) is not None:
            if found.id in (_INFO, _TRACKS):
                if found.end is None:
                    raise UnreadableMovie("its description has no end")
                self._describe(found.id, self._contents(found.body, found.end))
            elif found.id == _CLUSTER:
                if not any(each.kind == "video" for each in self._tracks.values()):
                    raise UnreadableMovie("it has no video of H.264 or H.265")
                at = self._cluster(found.body, min(found.end or end, end), found.end is None)
                count += 1
                continue
            at = end if found.end is None else found.end
        return self._movie(is_growing)

    def _element(self, at: int) -> _Element | None:
        """The element at a position; None if the file ends within its first bytes."""
        head = self._bytes(at, 12)
        if len(head) < 2 or not head[0]:
            return None
        length = 9 - head[0].bit_length()
        if length > 4 or len(head) < length + 1:
            return None
        id = int.from_bytes(head[:length], "big")
        size, used = _number(head, length)
        body = at + length + used
        return _Element(id, body, None if size is None else body + size)

    def _bytes(self, at: int, count: int) -> bytes:
        if not self._start <= at <= self._start + len(self._window) - count:
            self._window, self._start = os.pread(self._fd, _WINDOW, at), at
        return self._window[at - self._start : at - self._start + count]

    def _contents(self, body: int, end: int) -> bytes:
        if end - body > _MAX_ELEMENT:
            raise UnreadableMovie("its description is too large")
        return os.pread(self._fd, end - body, body)

    def _describe(self, id: int, data: bytes) -> None:
        for kind, body in _children(data):
            if kind == _SCALE:
                self._scale = max(1, _unsigned(body))
            elif id == _TRACKS and kind == _ENTRY:
                fields = dict(_children(body))
                track = _read_track(fields)
                if track is not None and not any(
                    each.kind == track.kind for each in self._tracks.values()
                ):
                    self._tracks[_unsigned(fields[_NUMBER])] = track

    def _cluster(self, at: int, end: int, is_open: bool) -> int:
        """Read a cluster; return its end."""
        time = 0
        while at < end and (found := self._element(at)) is not None:
            if is_open and found.id in _TOP:
                return at
            if found.end is None or found.end > self._size:
                return end  # cut short by a crash, or still being written
            if found.id == _TIME:
                time = _unsigned(self._contents(found.body, found.end))
            elif found.id == _SIMPLE:
                self._block(found.body, found.end, time, None)
            elif found.id == _GROUP:
                self._group(found.body, found.end, time)
            at = found.end
        return end if not is_open else max(at, end)

    def _group(self, at: int, end: int, time: int) -> None:
        block, is_key = None, True
        while at < end and (found := self._element(at)) is not None and found.end is not None:
            if found.id == _BLOCK:
                block = found
            is_key = is_key and found.id != _REFERENCE
            at = found.end
        if block is not None and block.end is not None:
            self._block(block.body, block.end, time, is_key)

    def _block(self, body: int, end: int, time: int, is_key: bool | None) -> None:
        head = self._bytes(body, 12)
        number, used = _number(head, 0)
        track = self._tracks.get(number or 0)
        if track is None:
            return
        shift, flags = struct.unpack_from(">hB", head, used)
        if flags & 6:
            raise UnreadableMovie("several frames are in one block")
        if len(track.times) > _MAX_BLOCKS:
            raise UnreadableMovie("it has too many frames")
        track.offsets.append(body + used + 3)
        track.sizes.append(end - body - used - 3)
        track.times.append(time + shift)
        track.keys.append(bool(flags & 0x80) if is_key is None else is_key)

    def _movie(self, is_growing: bool) -> Movie:
        video = next((each for each in self._tracks.values() if each.kind == "video"), None)
        if video is None or not video.times:
            raise UnreadableMovie("it has no video of H.264 or H.265")
        audio = next((each for each in self._tracks.values() if each.kind == "audio"), None)
        keys = np.array(video.keys)
        if not keys.any():
            raise UnreadableMovie("it has no key frame")
        count = len(keys)
        if is_growing:  # up to its last key frame
            count = int(np.flatnonzero(keys)[-1])
            if not count:
                raise UnreadableMovie("it has only begun")
        steps = max(1, round(1e9 / self._scale))
        shown = np.array(video.times, np.int64)
        decoded = np.sort(shown)
        start = int(decoded[0])
        lengths = np.diff(decoded)
        usual = int(np.median(lengths)) if len(lengths) else max(1, steps // 25)
        durations = np.append(lengths, usual)[:count]
        shifts = (shown - decoded)[:count]
        origin = max(0, -int(shifts.min()))
        made = SampleTrack(
            "video", steps, video.entry, video.width, video.height,
            np.array(video.offsets[:count], np.int64), np.array(video.sizes[:count], np.int64),
            decoded[:count] - start, durations, shifts + origin, keys[:count], origin,
        )  # fmt: skip
        if audio is None or not audio.times:
            return Movie(made)
        return Movie(made, self._sound(audio, start, made.end, steps))

    def _sound(self, audio: _Track, start: int, end: int, steps: int) -> SampleTrack | None:
        """The sound, with times that are exact to the sample: those in the file are rounded."""
        given = np.array(audio.times, np.int64) - start
        given = given[given <= end]
        if not len(given):
            return None
        times = given * audio.rate // steps - audio.delay * audio.rate // 1_000_000_000
        frame = _AAC_FRAME
        if audio.entry.codec == "opus":  # frames of 2.5 ms and more
            unit = _OPUS_RATE // 400
            usual = float(np.median(np.diff(times))) if len(times) > 1 else 8 * unit
            frame = max(1, round(usual / unit)) * unit
        ramp = np.arange(len(times)) * frame
        places = times[0] + np.round((times - times[0]) / frame).astype(np.int64) * frame
        exact = np.maximum.accumulate(places - ramp) + ramp
        exact = np.maximum(exact, ramp)
        durations = np.append(np.diff(exact), frame)
        count = len(times)
        return SampleTrack(
            "audio", audio.rate, audio.entry, 0, 0,
            np.array(audio.offsets[:count], np.int64), np.array(audio.sizes[:count], np.int64),
            exact, durations, np.zeros(count, np.int64), np.ones(count, bool), 0,
        )  # fmt: skip


def _read_track(fields: dict[int, bytes]) -> _Track | None:
    """A track of which the packets can be copied into MP4; None for others."""
    codec = fields.get(_CODEC, b"").rstrip(b"\0").decode("latin-1")
    private = fields.get(_PRIVATE, b"")
    if _ENCODINGS in fields or not private or _NUMBER not in fields:
        return None
    if codec in _ENTRIES:
        picture = dict(_children(fields.get(_VIDEO, b"")))
        width, height = (_unsigned(picture.get(each, b"")) for each in (_WIDTH, _HEIGHT))
        return _Track(
            "video", _video_entry(*_ENTRIES[codec], private, width, height), width, height
        )
    sound = dict(_children(fields.get(_AUDIO, b"")))
    channels = _unsigned(sound.get(_CHANNELS, b"\1"))
    if codec.startswith("A_AAC"):
        rate = round(_float(sound.get(_RATE, b"")))
        entry = _audio_entry(b"mp4a", channels, rate, _esds(private))
        return _Track("audio", entry, rate=rate) if rate else None
    if codec == "A_OPUS" and private[:8] == b"OpusHead" and private[18:19] == b"\0":
        # The same numbers as in OpusHead, but in the other order of bytes.
        channels, skip, rate, gain = struct.unpack_from("<BHIh", private, 9)
        box = make_box(b"dOps", struct.pack(">BBHIhB", 0, channels, skip, rate, gain, 0))
        entry = _audio_entry(b"Opus", channels, _OPUS_RATE, box)
        delay = _unsigned(fields.get(_DELAY, b""))
        return _Track("audio", entry, rate=_OPUS_RATE, delay=delay)
    return None


def _video_entry(kind: bytes, box: bytes, private: bytes, width: int, height: int) -> SampleEntry:
    head = struct.pack(
        ">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 0x18, -1
    )  # fmt: skip
    return _as_entry(make_box(kind, head, make_box(box, private)), "video")


def _audio_entry(kind: bytes, channels: int, rate: int, box: bytes) -> SampleEntry:
    head = struct.pack(">6xH8xHHIH2x", 1, channels, 16, 0, min(rate, 0xFFFF))
    return _as_entry(make_box(kind, head, box), "audio")


def _as_entry(box: bytes, kind: Literal["video", "audio"]) -> SampleEntry:
    data = make_full_box(b"stsd", 0, 0, struct.pack(">I", 1), box)
    stsd = box_at(data, 0, len(data))
    assert stsd is not None
    return read_entry(data, stsd, kind)


def _esds(config: bytes) -> bytes:
    """The box of AAC (ISO/IEC 14496-1, 7.2.6) with an AudioSpecificConfig."""

    def part(tag: int, body: bytes) -> bytes:
        return bytes([tag, len(body)]) + body

    decoder = b"\x40\x15" + bytes(11) + part(5, config)
    stream = struct.pack(">HB", 0, 0) + part(4, decoder) + part(6, b"\2")
    return make_full_box(b"esds", 0, 0, part(3, stream))


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements in some bytes: their ids and contents."""
    at = 0
    while at + 2 <= len(data) and data[at]:
        length = 9 - data[at].bit_length()
        id = int.from_bytes(data[at : at + length], "big")
        size, used = _number(data, at + length)
        at += length + used
        end = len(data) if size is None else at + size
        yield id, data[at:end]
        at = end


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """A number of variable length and its length; None for an unknown size."""
    length = 9 - data[at].bit_length()
    if length > 8 or len(data) < at + length:
        raise ValueError("a number is cut short")
    value = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return (None if value == (1 << 7 * length) - 1 else value), length


def _unsigned(data: bytes) -> int:
    return int.from_bytes(data[:8], "big")


def _float(data: bytes) -> float:
    value: float = struct.unpack(">f" if len(data) == 4 else ">d", data)[0] if data else 0.0
    return value
