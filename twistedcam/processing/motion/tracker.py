"""Follows blobs, which differ from the background, from picture to picture."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

#: Seconds for which a track is kept without being seen.
LOST = 0.45
#: Seconds over which a movement is measured.
WINDOW = 1.0
#: Seconds over which its changes and its size are considered.
RECENT = 1.2
#: Seconds for which clutter is remembered.
CLUTTER = 4.0
#: So many blobs that are followed at once are weather, unless they are as large a share of the
#: picture.
CROWD, LARGE = 6, 0.015


@dataclass(frozen=True, slots=True)
class Blob:
    """A connected part of the picture that differs from the background, in cells.

    Arguments:
        box: left, top, right, bottom; the last two are exclusive.
        centre: of its cells, weighted by their difference.
        cells: the number of its cells.
        strength: the mean difference in standard deviations.
    """

    label: int
    box: tuple[int, int, int, int]
    centre: tuple[float, float]
    cells: int
    strength: float

    @property
    def mass(self) -> float:
        """The number of cells by their strength: how conspicuous it is."""
        return self.cells * self.strength


@dataclass(eq=False)
class TrackedBlob:
    """One thing over time."""

    #: The time since when it is seen without long gaps.
    began: float
    seen: deque[tuple[float, Blob]] = field(default_factory=lambda: deque(maxlen=40))
    #: The number of pictures that it was seen in.
    count: int = 0
    #: The same since it began, less those in which it was not seen.
    steady: float = 0.0
    moved_at: float = -1e9
    #: The number of its cells that changed in the newest picture, by the number of its cells.
    active: float = 0.0
    #: The greatest mass of the last time.
    mass: float = 0.0
    #: The times of pictures in which it changed as a thing that moves does.
    _changed: deque[float] = field(default_factory=lambda: deque(maxlen=40))

    @property
    def last(self) -> Blob:
        """The newest blob."""
        return self.seen[-1][1]

    def add(self, time: float, blob: Blob) -> None:
        """Add the blob of a picture."""
        if self.steady <= 0:
            self.began = time
        self.seen.append((time, blob))
        self.count += 1
        self.steady += 1
        since = max(self.began, time - RECENT)
        self.mass = max([each.mass for at, each in self.seen if at >= since])

    def miss(self) -> None:
        """Note that it is not seen in a picture."""
        self.steady = max(0.0, self.steady - 1.5)

    def note_change(self, active: float, alike: float) -> None:
        """Note how it has changed since the picture before.

        Arguments:
            active: the number of cells that have changed by the number of its cells.
            alike: how much the change looks like the whole blob growing stronger, 0 to 1: light
                that becomes brighter does, a thing that moves does not.
        """
        self.active = active
        if self.count > 1 and active > 0.12 and alike < 0.85:
            self._changed.append(self.seen[-1][0])

    @property
    def changes(self) -> int:
        """The number of pictures of the last time in which it changed as a thing does."""
        since = max(self.began, self.seen[-1][0] - RECENT)
        return sum(time >= since for time in self._changed)

    def area_of_change(self) -> tuple[int, int, int, int]:
        """Return the box of where it is and where it was in the picture before."""
        boxes = [blob.box for _, blob in list(self.seen)[-2:]]
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    def predicted(self, time: float) -> tuple[float, float]:
        """Return where its centre should be."""
        t1, b1 = self.seen[-1]
        if len(self.seen) < 3:
            return b1.centre
        t0, b0 = self.seen[max(0, len(self.seen) - 4)]
        share = min(1.0, (time - t1) / max(1e-3, t1 - t0))
        return (
            b1.centre[0] + share * (b1.centre[0] - b0.centre[0]),
            b1.centre[1] + share * (b1.centre[1] - b0.centre[1]),
        )

    def shift(self, time: float) -> tuple[float, float]:
        """Return how far it has moved in the last second, in cells, and how straight, 0 to 1."""
        recent = [blob for at, blob in self.seen if at >= time - WINDOW]
        if len(recent) < 2:
            return 0.0, 0.0
        first, last = recent[0], recent[-1]
        best, straight = 0.0, 0.0
        for index in range(4):
            sides = [blob.box[index] for blob in recent]
            net = abs(sides[-1] - sides[0])
            if net > best:
                way = sum(abs(b - a) for a, b in pairwise(sides))
                best, straight = float(net), net / max(way, 1)
        far = _distance(first.centre, last.centre)
        path = sum(_distance(a.centre, b.centre) for a, b in pairwise(recent))
        if far >= 0.6 * best:
            return far, far / max(path, 1e-6)
        return 0.6 * best, straight


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)


class BlobTracker:
    """Follows blobs from picture to picture."""

    def __init__(self) -> None:
        self.all: list[TrackedBlob] = []
        #: Times and masses of tracks that were lost and never moved: rain, noise.
        self._clutter: deque[tuple[float, float]] = deque()
        #: The greatest mass of what was taken for a thing lately and was none.
        self.clutter = 0.0
        #: The number of things that are followed, and the second largest mass of them.
        self._crowd, self._crowd_mass = 0, 0.0

    def clutter_beside(self, blob: Blob, cells: int) -> float:
        """Return the mass of clutter that a blob is compared with.

        Arguments:
            cells: the number of cells of the picture.
        """
        if self._crowd < CROWD or blob.cells >= LARGE * cells:
            return self.clutter
        # Snow, or drops that are followed: a thing has to be much larger than all but one of them.
        return max(self.clutter, 1.5 * self._crowd_mass)

    def moved_since(self, time: float) -> bool:
        """Return True if something has moved since a time."""
        return any(each.moved_at > time for each in self.all)

    def update(self, time: float, blobs: list[Blob]) -> dict[int, TrackedBlob]:
        """Match blobs to tracks; return the track of each blob by the blob's label."""
        pairs = self._pair(time, blobs)
        found: dict[int, TrackedBlob] = {}
        taken: set[TrackedBlob] = set()
        for _, track, blob in pairs:
            if track in taken or blob.label in found:
                continue
            taken.add(track)
            found[blob.label] = track
            track.add(time, blob)
        for blob in blobs:
            if blob.label not in found:
                track = TrackedBlob(time)
                track.add(time, blob)
                self.all.append(track)
                taken.add(track)
                found[blob.label] = track
        for track in self.all:
            if track not in taken:
                track.miss()
        for track in self.all:
            if track.seen[-1][0] <= time - LOST and track.moved_at < 0:
                self._clutter.append((time, track.mass))
        while self._clutter and self._clutter[0][0] < time - CLUTTER:
            self._clutter.popleft()
        self.all = [each for each in self.all if each.seen[-1][0] > time - LOST]
        self.clutter = max((mass for _, mass in self._clutter), default=0.0)
        crowd = sorted([each.mass for each in self.all if each.count > 1])
        self._crowd, self._crowd_mass = len(crowd), crowd[-2] if len(crowd) > 1 else 0.0
        return found

    def _pair(self, time: float, blobs: list[Blob]) -> list[tuple[float, TrackedBlob, Blob]]:
        """Return the tracks with the blobs that may be the same thing, the most likely first."""
        pairs: list[tuple[float, TrackedBlob, Blob]] = []
        # There may be thousands of pairs in a picture, and most of them are far from each other.
        sized = [(*blob.centre, 0.35 * _size(blob), blob) for blob in blobs]
        for track in self.all:
            x, y = track.predicted(time)
            last = track.last
            own = 0.35 * _size(last)
            for at_x, at_y, size, blob in sized:
                reach = 3.0 + (own if own > size else size)
                away_x, away_y = at_x - x, at_y - y
                far = (away_x * away_x + away_y * away_y) ** 0.5
                if far > reach and not (
                    _overlap(last.box, blob.box) and 0.2 < blob.cells / last.cells < 5
                ):
                    continue
                pairs.append((far - min(last.cells, blob.cells) ** 0.5, track, blob))
        pairs.sort(key=lambda each: each[0])
        return pairs


def _size(blob: Blob) -> float:
    left, top, right, bottom = blob.box
    return max(right - left, bottom - top)


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
