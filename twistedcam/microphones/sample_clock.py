"""Times of capture of a microphone's samples, without the jitter of its driver."""

from __future__ import annotations

from collections import deque
from math import copysign
from statistics import median

#: Seconds after the first samples whose times are not used, and the seconds after which they are
#: used whatever they are: drivers deliver the first samples late and in a rush.
SETTLE, SETTLE_MOST = 1.0, 4.0
#: Seconds over which times have to agree before they are used, and how well.
_STEADY, _STEADY_WITHIN = 0.3, 0.015
#: The share of a difference by which the time and the pace are corrected with each piece, and of
#: the time in the first seconds.
_GAIN, _FIRST_GAIN, _PACE_GAIN = 0.01, 0.05, 0.00002
_FIRST_SECONDS = 3.0
#: In the first seconds, drivers may change their mind about their delay. A difference from which
#: that is believed, if as many pieces of sound agree about it, and how well.
_CHANGE_SECONDS, _FIRST_CHANGE = 8.0, (0.008, 8, 0.005)
#: The same later: some samples are missing, or a wrong delay was believed.
_CHANGE = (0.02, 25, 0.007)
#: A difference of more seconds counts as so many: a reader that was held up reads a late time.
_MOST = 0.005
#: Seconds of delay above the usual one from which a time tells nothing: the reader was held up, and
#: PulseAudio guesses the delay of what waits. How fast the usual delay follows, seconds a second.
_HELD_UP, _USUAL_PACE = 0.03, 0.008
#: A difference from which samples are missing, or the clock was set, and how often it must be seen.
_JUMP, _JUMP_TIMES = 0.1, 3
#: How much faster or slower than it says a sound card can be.
_MOST_PACE = 0.001


class SampleClock:
    """Smooths the times of pieces of sound, and follows the pace of the sound card's clock.

    The host's time of each piece is exact on an average, but may be some milliseconds wrong. The
    number of samples is exact, but the card's clock drifts. A control loop follows both.

    Arguments:
        rate: samples a second that the card promises.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        #: The end of the last piece by the host's clock, in seconds; None before the first.
        self._first: float | None = None
        self._next = 0.0
        #: Seconds for each second of samples, less 1.
        self._pace = 0.0
        #: Seconds by which the driver's last time differs from the expected one.
        self._error = 0.0
        self._is_settled = False
        self._passed = 0.0
        self._settling: deque[tuple[float, float]] = deque()
        self._jumps = 0
        self._errors: deque[float] = deque(maxlen=_CHANGE[1])
        #: The usual delay between capture and reading, in seconds.
        self._usual_lag = 0.0

    @property
    def pace(self) -> float:
        """The seconds of the host's clock for each second of samples, less 1: 1e-4 is 100 ppm."""
        return self._pace

    @property
    def is_steady(self) -> bool:
        """True while the driver's delay is known, and nothing points to another one."""
        least, _, within = _CHANGE
        return self._passed >= _CHANGE_SECONDS and abs(self._error) < least - within

    def time_of(self, stamp: float, count: int, now: float) -> float | None:
        """Return the time of capture of the first sample of the next piece, in UNIX seconds.

        None while times cannot be used yet.

        Arguments:
            stamp: the time that the driver gives, UNIX seconds.
            count: the number of its samples.
            now: the time at which it was read, UNIX seconds.
        """
        length = count / self._rate
        if self._first is None:
            self._first = now
        if not self._is_settled:
            return self._settle(stamp, length, now)
        # Only a reader that is held up is late both by the driver's time and by its own.
        lag = now - max(stamp, self._next) - length
        is_held_up = self._is_held_up(lag, length)
        self._error = 0.0 if is_held_up else stamp - self._next
        error = 0.0 if is_held_up else self._error_of(stamp)
        gain = _FIRST_GAIN if self._passed < _FIRST_SECONDS else _GAIN
        scale = length / 0.02  # the gains are for pieces of 20 ms
        if self._passed >= _FIRST_SECONDS:
            pace = self._pace + _PACE_GAIN * scale * error / 0.02
            self._pace = max(-_MOST_PACE, min(_MOST_PACE, pace))
        time = self._next + min(1.0, gain * scale) * error
        self._next = time + length * (1 + self._pace)
        self._passed += length
        return time

    def _is_held_up(self, lag: float, length: float) -> bool:
        """True if the reader is later than usual. The usual delay is a running median."""
        later = lag - self._usual_lag
        self._usual_lag += copysign(_USUAL_PACE * length, later)
        return later > _HELD_UP

    def _error_of(self, stamp: float) -> float:
        """Return the difference of the driver's time, after a jump if it is believed."""
        error = stamp - self._next
        if abs(error) > _JUMP:
            self._jumps += 1
            if self._jumps >= _JUMP_TIMES:
                self._jumps = 0
                self._next = stamp
            error = 0.0
        else:
            self._jumps = 0
        return max(-_MOST, min(_MOST, self._changed(error)))

    def _changed(self, error: float) -> float:
        """Go to the driver's times if the last ones agree; return the difference that remains."""
        least, pieces, within = _FIRST_CHANGE if self._passed < _CHANGE_SECONDS else _CHANGE
        self._errors.append(error)
        if abs(error) < least - within:  # they cannot agree about a change
            return error
        recent = list(self._errors)[-pieces:]
        change = median(recent)
        if len(recent) < pieces or abs(change) < least or max(recent) - min(recent) > within:
            return error
        self._errors.clear()
        self._next += change
        return error - change

    def _settle(self, stamp: float, length: float, now: float) -> float | None:
        """Wait until the driver's times agree with each other."""
        assert self._first is not None
        recent = self._settling
        recent.append((stamp, now - stamp - length))
        while recent[-1][0] - recent[0][0] > _STEADY:
            recent.popleft()
        if now - self._first < SETTLE:
            return None
        lags = [lag for _, lag in recent]
        middle = median(lags)
        steady = [abs(lag - middle) <= _STEADY_WITHIN for lag in lags]
        agree = steady[-1] and sum(steady) >= len(lags) * 0.8
        is_whole = stamp - recent[0][0] >= _STEADY * 0.7
        if not (agree and is_whole) and now - self._first < SETTLE_MOST:
            return None
        self._is_settled = True
        self._usual_lag = middle
        recent.clear()
        self._next = stamp + length
        return stamp
