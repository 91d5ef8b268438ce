"""The end comes once, in order, however often it is asked for."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import pytest

from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.errors import NoServer

SHUTDOWN, TERM, INT = "shutdown", signal.SIGTERM, signal.SIGINT


@pytest.mark.parametrize("asked", [(TERM, TERM, INT), (SHUTDOWN, TERM, TERM), (INT, SHUTDOWN)])
def test_who_asks_for_the_end_again_does_not_disturb_it(
    tmp_path: Path, asked: tuple[str | int, ...]
) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?size=160x120&fps=20") as server:
        with BlockingClient("tcp:{}:{}".format(*server.control), PATIENCE) as client:
            client.ask("start")
            name = client.ask("record", "start")["recording"]
            wait_for(lambda: client.ask("status")["recording_frames"], "a frame in the file")
            for each in asked:
                if isinstance(each, str):
                    with contextlib.suppress(NoServer):  # it may be too late to be heard
                        client.ask(each)
                else:
                    server.process.send_signal(each)
        assert server.process.wait(PATIENCE) == 0
        assert "Traceback" not in server.log
    assert (tmp_path / name).is_file()


def test_a_signal_behind_the_end_does_not_turn_it_into_a_failure(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:") as server:
        server.process.send_signal(TERM)
        while server.process.poll() is None:
            server.process.send_signal(INT)
        assert server.process.returncode == 0
        assert "Traceback" not in server.log
