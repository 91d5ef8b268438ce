"""Telnet around lines: what Twisted's telnet does not bear is made harmless before it."""

from __future__ import annotations

from typing import Any

from twisted.conch import telnet
from twisted.conch.telnet import IAC, NOP, Telnet

#: What may stand behind IAC (RFC 854, RFC 885); Twisted's parser gives up on all else.
_KNOWN = frozenset(
    [
        *(telnet.IAC, telnet.SB, telnet.WILL, telnet.WONT, telnet.DO, telnet.DONT, telnet.EOR),
        *(telnet.NOP, telnet.DM, telnet.BRK, telnet.IP, telnet.AO, telnet.AYT),
        *(telnet.EC, telnet.EL, telnet.GA),
    ]
)
#: From here on bytes behind IAC are commands (EOF, RFC 1184).
_FIRST_COMMAND = 236
#: Bytes of a subnegotiation; longer ones are garbage.
_MAX_SUBNEGOTIATION = 1024


class PatientTelnet(Telnet):
    """Telnet that takes any bytes: unknown commands count as "no operation".

    Subclasses get text in ``applicationDataReceived``, and ``interrupted`` when the other side
    pressed its interrupt key.
    """

    #: Of Telnet's parser: the bytes of the subnegotiation under way.
    commands: list[bytes]

    def __init__(self) -> None:
        super().__init__()
        for command in (telnet.IP, telnet.BRK, telnet.AO):
            self.commandMap[command] = lambda _: self.interrupted()

    def interrupted(self) -> None:
        """The other side wants no more of what it is being told."""

    def garbled(self) -> None:
        """A subnegotiation came that has no end: what comes behind it cannot be understood."""

    def dataReceived(self, data: bytes) -> None:
        """Take telnet's own bytes out, in one pass."""
        at, size = 0, len(data)
        while at < size:
            if self.state == "escaped" and data[at : at + 1] not in _KNOWN:
                super().dataReceived(NOP)
                # A command that is not known here, or a stray IAC before something else.
                at += data[at] >= _FIRST_COMMAND
                continue
            if self.state == "data" or self.state == "newline":
                end = data.find(IAC, at) + 1 or size
            else:
                end = at + 1
            super().dataReceived(data[at:end])
            at = end
            if self.state == "subnegotiation" and len(self.commands) > _MAX_SUBNEGOTIATION:
                self.garbled()
                return

    def negotiate(self, data: list[bytes]) -> Any:
        """A subnegotiation has come; one without content says nothing."""
        return super().negotiate(data) if data else None
