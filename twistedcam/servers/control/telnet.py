"""Telnet that accepts any bytes: Twisted's own fails on unknown commands."""

from __future__ import annotations

from typing import Any

from twisted.conch import telnet
from twisted.conch.telnet import IAC, NOP, Telnet

#: The bytes that may follow IAC (RFC 854, RFC 885); Twisted's parser fails on all others.
_KNOWN = frozenset(
    [
        *(telnet.IAC, telnet.SB, telnet.WILL, telnet.WONT, telnet.DO, telnet.DONT, telnet.EOR),
        *(telnet.NOP, telnet.DM, telnet.BRK, telnet.IP, telnet.AO, telnet.AYT),
        *(telnet.EC, telnet.EL, telnet.GA),
    ]
)
#: The first byte after IAC that is a command (EOF, RFC 1184).
_FIRST_COMMAND = 236
#: Bytes of a subnegotiation; a longer one is an error.
_MAX_SUBNEGOTIATION = 1024


class TolerantTelnet(Telnet):
    """Telnet that takes unknown commands for "no operation".

    Subclasses get text in ``applicationDataReceived``.
    """

    #: Of Telnet's parser: the bytes of the current subnegotiation.
    commands: list[bytes]

    def __init__(self) -> None:
        super().__init__()
        for command in (telnet.IP, telnet.BRK, telnet.AO):
            self.commandMap[command] = lambda _: self.on_interrupt()

    def on_interrupt(self) -> None:
        """Called when the client has pressed its interrupt key."""

    def on_garbled(self) -> None:
        """Called when a subnegotiation has no end: what follows cannot be parsed."""

    def dataReceived(self, data: bytes) -> None:
        """Remove telnet's commands, in one pass."""
        at, size = 0, len(data)
        while at < size:
            if self.state == "escaped" and data[at : at + 1] not in _KNOWN:
                super().dataReceived(NOP)
                # An unknown command, or a single IAC before other bytes.
                at += data[at] >= _FIRST_COMMAND
                continue
            if self.state == "data" or self.state == "newline":
                end = data.find(IAC, at) + 1 or size
            else:
                end = at + 1
            super().dataReceived(data[at:end])
            at = end
            if self.state == "subnegotiation" and len(self.commands) > _MAX_SUBNEGOTIATION:
                self.on_garbled()
                return

    def negotiate(self, data: list[bytes]) -> Any:
        """Process a subnegotiation; ignore an empty one."""
        return super().negotiate(data) if data else None
