"""When a camera that failed is tried again: after longer and longer waits, or as it comes back."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from tests.support.fakes import CameraRig, FakeScheme
from twistedcam.camera.retry import CHECK_EVERY, RETRY_FIRST, RETRY_LOGIN, RETRY_MOST, Retry
from twistedcam.errors import CameraFailed, LoginRefused


class Device:
    """A source that can be watched."""

    def __init__(self) -> None:
        self.there: object = None

    def device_signature(self) -> object:
        return self.there


def failing(device: Any) -> tuple[Clock, Retry, list[float]]:
    """A retry whose wait is at its longest already, and the seconds at which it has tried."""
    clock, tries = Clock(), list[float]()
    retry = Retry(clock, lambda: tries.append(clock.seconds()))
    for _ in range(6):
        retry.trying(device)
        retry.wait(device)
        clock.advance(RETRY_MOST)
    tries.clear()
    retry.trying(device)
    retry.wait(device)
    return clock, retry, tries


def test_a_device_that_is_back_is_tried_within_a_second_however_long_the_wait() -> None:
    device = Device()
    clock, _, tries = failing(device)
    clock.pump([0.05] * 60)
    assert tries == []
    device.there = "plugged in"
    clock.pump([0.05] * 20)
    assert len(tries) == 1
    assert CHECK_EVERY + RETRY_FIRST < 1


def test_the_wait_after_a_return_is_short_again() -> None:
    device = Device()
    clock, retry, tries = failing(device)
    device.there = "plugged in"
    clock.pump([0.05] * 20)
    retry.trying(device)
    retry.wait(device)
    clock.advance(RETRY_FIRST)
    assert len(tries) == 2


def test_what_cannot_be_watched_is_tried_after_ten_seconds() -> None:
    clock, _, tries = failing(None)
    clock.advance(RETRY_MOST - 0.01)
    assert tries == []
    clock.advance(0.01)
    assert len(tries) == 1


def test_nothing_is_left_behind_when_it_is_cancelled() -> None:
    clock, retry, _ = failing(Device())
    clock.advance(1)
    retry.cancel()
    assert not clock.getDelayedCalls()


def test_who_waits_long_is_tried_at_once_when_something_has_changed() -> None:
    clock, retry, tries = failing(None)
    retry.retry_now()
    clock.advance(0)
    assert len(tries) == 1
    retry.retry_now()  # nothing waits
    retry.trying(None)  # type: ignore[arg-type]
    retry.wait(None)
    retry.retry_now()  # a first wait is short enough
    clock.advance(RETRY_FIRST - 0.01)
    assert len(tries) == 1
    clock.advance(0.01)
    assert len(tries) == 2


def tries_in(seconds: float, error: CameraFailed) -> tuple[list[float], list[str]]:
    """When a camera that fails with this error is opened, and what is logged of it."""
    with FakeScheme() as scheme, capturedLogs() as events:
        scheme.opening = error
        rig = CameraRig()
        rig.camera.start().addErrback(lambda _: None)
        tries = [0.0]
        while rig.clock.seconds() < seconds:
            while rig.thread.waiting:
                rig.step()
            before = len(rig.threads)
            rig.clock.advance(0.25)
            if len(rig.threads) > before:
                tries.append(rig.clock.seconds())
        rig.camera.stop()
        lines = [event["reason"] for event in events if event.get("state") == "recovering"]
    return tries, lines


def test_a_refused_log_in_is_tried_again_once_a_minute_and_logged_once() -> None:
    tries, lines = tries_in(250, LoginRefused("refuses this user name or password"))
    assert tries == [0, RETRY_LOGIN, 2 * RETRY_LOGIN, 3 * RETRY_LOGIN, 4 * RETRY_LOGIN]
    assert RETRY_LOGIN == 60
    assert lines == ["refuses this user name or password"]


def test_another_failure_is_tried_again_soon_and_logged_once_while_it_is_the_same() -> None:
    tries, lines = tries_in(60, CameraFailed("not there"))
    assert len(tries) > 6 and tries[1] == RETRY_FIRST
    assert lines == ["not there"]
