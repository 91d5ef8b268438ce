"""The control port: any bytes give the same answers however they are cut, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, globalLogPublisher

from tests.support.fakes import FakeScheme, ManualThread
from twistedcam.commands import standard_commands
from twistedcam.core.server import Server
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.sources.spec import SourceSpec

_COMMANDS = standard_commands()


def check(data: bytes) -> None:
    """The first byte says how the others are cut."""
    step, data = (data[0] or 1, data[1:]) if data else (1, b"")
    answers = talk(data, step)
    if b"\xff" not in data:  # of telnet's own words only the bytes that are answered count
        assert answers.count("\nOK") + answers.count("\nERR ") <= data.count(b"\n") + data.count(
            b"\r"
        ), "more answers than lines"


def talk(data: bytes, step: int) -> str:
    """What is answered."""
    broken: list[str] = []

    def hear(event: dict[str, object]) -> None:
        if event["log_level"] in (LogLevel.error, LogLevel.critical):
            broken.append(str(event))

    clock, threads = Clock(), list[ManualThread]()

    def make_thread() -> ManualThread:
        threads.append(ManualThread())
        return threads[-1]

    # Nothing can be written there, whatever is asked for.
    server = Server(clock, Path("/proc/never"), make_thread)  # type: ignore[arg-type]
    transport = StringTransport()
    transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
    globalLogPublisher.addObserver(hear)
    try:
        with FakeScheme():
            server.add_camera("cam", SourceSpec("fake", "", {}, "fake:"))
            protocol = ControlFactory(server, _COMMANDS).buildProtocol(None)
            protocol.makeConnection(transport)
            for start in range(0, len(data), step):
                protocol.dataReceived(data[start : start + step])
            for _ in range(data.count(b"\n") + data.count(b"\r") + 2):
                clock.advance(0)
                for thread in threads:
                    if thread.waiting:
                        thread.step()
            protocol.connectionLost()
            server.finish_recordings()
            server.stop_cameras()
    finally:
        globalLogPublisher.removeObserver(hear)
    assert not broken, broken[0][:2000]
    text = transport.value().replace(b"\xff\xff", b"\xff").decode(errors="replace")
    for line in text.splitlines():
        if line.startswith("{"):
            json.loads(line)
    return text.replace("\r\n", "\n")


def seeds() -> Iterator[bytes]:
    """Lines that reach every part of the parser."""
    lines = (
        b"help\nhelp set\nstatus\nstatus 'cam'\njson on\ncameras\nget cam\nviewers\n",
        b"json on\r\nping\r\nversion\r\nnothing\r\njson off\r\n",
        b'set cam fps 5\nget cam fps\nset cam quality "\\x"\nkick 1\nauth x\nquit\n',
        b"watch\nstop cam\nstart\n",
        b"\xff\xfb\x01\xff\xfa\x18\x00vt100\xff\xf0status\r\0\xff\xf4ping\r\n",
        b"recordings\nrecordings delete ../x\nrecord stop\nreload\nshutdown\n",
    )
    for line in lines:
        yield b"\x05" + line
