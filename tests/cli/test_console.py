"""The console reconnects after a lost connection, and reports errors."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.process import PATIENCE
from twistedcam.cli.console import SUCCESS, Console
from twistedcam.errors import NoServer

GREETING = b"OK twistedcam 1 9.9 ('help' lists the commands)\n" + b'{"ok": true}\n'
LAST_WORDS = b'{"ok": false, "code": "unauthorized", "message": "no token was received"}\n'


def test_a_connection_that_the_server_has_closed_is_made_again() -> None:
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as port:
        port.settimeout(PATIENCE)

        def serve() -> None:
            for number in range(2):
                connection, _ = port.accept()
                with connection, connection.makefile("rwb", buffering=0) as lines:
                    lines.write(GREETING)
                    lines.readline()  # json on
                    lines.readline()  # a command
                    lines.write(b'{"ok": true, "number": %d}\n' % number)
                    if number:
                        lines.readline()
                    else:
                        lines.write(LAST_WORDS)
                ended.set()

        server = threading.Thread(target=serve)
        server.start()
        try:
            out = io.StringIO()
            console = Console(f"127.0.0.1:{port.getsockname()[1]}", out=out)
            assert console.run(["ping"]) == SUCCESS
            assert ended.wait(PATIENCE)
            assert console.run(["ping"]) == SUCCESS
            assert console.client.has_ended() is False
            console.close()
        finally:
            server.join()
    assert out.getvalue() == "number: 0\nnumber: 1\n"


class Asked:
    """Stands for a client; each answer is the next of ``answers``."""

    server_version = "1"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.closed = False

    def ask(self, *_: str) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def watch(self, *_: str) -> Iterator[dict[str, Any]]:
        yield {"event": "state", "camera": "door", "state": "live"}
        yield self.ask()

    def close(self) -> None:
        self.closed = True


def console_on(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> tuple[Console, list[Asked]]:
    """A console, and the clients that it has made."""
    made: list[Asked] = []

    def connect(_: Console) -> Any:
        made.append(Asked(*answers))
        return made[-1]

    monkeypatch.setattr(Console, "connect", connect)
    return Console("tcp:nowhere"), made


def test_the_answer_to_an_interrupted_command_is_discarded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console, made = console_on(monkeypatch, KeyboardInterrupt(), {})
    with pytest.raises(KeyboardInterrupt):
        console.run(["status"])
    assert made[0].closed
    console.run(["watch"])  # an interrupt ends a watch
    assert len(made) == 2
    assert made[1].closed


def test_the_console_reconnects_to_a_lost_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console, made = console_on(monkeypatch, NoServer("it is gone"))
    assert (console.run(["ping"]), console.run(["ping"])) == (1, 1)
    assert len(made) == 2
    assert capsys.readouterr().err == "twistedcam: it is gone\n" * 2


@pytest.mark.parametrize(
    ("words", "said"), [(["json", "on"], "--json"), (["watch", "a", "b"], "one argument too many")]
)
def test_commands_that_the_console_replaces_are_refused(
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    console, made = console_on(monkeypatch)
    assert console.run(words) == 2
    assert said in capsys.readouterr().err
    assert made == []
