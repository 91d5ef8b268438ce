"""Times of capture of the packets of a track, from RTP timestamps, sender reports and arrival."""

from __future__ import annotations

from collections import deque

from twistedcam.rtsp.rtcp import SenderReport, unix_us_of_ntp
from twistedcam.rtsp.rtp import Unwrapper
from twistedcam.util.least_lag import LeastLag

#: A camera's clock is believed if its packets seem to be under way for at most so many seconds.
MAX_LAG = 3.0
#: A timestamp that is so many seconds more or less than expected begins a new timeline.
_FORWARD_JUMP, _BACKWARD_JUMP = 10.0, 2.0
#: A sender report that differs so much from the ones before, in seconds, was made by a clock that
#: was set; one that differs less than the second value is averaged with them.
_CLOCK_SET, _INEXACT = 0.5, 0.05
#: The least part of their distance that packets keep while their times are corrected.
_LEAST_PACE = 0.2
#: Of a stream with B-frames: distances between pictures that are remembered, and how many must be
#: known before times are corrected.
_PERIODS, _ENOUGH_PERIODS = 32, 8
#: Corrections of more seconds are made at once.
_MAX_SLOW_CORRECTION = 5.0


class CameraClock:
    """A camera's wall clock, by the sender reports of all of its tracks.

    If it is about right, its times are used as they are. If it is wrong, they are shifted so that
    the packets with the least lag are taken for new: viewers then see about true ages.
    """

    def __init__(self) -> None:
        self._least = LeastLag()

    def restart(self) -> None:
        """Forget the lag: the clock was set."""
        self._least.restart()

    def correction(self, captured: float, now: float, wall_ahead: float) -> float:
        """Return the seconds to add to the camera's times.

        Arguments:
            captured: the time of capture of a packet by the camera's clock, UNIX seconds.
            now: when it arrived, seconds of a monotonic clock.
            wall_ahead: seconds from the monotonic clock to the wall clock of this machine.
        """
        lag = self._least.note(now - captured, now) + wall_ahead
        return 0.0 if 0 <= lag <= MAX_LAG else lag


class CaptureClock:
    """Converts the RTP timestamps of a track to times of capture.

    Until a sender report arrives, a packet's time is that of its arrival, without the jitter of the
    network; then it is the camera's own. Times are corrected gradually, so that the order of
    pictures never changes.

    Arguments:
        clock_rate: units of the timestamp in a second.
        camera: the camera's wall clock, shared by its tracks.
        reorder: the number of pictures that are sent before one that is shown earlier.
    """

    def __init__(self, clock_rate: int, camera: CameraClock, reorder: int = 0) -> None:
        self._rate = clock_rate
        self._camera = camera
        self.reorder = reorder
        self._unwrapper = Unwrapper(32)
        self._least = LeastLag()
        #: The last timestamp, unwrapped, when its packet arrived, and the highest one.
        self._last: int | None = None
        self._last_arrival = 0.0
        self._highest = 0
        #: Seconds between pictures, and the number of those since the highest timestamp.
        self._periods: deque[float] = deque(maxlen=_PERIODS)
        self._since_highest = 0
        #: A report that came before the first packet.
        self._early_report: SenderReport | None = None
        #: Seconds from unwrapped timestamps to the camera's wall clock; None without a report.
        self._report: float | None = None
        #: Seconds from unwrapped timestamps to UNIX time, as they are used now.
        self._offset: float | None = None

    def note_report(self, report: SenderReport) -> None:
        """Take the camera's clock from a sender report."""
        if report.ntp == 0:  # it has no clock
            return
        if self._last is None:
            self._early_report = report
            return
        step = (report.rtp - self._last) & 0xFFFFFFFF
        if step >= 1 << 31:
            step -= 1 << 32
        offset = unix_us_of_ntp(report.ntp) / 1e6 - (self._last + step) / self._rate
        if self._report is not None:
            change = offset - self._report
            if abs(change) > _CLOCK_SET:
                self._camera.restart()
            elif abs(change) <= _INEXACT:
                offset = self._report + change / 2
        self._report = offset

    def time_of(self, timestamp: int, now: float, wall_ahead: float) -> float:
        """Return the time of capture, seconds since the UNIX epoch.

        Arguments:
            timestamp: of a packet, 32 bits.
            now: when it arrived, seconds of a monotonic clock.
            wall_ahead: seconds from the monotonic clock to the wall clock of this machine.
        """
        unwrapped = self._unwrapper.unwrap(timestamp)
        media = unwrapped / self._rate
        if self._last is not None:
            step = (unwrapped - self._last) / self._rate
            if step == 0:  # a camera without timestamps
                self._least.restart()
            elif step < -_BACKWARD_JUMP or step > now - self._last_arrival + _FORWARD_JUMP:
                self._restart()
        self._last, self._last_arrival = unwrapped, now
        if self._early_report is not None:
            self.note_report(self._early_report)
            self._early_report = None
        least = self._least.note(now - media, now)
        if self._report is not None:
            captured = media + self._report
            target = self._report + self._camera.correction(captured, now, wall_ahead)
        else:
            target = least + wall_ahead
        self._correct(target, unwrapped)
        assert self._offset is not None
        return media + self._offset

    def _restart(self) -> None:
        self._least.restart()
        self._report = self._offset = None
        self._periods.clear()

    def _correct(self, target: float, unwrapped: int) -> None:
        """Move the offset towards its target, as far as the order of pictures allows."""
        offset = self._offset
        self._since_highest += 1
        if offset is None or abs(offset - target) > _MAX_SLOW_CORRECTION:
            self._offset, self._highest, self._since_highest = target, unwrapped, 0
            return
        if unwrapped == self._highest and not self.reorder:
            self._offset = max(target, offset)
        if unwrapped <= self._highest:
            return
        step = (unwrapped - self._highest) / self._rate
        self._highest = unwrapped
        if self.reorder:
            # The pictures before this one come later, and there may be more than ``reorder``.
            self._periods.append(step / self._since_highest)
            step = min(self._periods) if len(self._periods) >= _ENOUGH_PERIODS else 0.0
        self._since_highest = 0
        self._offset = max(target, offset - (1 - _LEAST_PACE) * step)
