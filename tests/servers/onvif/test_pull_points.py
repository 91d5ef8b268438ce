"""PullPoints keep what their clients have not pulled, within limits."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.support.server_case import TokenCase
from twistedcam.auth import ANYONE
from twistedcam.events import CameraChanged, MotionChanged
from twistedcam.onvif.notifications import MOTION, SIGNAL_LOSS, TOPICS, PropertyChange
from twistedcam.onvif.soap import SoapFault
from twistedcam.servers.onvif import pull_points
from twistedcam.servers.onvif.pull_points import DEFAULT_TIME, MAX_TIME, PullPoints

ALL = frozenset(TOPICS)


class SubscriptionTests(TokenCase):
    def setUp(self) -> None:
        super().setUp()
        self.all = PullPoints(self.server)

    def grant(self, name: str) -> Any:
        done = Deferred.fromCoroutine(
            self.server.authenticator.by_token(self.tokens[name], self.peer)
        )
        return self.successResultOf(done)

    peer: Any = None

    def opened(self, name: str = "viewer", topics: frozenset[str] = ALL) -> Any:
        return self.all.open("192.0.2.7", self.grant(name), topics, DEFAULT_TIME)

    def pull(self, subscription: Any, timeout: float = 0.0, limit: int = 100) -> Deferred[Any]:
        return Deferred.fromCoroutine(subscription.pull(timeout, limit))

    def now(self, subscription: Any, limit: int = 100) -> list[tuple[str, str, bool]]:
        found: list[PropertyChange] = self.successResultOf(self.pull(subscription, limit=limit))
        return [(each.topic, each.source, each.state) for each in found]

    def motion(self, state: Any, camera: str = "door") -> None:
        self.server.events.publish(MotionChanged(camera, state, "m1", time=5.0))

    def test_it_begins_with_the_values_and_tells_each_change_once(self) -> None:
        found = self.opened()
        assert self.now(found) == [
            (MOTION, "door", False), (SIGNAL_LOSS, "door", True),
            (MOTION, "yard", False), (SIGNAL_LOSS, "yard", True),
        ]  # fmt: skip
        self.motion("begin")
        self.motion("begin")
        self.door.state = "live"
        self.server.events.publish(CameraChanged("door", "live"))
        assert self.now(found) == [(MOTION, "door", True), (SIGNAL_LOSS, "door", False)]
        self.all.synchronize(found)
        assert len(self.now(found, limit=3)) == 3
        assert len(self.now(found)) == 1

    def test_a_pull_waits_for_a_change_or_its_time(self) -> None:
        found = self.opened(topics=frozenset({MOTION}))
        self.now(found)
        waiting = self.pull(found, 20)
        self.server.events.publish(CameraChanged("door", "live"))
        self.assertNoResult(waiting)
        self.motion("begin")
        assert [each.time for each in self.successResultOf(waiting)] == [5.0]
        waiting = self.pull(found, 20)
        self.clock.advance(20)
        assert self.successResultOf(waiting) == []
        first, second = self.pull(found, 20), self.pull(found, 20)
        assert self.successResultOf(first) == []
        self.motion("end")
        assert len(self.successResultOf(second)) == 1

    def test_a_token_for_one_camera_hears_of_that_alone(self) -> None:
        found = self.opened("guest")
        assert {camera for _, camera, _ in self.now(found)} == {"door"}
        self.motion("begin", "yard")
        assert self.now(found) == []
        with pytest.raises(SoapFault, match="no such subscription"):
            self.all.find(found.id, self.grant("viewer"))

    def test_it_ends_with_its_time_its_token_and_by_its_client(self) -> None:
        found = self.opened()
        assert found.seconds_left == DEFAULT_TIME
        self.clock.advance(DEFAULT_TIME - 1)
        found.renew(10 * MAX_TIME)
        assert found.seconds_left == MAX_TIME
        self.clock.advance(MAX_TIME)
        assert len(self.all) == 0
        other = self.opened()
        waiting = self.pull(other, 30)
        self.successResultOf(waiting)
        waiting = self.pull(other, 30)
        self.all.close(other)
        self.all.close(other)
        assert self.successResultOf(waiting) == []
        self.opened("guest")
        file: Any = self.server.authenticator._file
        file.remove("guest")
        self.clock.pump([1] * 10)
        assert len(self.all) == 0

    def test_what_is_not_pulled_is_limited(self) -> None:
        found = self.opened()
        for number in range(500):
            self.motion("end" if number % 2 else "begin")
        assert len(self.now(found, limit=1000)) == pull_points.MAX_CHANGES

    def test_the_number_of_subscriptions_is_limited(self) -> None:
        self.patch(pull_points, "MAX_SUBSCRIPTIONS", 12)
        for _ in range(pull_points.MAX_OF_CLIENT):
            self.all.open("192.0.2.7", ANYONE, ALL, 60)
        with pytest.raises(SoapFault, match="too many"):
            self.all.open("192.0.2.7", ANYONE, ALL, 60)
        for number in range(12 - pull_points.MAX_OF_CLIENT):
            self.all.open(f"192.0.2.{10 + number}", ANYONE, ALL, 60)
        with pytest.raises(SoapFault, match="too many"):
            self.all.open("192.0.2.99", ANYONE, ALL, 60)
