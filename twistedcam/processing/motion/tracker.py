"""Follows blobs, which differ from the background, from picture to picture."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from math import log

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.int64]

#: Seconds for which a track is kept without being seen.
LOST = 0.45
#: Seconds over which a movement is measured.
WINDOW = 1.0
#: Seconds over which its changes and its size are considered.
RECENT = 1.2
#: Seconds for which clutter is remembered.
CLUTTER = 4.0
#: Seconds after which what changes in one place is a flag or a branch, and by how much the box
#: around all its places is larger than the largest of them.
IN_PLACE, WIDER = 2.5, 1.35
#: Lengths of itself by which a thing moves in a second at most, and by how much the logarithm of
#: its size may go up and down from picture to picture.
FAST, UNSTEADY = 4.5, 0.24
#: The share of its length by which a side of a thing may move while it stays where it is.
LOOSE = 0.17
#: The share of its greatest size from which a thing fades.
SHRUNK = 0.4
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
    #: True if it has gone away from where it was first seen.
    has_travelled: bool = False
    #: Where that was.
    _origin: tuple[float, float] = (0.0, 0.0)
    #: The number of pictures that follow each other in which it looks like a thing that moves.
    looks_real: int = 0
    #: The times of pictures in which it changed as a thing that moves does.
    _changed: deque[float] = field(default_factory=lambda: deque(maxlen=40))

    @property
    def last(self) -> Blob:
        """The newest blob."""
        return self.seen[-1][1]

    def add(self, time: float, blob: Blob) -> None:
        """Add the blob of a picture."""
        if self.steady <= 0:
            self.began, self._origin, self.has_travelled = time, blob.centre, False
        left, top, right, bottom = blob.box
        if _distance(self._origin, blob.centre) > min(right - left, bottom - top):
            self.has_travelled = True
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

    def stays_in_place(self, time: float) -> bool:
        """Return True if it has changed for long without going anywhere: a flag, a branch."""
        boxes = [blob.box for at, blob in self.seen if at >= time - IN_PLACE]
        if self.began > time - IN_PLACE or len(boxes) < 5:
            return False
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        union = (max(rights) - min(lefts)) * (max(bottoms) - min(tops))
        areas = [(right - left) * (bottom - top) for left, top, right, bottom in boxes]
        third = len(areas) // 3
        before, after = sorted(areas[:third])[third // 2], sorted(areas[-third:])[third // 2]
        # Somebody who comes nearer grows in the same place.
        return bool(union < WIDER * max(areas) and before / WIDER < after < before * WIDER)

    def has_shrunk(self, time: float) -> bool:
        """Return True if it is much smaller than a moment ago: something that fades."""
        recent = [blob.cells for at, blob in self.seen if at >= time - WINDOW]
        return bool(recent[-1] < SHRUNK * max(recent))

    def is_erratic(self, time: float) -> bool:
        """Return True if it is too fast, or grows and shrinks: an insect close to the lens."""
        recent = [(at, blob) for at, blob in self.seen if at >= time - WINDOW]
        steps = len(recent) - 1
        if steps < 1:
            return False
        blobs = [blob for _, blob in recent]
        sizes = [log(blob.cells) for blob in blobs]
        growth = sum([abs(b - a) for a, b in pairwise(sizes)]) - abs(sizes[-1] - sizes[0])
        way = sum([_distance(a.centre, b.centre) for a, b in pairwise(blobs)])
        length = sum([_length(blob) for blob in blobs]) / len(blobs)
        speed = way / max(length, 1) / max(recent[-1][0] - recent[0][0], 0.05)
        return speed > FAST or growth > UNSTEADY * steps

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

    def shift(self, time: float, is_inside: bool = False) -> tuple[float, float]:
        """Return how far it has moved in the last second, in cells, and how straight, 0 to 1.

        Arguments:
            is_inside: True if the whole thing can be seen: then all of it has to move.
        """
        recent = [blob for at, blob in self.seen if at >= time - WINDOW]
        if len(recent) < 2:
            return 0.0, 0.0
        first, last = recent[0], recent[-1]
        best, straight = 0.0, 0.0
        for index in range(4):
            sides = [blob.box[index] for blob in recent]
            net = abs(sides[-1] - sides[0])
            if net > best:
                way = sum([abs(b - a) for a, b in pairwise(sides)])
                best, straight = float(net), net / max(way, 1)
        if is_inside:
            left, top, right, bottom = last.box
            best = max(0.0, best - LOOSE * max(right - left, bottom - top))
        far = _distance(first.centre, last.centre)
        if far >= 0.6 * best:
            path = sum([_distance(a.centre, b.centre) for a, b in pairwise(recent)])
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
        self.crowd, self._crowd_mass = 0, 0.0

    def clutter_beside(self, blob: Blob, cells: int) -> float:
        """Return the mass of clutter that a blob is compared with.

        Arguments:
            cells: the number of cells of the picture.
        """
        if self.crowd < CROWD or blob.cells >= LARGE * cells:
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
        self.crowd, self._crowd_mass = len(crowd), crowd[-2] if len(crowd) > 1 else 0.0
        return found

    def _pair(self, time: float, blobs: list[Blob]) -> list[tuple[float, TrackedBlob, Blob]]:
        """Return the tracks with the blobs that may be the same thing, the most likely first."""
        if not blobs or not self.all:
            return []
        # There may be thousands of pairs in a picture, and most of them are far from each other.
        lasts = [track.last for track in self.all]
        x, y = np.array([track.predicted(time) for track in self.all]).T[:, :, None]
        to_x, to_y = np.array([blob.centre for blob in blobs]).T
        far = np.hypot(to_x - x, to_y - y)
        was, now = np.array([each.box for each in lasts]), np.array([each.box for each in blobs])
        reach = 3.0 + 0.35 * np.maximum(_sizes(was)[:, None], _sizes(now))
        old, new = np.array([each.cells for each in lasts]), np.array([e.cells for e in blobs])
        share = new / old[:, None]
        near = (far <= reach) | (_overlaps(was[:, None], now) & (share > 0.2) & (share < 5))
        order = far - np.minimum(old[:, None], new) ** 0.5
        pairs = [
            (float(order[one, other]), self.all[one], blobs[other])
            for one, other in np.argwhere(near).tolist()
        ]
        pairs.sort(key=lambda each: each[0])
        return pairs


def _length(blob: Blob) -> int:
    left, top, right, bottom = blob.box
    return max(right - left, bottom - top)


def _sizes(boxes: Boxes) -> Boxes:
    wide, tall = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return np.asarray(np.maximum(wide, tall))


def _overlaps(a: Boxes, b: Boxes) -> NDArray[np.bool_]:
    across = (a[..., 0] <= b[..., 2]) & (b[..., 0] <= a[..., 2])
    return np.asarray(across & (a[..., 1] <= b[..., 3]) & (b[..., 1] <= a[..., 3]))
