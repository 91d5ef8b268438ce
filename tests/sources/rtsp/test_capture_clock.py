"""Times of capture: by arrival without jitter, then by the camera's clock, never backwards."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.rtsp.rtcp import SenderReport, ntp_of_unix_us
from twistedcam.sources.rtsp.capture_clock import CameraClock, CaptureClock, LeastLag

WALL = 1_800_000_000.0
RATE = 90000


class Run:
    """A camera that sends 25 pictures a second, and its clock here.

    Arguments:
        clock: of the camera, seconds ahead of the right time.
    """

    def __init__(self, clock: float = 0.0, reorder: int = 0) -> None:
        self.camera = CameraClock()
        self.capture = CaptureClock(RATE, self.camera, reorder)
        self.ahead = clock
        self.start = 2**32 - 5 * RATE  # wraps after five seconds
        self.times: list[float] = []

    def picture(self, at: float, delay: float, shown: float | None = None) -> float:
        """Send a picture, captured at that second; return its time less its true one."""
        stamp = int(self.start + (at if shown is None else shown) * RATE) & 0xFFFFFFFF
        found = self.capture.time_of(stamp, 1000 + at + delay, WALL - 1000)
        self.times.append(found)
        return found - WALL - (at if shown is None else shown)

    def report(self, at: float) -> None:
        ntp = ntp_of_unix_us(round((WALL + at + self.ahead) * 1e6))
        stamp = int(self.start + at * RATE) & 0xFFFFFFFF
        self.capture.note_report(SenderReport(1, ntp, stamp))


def test_without_reports_the_time_is_that_of_arrival_without_its_jitter() -> None:
    run, chance = Run(), random.Random(1)
    errors = [run.picture(n / 25, 0.01 + chance.random() * 0.03) for n in range(500)]
    assert all(0.009 < each < 0.042 for each in errors)
    assert max(errors[100:]) - min(errors[100:]) < 0.001


def test_with_reports_it_is_the_camera_s_to_the_millisecond() -> None:
    run = Run()
    for n in range(50):
        run.picture(n / 25, 0.08)
    run.report(2.0)
    errors = [run.picture(n / 25, 0.08) for n in range(51, 200)]
    assert all(abs(each) < 0.001 for each in errors[10:])
    steps = [b - a for a, b in zip(run.times, run.times[1:], strict=False)]
    assert min(steps) >= 0.2 / 25 - 1e-6, "no time goes backwards, or stands still"


@pytest.mark.parametrize("ahead", [3600.0, -86400.0 * 400, 10.0, -10.0, 0.5])
def test_of_a_wrong_clock_the_newest_packets_are_taken_for_new(ahead: float) -> None:
    run = Run(ahead)
    run.picture(0, 0.02)
    run.report(0)
    errors = [run.picture(n / 25, 0.02 + 0.05 * (n % 3)) for n in range(1, 100)]
    assert all(abs(each - 0.02) < 0.001 for each in errors[20:])


def test_true_ages_are_kept_after_a_stall() -> None:
    for has_report in (False, True):
        run = Run()
        run.picture(0, 0.02)
        if has_report:
            run.report(0)
        for n in range(1, 50):
            run.picture(n / 25, 0.02)
        late = [run.picture(2 + n / 25, 3 - n / 25) for n in range(25)]  # sent at once, 3 s late
        assert all(abs(each) < 0.03 for each in late)


def test_a_camera_clock_that_is_set_moves_no_time() -> None:
    run = Run(-50_000_000)
    run.picture(0, 0.02)
    for n in range(1, 300):
        if n % 125 == 1:
            run.report(n / 25)
        if n == 200:
            run.ahead = 0.0  # it got the time from the network
        error = run.picture(n / 25, 0.02)
        assert abs(error - 0.02) < 0.025
    assert abs(run.picture(300 / 25, 0.02)) < 0.001


def test_timestamps_that_jump_begin_a_new_timeline() -> None:
    run = Run()
    for n in range(100):
        run.picture(n / 25, 0.02)
    for jump in (40_000, -70_000):
        run.start += jump * RATE
        errors = [run.picture(n / 25, 0.02) for n in range(100, 200)]
        assert all(abs(each - 0.02) < 0.01 for each in errors)


def test_a_camera_without_timestamps_has_the_times_of_arrival() -> None:
    run = Run()
    for n in range(1000):
        error = run.picture(n / 25, 0.02, shown=0.0) - n / 25
    assert abs(error - 0.02) < 0.01


def test_a_clock_that_runs_fast_or_slow_is_followed() -> None:
    for rate in (1.001, 0.999):
        run = Run()
        for n in range(3000):
            error = run.picture(n / 25, 0.02, shown=n / 25 * rate) + n / 25 * (rate - 1)
        assert abs(error) < 0.06


def test_a_report_without_a_clock_is_ignored() -> None:
    run = Run()
    run.picture(0, 0.01)
    run.capture.note_report(SenderReport(1, 0, 0))
    assert abs(run.picture(0.04, 0.01) - 0.01) < 0.001


def test_a_report_before_the_first_packet_counts() -> None:
    run = Run()
    run.report(0.04)
    assert abs(run.picture(0, 0.5)) < 0.001


@given(
    st.lists(st.tuples(st.integers(0, 4), st.floats(0, 0.5)), min_size=5, max_size=60),
    st.integers(1, 3),
    st.floats(-5, 5),
)
def test_pictures_stay_in_the_order_in_which_they_are_shown(
    pictures: list[tuple[int, float]], reorder: int, ahead: float
) -> None:
    run = Run(ahead, reorder)
    found: list[tuple[float, float]] = []
    for n, (kind, delay) in enumerate(pictures):
        group, place = divmod(n, reorder + 1)
        shown = (group + 1) * (reorder + 1) if place == 0 else group * (reorder + 1) + place
        run.picture(n / 25, delay, shown=shown / 25)
        found.append((shown, run.times[-1]))
        if kind == 4:
            run.report(n / 25)
    times = [time for _, time in sorted(found)]
    assert all(b > a for a, b in itertools.pairwise(times))


def test_a_pyramid_of_b_frames_stays_in_order_while_times_are_corrected() -> None:
    """The encoders of many cameras send three pictures and more behind one that comes later."""
    shown = [0, *(4 * n + place for n in range(200) for place in (4, 2, 1, 3))]
    for first_report in (1, 2, 5, 90):
        run = Run(reorder=2)
        found: list[tuple[int, float]] = []
        for n, place in enumerate(shown):
            if n == first_report:
                run.report(n / 25)
            error = run.picture(n / 25, 0.3, shown=place / 25)
            found.append((place, run.times[-1]))
        times = [time for _, time in sorted(found)]
        assert min(b - a for a, b in itertools.pairwise(times)) > 0.1 / 25
        assert abs(error) < 0.001


def test_the_least_lag_is_forgotten_after_a_while() -> None:
    least = LeastLag()
    assert least.note(0.5, 0) == 0.5
    assert least.note(0.1, 1) == 0.1
    assert least.note(0.4, 16) == 0.1
    assert least.note(0.4, 32) == 0.4
