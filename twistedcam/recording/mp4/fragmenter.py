"""Divides a file's samples into fragments of about a second, whose sizes are known beforehand."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from twistedcam.recording.mp4.arrays import Numbers
from twistedcam.recording.mp4.boxes import UnreadableMovie, make_box, make_full_box
from twistedcam.recording.mp4.sample_table import Movie, SampleTrack
from twistedcam.util.libraries import np

#: Bytes of a fragment besides those of its samples: with video alone, and with sound in addition.
#: moof 8, mfhd 16, mdat 8; for each track traf 8, tfhd 16, tfdt 20, trun 20.
_FRAME, _SOUND = 32 + 64, 64
#: Bytes of a sample in a fragment besides its data.
_VIDEO_ROW, _AUDIO_ROW = 16, 8
_VIDEO_FLAGS, _AUDIO_FLAGS = 0xF01, 0x301
#: Flags of samples (ISO/IEC 14496-12, 8.8.3.1): others depend on it or not.
SYNC, NOT_SYNC = 0x02000000, 0x01010000
#: The track ids in the output.
VIDEO, AUDIO = 1, 2
_MAX_BYTES = 0xFFFF_FFFF


class Extent(NamedTuple):
    """Adjacent bytes of a file."""

    offset: int
    size: int


class MovieLayout(NamedTuple):
    """The numbers that the size of a file's fragments follows from.

    Arguments:
        identity: equal for files that can follow each other in one MP4.
        fragments, sound_fragments: number of fragments, and of those that contain sound.
        video_samples, audio_samples: number of samples.
        data_bytes: bytes of all samples.
        duration: steps of the video's timescale.
        timescale: steps of the video a second.
    """

    identity: int
    fragments: int
    sound_fragments: int
    video_samples: int
    audio_samples: int
    data_bytes: int
    duration: int
    timescale: int

    @property
    def size(self) -> int:
        """Bytes of all fragments."""
        return (
            self.data_bytes
            + self.fragments * _FRAME
            + self.sound_fragments * _SOUND
            + self.video_samples * _VIDEO_ROW
            + self.audio_samples * _AUDIO_ROW
        )

    @property
    def seconds(self) -> float:
        """The duration."""
        return self.duration / self.timescale


def sizes_of(layouts: Numbers) -> Numbers:
    """The sizes of many layouts, which are the rows of a table. See ``MovieLayout.size``."""
    return np.asarray(
        layouts[:, 5]
        + layouts[:, 1] * _FRAME
        + layouts[:, 2] * _SOUND
        + layouts[:, 3] * _VIDEO_ROW
        + layouts[:, 4] * _AUDIO_ROW
    )


def identity_of(movie: Movie) -> int:
    """A number that is equal for files whose samples decode the same way."""
    digest = sha256()
    for track in (movie.video, movie.audio):
        if track is None:
            digest.update(b"none")
            continue
        numbers = track.timescale, track.width, track.height, track.origin
        digest.update(struct.pack(">IIIQ", *numbers))
        digest.update(track.entry.identity)
    return int.from_bytes(digest.digest()[:6], "big")


@dataclass(frozen=True, eq=False)
class Cut:
    """A part of a file, from a key frame on, in fragments.

    Arguments:
        starts: the first video sample of each fragment, and the end of the last.
        sounds: the same for the sound; all equal without sound.
    """

    movie: Movie
    starts: Numbers
    sounds: Numbers

    @classmethod
    def of(cls, movie: Movie, since: float | None = None, until: float | None = None) -> Cut:
        """The part from the key frame at or before a time up to another time.

        Arguments:
            since, until: seconds from the first picture of the file; None for the whole.

        Raises:
            UnreadableMovie: the part is empty, or too large.
        """
        video = movie.video
        syncs = np.flatnonzero(video.is_sync)
        shown = video.shown - video.shown[int(syncs[0])]
        first = int(syncs[0])
        if since is not None:
            place = np.searchsorted(shown[syncs], round(since * video.timescale), "right")
            first = int(syncs[max(0, int(place) - 1)])
        last = len(video)
        if until is not None:
            last = int(np.searchsorted(video.times, round(until * video.timescale), "left"))
        if last <= first:
            raise UnreadableMovie("nothing is left of it")
        starts = _group(video, syncs[(syncs >= first) & (syncs < last)], last)
        cut = cls(movie, starts, _sounds(movie, starts, since is not None, last < len(video)))
        if int(cut.sizes.max()) > _MAX_BYTES:
            raise UnreadableMovie("it has too much between two key frames")
        return cut

    def beginning(self, layout: MovieLayout) -> Cut:
        """The part that had a layout when the file was shorter: it has grown since.

        Only the last fragment can have been shorter, and sound that came late is missing.

        Returns:
            A part with other numbers if the file has not only grown.
        """
        stop = int(self.starts[0]) + layout.video_samples
        sound_stop = int(self.sounds[0]) + layout.audio_samples
        starts = np.append(self.starts[: layout.fragments], stop)
        sounds = np.append(self.sounds[: layout.fragments], sound_stop)
        if len(starts) > len(self.starts) or stop > self.starts[-1]:
            return self
        video, audio = self.movie.video.up_to(stop), self.movie.audio
        if audio is not None:
            audio = audio.up_to(sound_stop)
        return Cut(Movie(video, audio), starts, np.minimum(sounds, sound_stop))

    @property
    def since(self) -> float:
        """The time of its first picture, in seconds from the first one of the file."""
        video = self.movie.video
        shown = video.shown
        first = shown[int(np.argmax(video.is_sync))]
        return float((shown[int(self.starts[0])] - first) / video.timescale)

    @property
    def duration(self) -> int:
        """Steps of the video's timescale."""
        return int(self._decoded(len(self.starts) - 1) - self._decoded(0))

    @property
    def durations(self) -> Numbers:
        """Steps of each fragment."""
        return np.diff(np.array([self._decoded(each) for each in range(len(self.starts))]))

    @property
    def sizes(self) -> Numbers:
        """Bytes of each fragment."""
        sizes = self._data(self.movie.video, self.starts) + _FRAME
        sizes += np.diff(self.starts) * _VIDEO_ROW
        if self.movie.audio is not None:
            counts = np.diff(self.sounds)
            sizes += self._data(self.movie.audio, self.sounds)
            sizes += counts * _AUDIO_ROW + (counts > 0) * _SOUND
        return sizes

    @property
    def layout(self) -> MovieLayout:
        """The numbers of this part."""
        video, audio = self.movie.video, self.movie.audio
        data = int(self._data(video, self.starts).sum())
        counts = np.diff(self.sounds)
        if audio is not None:
            data += int(self._data(audio, self.sounds).sum())
        return MovieLayout(
            identity_of(self.movie),
            len(self.starts) - 1,
            int((counts > 0).sum()),
            int(self.starts[-1] - self.starts[0]),
            int(counts.sum()),
            data,
            self.duration,
            video.timescale,
        )

    def head(self, number: int, sequence: int, base: int) -> bytes:
        """A fragment up to its data.

        Arguments:
            number: that of the fragment in this part.
            sequence: its sequence number in the output.
            base: the time of the first sample of this part in the output, in video steps.
        """
        video, audio = self.movie.video, self.movie.audio
        places = slice(int(self.starts[number]), int(self.starts[number + 1]))
        sounds = slice(int(self.sounds[number]), int(self.sounds[number + 1]))
        has_sound = audio is not None and sounds.stop > sounds.start
        rows = (places.stop - places.start) * _VIDEO_ROW
        offset = _FRAME + rows
        if has_sound:
            offset += _SOUND + (sounds.stop - sounds.start) * _AUDIO_ROW
        flags = np.where(video.is_sync[places], SYNC, NOT_SYNC)
        columns = [video.durations[places], video.sizes[places], flags, video.shifts[places]]
        time = base + int(video.times[places.start]) - self._decoded(0)
        trafs = [_traf(VIDEO, time, _VIDEO_FLAGS, offset, columns)]
        size = int(video.sizes[places].sum())
        if has_sound:
            assert audio is not None
            columns = [audio.durations[sounds], audio.sizes[sounds]]
            begin = self._decoded(0) * audio.timescale // video.timescale
            start = base * audio.timescale // video.timescale
            time = max(0, start + int(audio.times[sounds.start]) - begin)
            trafs.append(_traf(AUDIO, time, _AUDIO_FLAGS, offset + size, columns))
            size += int(audio.sizes[sounds].sum())
        mfhd = make_full_box(b"mfhd", 0, 0, struct.pack(">I", sequence))
        return make_box(b"moof", mfhd, *trafs) + struct.pack(">I4s", size + 8, b"mdat")

    def extents(self, number: int) -> list[Extent]:
        """The places of a fragment's data in the file, in the order of the output."""
        found = _extents(self.movie.video, self.starts[number], self.starts[number + 1])
        if self.movie.audio is not None:
            found += _extents(self.movie.audio, self.sounds[number], self.sounds[number + 1])
        return found

    def _decoded(self, number: int) -> int:
        """The time of decoding at which a fragment begins, in steps."""
        at = int(self.starts[number])
        video = self.movie.video
        return int(video.times[at]) if at < len(video) else video.end

    @staticmethod
    def _data(track: SampleTrack, starts: Numbers) -> Numbers:
        before = np.concatenate(([0], np.cumsum(track.sizes)))
        return np.asarray(np.diff(before[starts]))


def next_key_frame(movie: Movie, time: float) -> float | None:
    """The time of the first key frame at or after a time; None if there is none.

    Arguments:
        time: seconds from the first picture of the file, as the result.
    """
    video = movie.video
    shown = video.shown[np.flatnonzero(video.is_sync)]
    shown = shown - shown[0]
    place = int(np.searchsorted(shown, round(time * video.timescale), "left"))
    return float(shown[place] / video.timescale) if place < len(shown) else None


def _group(video: SampleTrack, syncs: Numbers, last: int) -> Numbers:
    """The starts of fragments that begin with a key frame and have a second at least."""
    times, starts, at = video.times[syncs], [], 0
    while at < len(syncs):
        starts.append(int(syncs[at]))
        at = max(at + 1, int(np.searchsorted(times, times[at] + video.timescale, "left")))
    return np.array([*starts, last], np.int64)


def _sounds(movie: Movie, starts: Numbers, is_cut: bool, is_short: bool) -> Numbers:
    """The sound samples that belong to fragments of the video."""
    audio, video = movie.audio, movie.video
    if audio is None:
        return np.zeros(len(starts), np.int64)
    ends = np.append(video.times, video.end)[starts]
    found = np.searchsorted(audio.times * video.timescale, ends * audio.timescale, "left")
    if not is_cut:
        # A short first sample is silence that a recording begins with, up to its first sound.
        found[0] = 1 if len(audio) > 2 and audio.durations[0] < audio.durations[1] else 0
    if not is_short:
        found[-1] = len(audio)
    return np.maximum.accumulate(found).astype(np.int64)


def _traf(track: int, time: int, flags: int, offset: int, columns: list[Any]) -> bytes:
    count = len(columns[0])
    rows = np.stack(columns, 1).astype(">i8").astype(">u4", casting="unsafe").tobytes()
    return make_box(
        b"traf",
        make_full_box(b"tfhd", 0, 0x20000, struct.pack(">I", track)),
        make_full_box(b"tfdt", 1, 0, struct.pack(">Q", time)),
        make_full_box(b"trun", 1, flags, struct.pack(">Ii", count, offset), rows),
    )


def _extents(track: SampleTrack, start: int, end: int) -> list[Extent]:
    """Adjacent samples together."""
    if end <= start:
        return []
    offsets, sizes = track.offsets[start:end], track.sizes[start:end]
    breaks = np.flatnonzero(offsets[1:] != offsets[:-1] + sizes[:-1]) + 1
    firsts = np.concatenate(([0], breaks))
    lengths = np.add.reduceat(sizes, firsts)
    return [Extent(int(o), int(n)) for o, n in zip(offsets[firsts], lengths, strict=True)]
