"""Finds what moves in a camera's pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from twistedcam.processing.motion.background import DARK, Background, Grid
from twistedcam.processing.motion.findings import Moving
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.processing.motion.tracker import Blob, BlobTracker, TrackedBlob
from twistedcam.processing.motion.zones import Cells, Zones

#: Seconds at the start in which the background is learnt and nothing is reported.
LEARN = 1.5
#: Standard deviations by which a cell of a blob differs, and one of its cells at least, unless it
#: has this share of all cells.
LOW, HIGH = 2.6, 5.0
BROAD = 0.003
#: Grey levels by which a cell of a blob differs.
LEVELS = 2.0
#: Standard deviations by which a cell has changed since the picture before.
CHANGED = 3.0
#: If a larger share of the picture differs at once, the light or the whole scene has changed.
WHOLE = 0.35
#: The share of a box's area that its blob fills at least: streaks of rain fill less.
FILLED = 0.45
#: The noise, as a share of the light, from which a thing is hard to see: then pictures are always
#: looked at more often.
NOISY = 0.028
#: Seconds for which a thing is followed as moving after it has moved, and for which it is kept out
#: of the background.
GOES_ON, KEPT_OUT = 0.6, 2.0
#: The blobs of a picture that are followed at most, the largest ones.
MOST_BLOBS = 60
#: New blobs in a picture, and their mean over a second, from which there is rain or strong noise.
MANY_NEW, MEAN_NEW = 4, 1.5
#: So many things are followed in snow, and a thing has so many times the mass of the largest.
SNOW, SNOW_SHARE = 12, 1.7
#: The share of a thing's cells that change at least when it begins to move.
ACTIVE = 0.12
#: The share that changes at least while it moves on the spot, after it has come there.
STIRS = 0.03
#: Standard deviations by which a thing differs whose size is not changed by noise.
CLEAR = 6.0
#: The share of the picture from which light is no thing although some of its edge is sharp, and
#: from which a thing may be the crown of a tree.
WIDE = 0.05
#: Seconds at the start in which only what goes away from where it was is motion: the noise of
#: places where something sways is not known yet.
YOUNG = 4.0
#: Seconds for which a thing that has gone somewhere may rest and move again in that place.
RESTS = 8.0
#: The share of the picture up to which a thing may be an insect.
INSECT = 0.04
#: The least share of a thing's values that are not those of the background; that of a wide one.
NEW, NEW_WIDE = 0.42, 0.5
#: The side of the parts in which they are compared, as a share of the picture's width: no leaf
#: goes farther.
PATCH = 0.1
#: The least sharpness of a thing's edges.
SHARP = 0.17


class Detector:
    """Finds moving things in grey pictures, a few in a second.

    A blob of cells that differ from the background is motion if it is followed over several
    pictures, moves, and changes as a thing does and not as light does.

    Arguments:
        settings: the least area and duration, the sensitivity, and zones.
    """

    def __init__(self, settings: MotionSettings | None = None) -> None:
        self._settings = settings = settings or MotionSettings()
        # 1 asks for about four times the difference from the background, 100 for half of it.
        away = (50 - settings.sensitivity) / 50
        self._factor = 4.0**away if away > 0 else 2.0**away
        self._background: Background | None = None
        self._zones = Zones((), (), (1, 1))
        self._tracker = BlobTracker()
        self._time = 0.0
        self._learnt_at = 0.0
        #: The difference of the picture before from its background.
        self._before: Grid = np.zeros((1, 1), np.float32)
        self._picture = self._before
        #: The number of blobs in the newest picture that were not there before, and its mean.
        self._new = 0
        self._mean_new = 0.0
        #: True if nothing differs from the background, and that would be seen at once.
        self.is_calm = False

    def feed(self, grey: NDArray[np.uint8], time: float) -> list[Moving]:
        """Take a picture; return what moves in it, the strongest first.

        Arguments:
            grey: (height, width) uint8, some 15,000 pixels.
            time: seconds on a clock that goes forward.
        """
        smooth = cv2.GaussianBlur(grey.astype(np.float32), (3, 3), 0.9)
        picture: Grid = np.asarray(smooth, np.float32)
        background = self._background
        if background is None or background.shape != picture.shape:
            self._begin(picture, time)
            self.is_calm = False
            return []
        seconds = min(1.0, max(1e-3, time - self._time))
        self._time = time
        difference, uncertainty = background.compare(picture)
        strength = difference / uncertainty
        change = (difference - self._before) / uncertainty
        self._before, self._picture = difference, picture
        size = np.abs(strength)
        low = (size > LOW * self._factor) & (np.abs(difference) > LEVELS * self._factor)
        is_whole = float(np.mean(low)) > WHOLE
        if self._zones.counted is not None:
            low &= self._zones.counted
        moving = np.zeros(picture.shape, bool)
        found: list[Moving] = []
        is_learning = time < self._learnt_at
        if is_learning or (is_whole and not self._tracker.moved_since(time - 1)):
            if is_whole:
                background.replace(picture, 0.5)
            self._tracker = BlobTracker()
        else:
            found = self._follow(low, strength, change, moving, time, seconds)
        background.learn(picture, difference, low, moving, seconds)
        if self._tracker.all:  # what becomes a part of the background does not change by that
            self._before = np.where(low, background.difference(picture), difference)
        is_noisy = background.noise > NOISY
        self.is_calm = not (is_learning or is_whole or is_noisy or self._tracker.all)
        return found

    def _begin(self, picture: Grid, time: float) -> None:
        self._background = Background(picture)
        rows, columns = picture.shape
        self._zones = Zones(self._settings.zones, self._settings.ignore, (rows, columns))
        self._tracker = BlobTracker()
        self._time, self._learnt_at = time, time + LEARN
        self._before = np.zeros_like(picture)

    def _follow(
        self,
        low: Cells,
        strength: Grid,
        change: Grid,
        moving: Cells,
        time: float,
        seconds: float,
    ) -> list[Moving]:
        """Return what moves, and mark its cells in ``moving``."""
        blobs, labels = self._find_blobs(low, np.abs(strength))
        tracks = self._tracker.update(time, blobs)
        self._new = sum(each.count == 1 for each in tracks.values())
        self._mean_new += min(1.0, seconds) * (self._new - self._mean_new)
        found: list[Moving] = []
        for blob in blobs:
            track = tracks[blob.label]
            self._measure_change(track, blob, strength, change)
            if self._is_moving(track, blob, labels, time):
                track.moved_at = time
                found.append(self._describe(track, blob, labels))
            if track.moved_at > time - KEPT_OUT:
                moving |= labels == blob.label
        if moving.any():
            wide = cv2.dilate(moving.astype(np.uint8), np.ones((3, 3), np.uint8))
            np.copyto(moving, wide > 0)
        found.sort(key=lambda each: -each.score)
        return found

    def _is_young(self, time: float) -> bool:
        return time < self._learnt_at - LEARN + YOUNG

    def _find_blobs(self, low: Cells, size: Grid) -> tuple[list[Blob], NDArray[np.int32]]:
        """Return the blobs, and their labels by cell."""
        rows, columns = low.shape
        # The parts of a person, whose clothes may have the background's brightness, are one.
        tall, wide = max(3, rows // 22) | 1, max(3, columns // 60) | 1
        joined = cv2.morphologyEx(
            low.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((tall, wide), np.uint8)
        )
        count, found, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        labels = np.asarray(found, np.int32)
        blobs: list[Blob] = []
        largest = np.argsort(stats[1:count, cv2.CC_STAT_AREA])[::-1][:MOST_BLOBS] + 1
        for label in largest.tolist():
            left, top, width, height, cells = (int(each) for each in stats[label])
            if cells < 3:
                continue
            part = (slice(top, top + height), slice(left, left + width))
            inside = (labels[part] == label) & low[part]
            values = size[part][inside]
            if not len(values):
                continue
            if float(values.max()) < HIGH * self._factor and len(values) < BROAD * low.size:
                continue
            ys, xs = np.nonzero(inside)
            weights = np.minimum(values, 8.0)
            total = float(weights.sum())
            x, y = float((xs * weights).sum()), float((ys * weights).sum())
            box = (left, top, left + width, top + height)
            centre = (left + x / total, top + y / total)
            blobs.append(Blob(label, box, centre, cells, float(values.mean())))
        return blobs, labels

    def _measure_change(self, track: TrackedBlob, blob: Blob, strength: Grid, change: Grid) -> None:
        left, top, right, bottom = track.area_of_change()
        around = (slice(max(0, top - 1), bottom + 1), slice(max(0, left - 1), right + 1))
        moved, now = change[around], strength[around]
        changed = np.count_nonzero(np.abs(moved) > CHANGED * self._factor)
        product = float((moved * now).sum())
        norm = float(np.sqrt((moved * moved).sum() * (now * now).sum())) + 1e-6
        track.note_change(changed / max(blob.cells, 1), max(0.0, product / norm))

    def _is_moving(
        self, track: TrackedBlob, blob: Blob, labels: NDArray[np.int32], time: float
    ) -> bool:
        cells = labels.size
        left, top, right, bottom = blob.box
        least_area = self._settings.min_area / 100 * cells
        # A cell more on each side: the edge of a thing is somewhere within its outer cells.
        area = (right - left + 2) * (bottom - top + 2)
        if area < least_area or blob.cells < FILLED * least_area:
            return False
        is_young = self._is_young(time)
        if not track.has_travelled and (is_young or track.stays_in_place(time)):
            return False
        if track.moved_at > time - (RESTS if track.has_travelled else GOES_ON):
            # As long as anything in it changes: somebody who has come may only move an arm.
            return track.active > (STIRS if track.has_travelled else 2 * STIRS)
        clutter = self._tracker.clutter_beside(blob, cells)
        is_calm = not clutter and self._new < MANY_NEW and self._mean_new < MEAN_NEW
        is_snow = self._tracker.crowd >= SNOW
        is_clear = is_calm or track.mass > 2.5 * clutter > 0
        # Rain and noise are followed for a few pictures at most.
        needed = 8 if is_young else 4 if is_calm else 5 if is_clear else 8
        if time - track.began < self._settings.min_duration - 0.01 or track.steady < needed:
            return False
        if track.changes < needed - (2 if is_clear else 3):
            return False
        if not is_clear and track.mass < clutter * (SNOW_SHARE if is_snow else 1):
            return False
        if track.active < ACTIVE or track.has_shrunk(time):
            return False
        is_small = blob.cells < INSECT * cells and blob.strength > CLEAR
        if is_small and not is_snow and track.is_erratic(time):
            return False
        rows, columns = self._before.shape
        is_inside = left > 0 and top > 0 and right < columns and bottom < rows
        shift, straight = track.shift(time, is_inside)
        least = max(0.9, 0.05 * max(right - left, bottom - top))
        if shift < least or straight <= (0.3 if is_clear else 0.5):
            return False
        least_new = NEW_WIDE if blob.cells > WIDE * cells else NEW
        is_thing = self._sharpness(blob) > SHARP and self._newness(blob, labels) > least_new
        track.looks_real = track.looks_real + 1 if is_thing else 0
        return track.looks_real > (blob.cells > WIDE * cells)

    def _newness(self, blob: Blob, labels: NDArray[np.int32]) -> float:
        """Return how much a blob's cells have other values than before, from 0 to 1.

        Leaves, folds of a flag, and the shadows of a tree are in other places than in the
        background, but have the same values.
        """
        left, top, right, bottom = blob.box
        side = max(4, round(labels.shape[1] * PATCH))
        new = whole = 0.0
        for y in range(top, bottom, side):
            for x in range(left, right, side):
                part = (slice(y, min(bottom, y + side)), slice(x, min(right, x + side)))
                inside = labels[part] == blob.label
                now, difference = self._picture[part][inside], self._before[part][inside]
                new += float(np.abs(np.sort(now) - np.sort(now - difference)).sum())
                whole += float(np.abs(difference).sum())
        return new / max(whole, 1e-6)

    def _sharpness(self, blob: Blob) -> float:
        """Return how sharp a blob's edges are, from 0 to 0.5: those of light are soft."""
        left, top, right, bottom = blob.box
        around = (slice(max(0, top - 2), bottom + 2), slice(max(0, left - 2), right + 2))
        now, difference = self._picture[around] + DARK, self._before[around]
        light = cv2.blur(np.log(now / np.maximum(now - difference, 1)), (3, 3))
        slope = cv2.magnitude(
            cv2.Sobel(light, cv2.CV_32F, 1, 0, ksize=1, scale=0.5),
            cv2.Sobel(light, cv2.CV_32F, 0, 1, ksize=1, scale=0.5),
        )
        much = float(np.percentile(np.abs(light), 90))
        return float(np.percentile(slope, 95)) / max(much, 1e-6)

    def _describe(self, track: TrackedBlob, blob: Blob, labels: NDArray[np.int32]) -> Moving:
        rows, columns = labels.shape
        left, top, right, bottom = blob.box
        box = (left / columns, top / rows, (right - left) / columns, (bottom - top) / rows)
        x, y, width, height = (round(each, 4) for each in box)
        # 50 for a tenth of the picture that differs by three deviations.
        score = 100 * (1 - 2.0 ** (-((blob.mass / (0.1 * labels.size)) ** 0.5) / 1.7))
        zone = self._zones.name_of(labels == blob.label)
        return Moving(track.began, (x, y, width, height), round(score, 1), zone)
