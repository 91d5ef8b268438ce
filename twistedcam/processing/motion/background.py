"""The background of a camera's picture: its grey values, its noise, and the light on it."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]

#: Seconds in which the background follows a change that is no motion.
FOLLOW = 4.0
#: Seconds in which a thing that has stopped becomes part of the background.
ABSORB = 6.0
#: Seconds in which the noise is learnt; and the delay after which it is, when it is known
#: what has been moving.
NOISE = 5.0
DELAY = 0.8
#: Grey levels that are added before ratios are taken: the light of a dark cell is uncertain.
DARK = 24.0
#: The least noise, in grey levels: JPEG artefacts are below it.
LEAST_NOISE = 0.7
#: The side of the cells by which the light is estimated, in cells of the grid, and the side of
#: the median over them. Light has no smaller shapes, and a thing covers less than half of it.
LIGHT_CELL = 4
LIGHT_MEDIAN = 11
#: The uncertainty of the light, as a share: by its roughness, and by how much it has changed.
ROUGH, CHANGED_LIGHT = 0.5, 0.06
#: Grey levels from which a cell may be too bright to be measured.
CLIPPED = 245
#: Pictures after which the edges of the background are looked for again.
EDGES_PERIOD = 8


class Background:
    """Learns a picture without what moves in it.

    Arguments:
        grey: the first picture, (height, width) float32.
    """

    def __init__(self, grey: Grid) -> None:
        self.shape = grey.shape
        self._mean = grey.copy()
        #: The variance of each cell around its expected value.
        self._variance = np.full_like(grey, 4.0)
        self._light = np.ones_like(grey)
        self._edges = np.zeros_like(grey)
        self._edges_age = 0
        self._pending: deque[tuple[float, Grid, NDArray[np.bool_]]] = deque()
        self.seconds = 0.0
        #: The noise of most cells as a share of their light.
        self.noise = 0.0

    def compare(self, grey: Grid) -> tuple[Grid, Grid]:
        """Return the difference from what is expected in this light, and its uncertainty.

        Both are in grey levels.
        """
        light, doubt = self._estimate_light(grey)
        scaled = (self._mean + DARK) * light
        difference = grey - np.minimum(scaled - DARK, 255.0)
        if float(self._mean.max()) > CLIPPED:
            # A cell that was too bright to be measured may have any brightness in less light.
            unknown = (self._mean > CLIPPED) & (light < 0.97) & (difference > 0)
            difference[unknown] = 0
        if self._edges_age % EDGES_PERIOD == 0:
            self._edges = 0.01 * _edges(self._mean) + LEAST_NOISE**2
            some = (slice(None, None, 4), slice(None, None, 4))
            self.noise = float(np.median(np.sqrt(self._variance[some]) / (self._mean[some] + DARK)))
        self._edges_age += 1
        scaled *= scaled
        scaled *= doubt
        scaled += self._variance
        scaled += self._edges
        uncertainty = np.sqrt(scaled, out=scaled)
        # Noise that has grown everywhere is not motion. Some of the cells show that.
        some = np.abs(difference[::2, ::3]) / uncertainty[::2, ::3]
        common = float(np.median(some)) / 0.6745
        if common > 1:
            uncertainty *= common
        self._light = light
        return difference, uncertainty

    def difference(self, grey: Grid) -> Grid:
        """Return the difference of the picture that was compared last from the background of now.

        It has changed by ``learn``; the light is that of the last comparison.
        """
        return np.asarray(grey - np.minimum((self._mean + DARK) * self._light - DARK, 255.0))

    def learn(
        self,
        grey: Grid,
        difference: Grid,
        still: NDArray[np.bool_],
        moving: NDArray[np.bool_],
        seconds: float,
    ) -> None:
        """Learn from a picture.

        Arguments:
            difference: from ``compare``.
            still: cells that differ from the background but do not move.
            moving: cells of things that move.
            seconds: the time since the picture before.
        """
        self.seconds += seconds
        young = max(1.0, FOLLOW / max(self.seconds, 0.3))
        follow = min(0.6, seconds / FOLLOW * young)
        rate = np.full(self.shape, follow, np.float32)
        rate[still] = min(0.6, seconds / ABSORB * young)
        expected = (self._mean + DARK) * self._light - DARK
        target = np.where(moving, expected, grey)
        # What moves keeps the background behind it, in the light of now.
        self._mean += np.where(moving, follow, rate) * (target - self._mean)
        self._learn_noise(difference, moving, seconds)

    def replace(self, grey: Grid, share: float) -> None:
        """Take over a picture: the scene or its light has changed as a whole."""
        self._mean += share * (grey - self._mean)
        self._pending.clear()

    def _learn_noise(self, difference: Grid, moving: NDArray[np.bool_], seconds: float) -> None:
        self._pending.append((self.seconds, difference, moving.copy()))
        for _, _, mask in self._pending:
            mask |= moving
        while self._pending and self._pending[0][0] <= self.seconds - min(DELAY, self.seconds / 2):
            _, was, mask = self._pending.popleft()
            rate = min(0.5, max(seconds / NOISE, seconds / max(self.seconds, 0.3)))
            square = np.minimum(was * was, 30 * self._variance + 4)
            # Noise is learnt faster than it is forgotten.
            rates = np.where(square > self._variance, rate, 0.5 * rate)
            step = rates * (square - self._variance)
            self._variance += np.where(mask, 0, step)

    def _estimate_light(self, grey: Grid) -> tuple[Grid, Grid]:
        """Return the light as a factor for each cell, and the variance of that factor."""
        rows, columns = self.shape
        size = (max(3, columns // LIGHT_CELL), max(3, rows // LIGHT_CELL))
        now = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        usual = cv2.resize(self._mean, size, interpolation=cv2.INTER_AREA)
        ratio = np.log((now + DARK) / (usual + DARK))
        bytes_ = np.clip(ratio * 80 + 128, 0, 255).astype(np.uint8)
        median = (cv2.medianBlur(bytes_, LIGHT_MEDIAN).astype(np.float32) - 128) / 80
        # The median's steps of a byte are coarser than the noise: take the mean of near values.
        weight = (np.abs(ratio - median) < 0.06).astype(np.float32)
        top = cv2.GaussianBlur(weight * (ratio - median), (0, 0), 1.5)
        bottom = cv2.GaussianBlur(weight, (0, 0), 1.5)
        smooth = cv2.GaussianBlur(median, (0, 0), 1.2) + top / np.maximum(bottom, 0.05)
        rough = cv2.GaussianBlur(np.abs(smooth - cv2.GaussianBlur(smooth, (0, 0), 3)), (0, 0), 2)
        light = np.exp(smooth)
        doubt = (ROUGH * rough) ** 2 + (CHANGED_LIGHT * (light - 1)) ** 2
        back = (columns, rows)
        light = cv2.resize(light, back, interpolation=cv2.INTER_LINEAR)
        doubt = cv2.resize(doubt, back, interpolation=cv2.INTER_LINEAR)
        return np.asarray(light, np.float32), np.asarray(doubt, np.float32)


def _edges(mean: Grid) -> Grid:
    """Return the square of how much neighbouring cells differ, in grey levels."""
    dx = cv2.Sobel(mean, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    dy = cv2.Sobel(mean, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    return np.asarray(dx * dx + dy * dy, np.float32)
