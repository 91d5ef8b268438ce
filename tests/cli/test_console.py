"""A console whose server has ended the connection meanwhile goes on with another."""

from __future__ import annotations

import io
import socket
import threading

from tests.support.process import PATIENCE
from twistedcam.cli.console import WELL, Console

GREETING = b"OK twistedcam 1 9.9 ('help' lists the commands)\n" + b'{"ok": true}\n'
LAST_WORDS = b'{"ok": false, "code": "unauthorized", "message": "no token was received"}\n'


def test_a_connection_that_was_ended_while_nobody_typed_is_made_anew() -> None:
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
            assert console.run(["ping"]) == WELL
            assert ended.wait(PATIENCE)
            assert console.run(["ping"]) == WELL
            assert console.client.has_ended() is False
            console.close()
        finally:
            server.join()
    assert out.getvalue() == "number: 0\nnumber: 1\n"
