"""Times of decoding: RTP says only when a picture is shown."""

from __future__ import annotations

from bisect import insort

#: The most pictures that can be sent before one that is shown earlier (H.264, H.265: 16).
MAX_REORDER = 16
#: Seconds between two pictures until they are known.
_USUAL_PERIOD = 0.04
#: Times that are so many seconds earlier come from another clock; times that differ by less than
#: the second value are equal.
_JUMP, _EQUAL = 2.5, 0.001
#: Seconds without a picture after which a key frame begins again.
_GAP = 1.0


class DecodeTimes:
    """Finds increasing times of decoding for pictures that are sent in another order than shown.

    The time of decoding of a picture is the earliest time of presentation of the last ``reorder``
    pictures and its own (as FFmpeg's muxers compute it), so it is never after its own.

    Arguments:
        reorder: the most pictures that are sent before one that is shown earlier.
        period: seconds between two pictures; 0 if unknown.
    """

    def __init__(self, reorder: int, period: float = 0.0) -> None:
        self._times: list[float] = []
        self._latest = self._last = float("-inf")
        self.restart(reorder, period)

    def restart(self, reorder: int, period: float = 0.0) -> None:
        """Begin again with a key frame, after a gap or with other parameters; times still increase.

        Arguments:
            reorder, period: as in the constructor.
        """
        self.reorder = min(reorder, MAX_REORDER)
        self._period = period or _USUAL_PERIOD
        self._times.clear()

    def begin_group(self, shown: float) -> None:
        """Begin again with a key frame if no picture came for a while before it.

        Its time of decoding would otherwise be that of a picture before the gap.

        Arguments:
            shown: its time of presentation in seconds.
        """
        if shown > self._latest + _GAP:
            self._times.clear()

    def delay_of(self, shown: float) -> float:
        """Return the seconds from decoding a picture to showing it.

        Arguments:
            shown: its time of presentation in seconds.

        Raises:
            ValueError: it is shown before a picture that may not wait for it: ``reorder`` is too
                small.
        """
        if shown < self._last - _JUMP:  # the clock was set
            self._times.clear()
            self._latest = self._last = float("-inf")
        self._latest = max(self._latest, shown)
        if not self.reorder:
            decoded = shown
        else:
            if not self._times:
                self._times = [shown - n * self._period for n in range(self.reorder, 0, -1)]
            insort(self._times, shown)
            decoded = self._times.pop(0)
        if decoded <= self._last:
            decoded = self._last + 1e-6
            if decoded - shown > _EQUAL:
                raise ValueError("pictures are not in the order in which they are shown")
        self._last = decoded
        return max(0.0, shown - decoded)
