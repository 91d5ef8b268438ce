"""The first refusal of each address is logged, and the number of the others."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from twistedcam.net.refusal_log import MAX_KINDS, PERIOD, RefusalLog


def test_the_first_is_logged_and_the_rest_is_one_line() -> None:
    clock = Clock()
    refusals = RefusalLog(clock)
    with capturedLogs() as events:
        assert [refusals.should_log("192.0.2.1", "HTTP 401") for _ in range(901)] == [True] + [
            False
        ] * 900
        assert refusals.should_log("192.0.2.2", "HTTP 401")
        assert refusals.should_log("192.0.2.1", "HTTP 403")
        clock.advance(PERIOD)
    assert [formatEvent(each) for each in events] == ["192.0.2.1: 900 more refusals (HTTP 401)"]
    assert refusals.should_log("192.0.2.1", "HTTP 401")


def test_many_addresses_take_little_memory_and_few_lines() -> None:
    clock = Clock()
    refusals = RefusalLog(clock)
    with capturedLogs() as events:
        logged = sum(refusals.should_log(str(number), "HTTP 401") for number in range(10_000))
        assert len(refusals._counts) == logged == MAX_KINDS
        clock.advance(PERIOD)
    assert [formatEvent(each) for each in events] == [
        f"other addresses: {10_000 - MAX_KINDS} more refusals"
    ]
    assert clock.getDelayedCalls() == []


def test_the_counts_are_logged_at_the_end_of_the_program() -> None:
    clock = Clock()
    refusals = RefusalLog(clock)
    refusals.close()
    with capturedLogs() as events:
        for _ in range(3):
            refusals.should_log("unix", "control port")
        refusals.close()
    assert [formatEvent(each) for each in events] == ["unix: 2 more refusals (control port)"]
    assert clock.getDelayedCalls() == []
