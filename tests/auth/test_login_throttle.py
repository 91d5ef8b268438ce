"""Wrong tokens delay the logins of their address, and no other's."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from twistedcam.auth.login_throttle import (
    FIRST_WAIT,
    FORGET_AFTER,
    LONGEST_WAIT,
    MAX_ADDRESSES,
    MAX_WAITING,
    LoginThrottle,
)
from twistedcam.errors import Unauthorized


def wait_of(throttle: LoginThrottle, clock: Clock, address: str) -> float:
    """The seconds that a login from an address waits."""
    fired: list[None] = []
    throttle.wait_turn(address).addCallback(fired.append)
    begin = clock.seconds()
    while not fired:
        clock.advance(FIRST_WAIT / 2)
    return clock.seconds() - begin


def test_the_wait_doubles_with_each_wrong_token_up_to_a_limit() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    waits = []
    for _ in range(8):
        throttle.failed("192.0.2.1")
        waits.append(wait_of(throttle, clock, "192.0.2.1"))
        clock.advance(LONGEST_WAIT * 2)
    assert waits == [min(FIRST_WAIT * 2**power, LONGEST_WAIT) for power in range(8)]


def test_another_address_does_not_wait() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    throttle.failed("192.0.2.1")
    assert throttle.is_slowed("192.0.2.1")
    assert not throttle.is_slowed("192.0.2.2")
    assert wait_of(throttle, clock, "192.0.2.2") == 0


def test_an_address_without_logins_is_forgotten() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock)
    for _ in range(3):
        throttle.failed("192.0.2.1")
    clock.advance(FORGET_AFTER + LONGEST_WAIT * 2)
    throttle.failed("192.0.2.1")
    assert wait_of(throttle, clock, "192.0.2.1") == FIRST_WAIT


def test_too_many_waiting_logins_are_refused() -> None:
    throttle = LoginThrottle(Clock())
    throttle.failed("192.0.2.1")
    waiting = [throttle.wait_turn("192.0.2.1") for _ in range(MAX_WAITING)]
    with pytest.raises(Unauthorized, match="wait a minute"):
        throttle.wait_turn("192.0.2.1")
    for each in waiting:
        each.cancel()
        each.addErrback(lambda _: None)
    throttle.wait_turn("192.0.2.1").addErrback(lambda _: None).cancel()


def test_the_number_of_addresses_is_bounded() -> None:
    throttle = LoginThrottle(Clock())
    for number in range(MAX_ADDRESSES + 1):
        throttle.failed(str(number))
    assert not throttle.is_slowed("0")
    assert throttle.is_slowed("1")
