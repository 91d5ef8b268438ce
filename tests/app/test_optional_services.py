"""A server has those services that its options name."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs, formatEvent

from tests.support.server_case import ServerCase
from twistedcam.app.optional_services import make_announcers, make_keys, make_mqtt
from twistedcam.commands import standard_commands
from twistedcam.config.arguments import options_from
from twistedcam.core.broker_state import BrokerState


class OptionalServiceTests(ServerCase):
    def make(self, *words: str, keys: bool = False) -> list[Any]:
        """What is made for these options."""
        self.server.broker = BrokerState("")
        reactor, registry = MemoryReactorClock(), standard_commands()
        reactor.callFromThread = None
        options = options_from([*words, "--recordings", self.mktemp()])
        options = structs.replace(options, keys=keys)
        return [
            *make_mqtt(reactor, self.server, registry, options),
            *make_announcers(reactor, self.server, {"http": []}, options),
            *make_keys(reactor, self.server, registry, options, False),
        ]

    def test_each_is_made_if_its_option_is_there(self) -> None:
        names = lambda made: [type(each).__name__ for each in made]  # noqa: E731
        self.assertEqual(names(self.make()), [])
        self.assertEqual(names(self.make("--mqtt", "mqtt://127.0.0.1")), ["Bridge"])
        self.assertEqual(names(self.make("--discovery")), ["Announcer", "WsDiscovery"])
        self.assertEqual(names(self.make(keys=True)), ["Terminal"])

    def test_the_server_ends_when_its_terminal_is_closed(self) -> None:
        ended: list[bool] = []
        self.server.on_shutdown = lambda: ended.append(True)
        [terminal] = self.make(keys=True)
        with capturedLogs() as logs:
            terminal._on_closed()
        self.assertEqual(ended, [True])
        self.assertIn("the terminal was closed", formatEvent(logs[0]))
