"""Nobody's words in the log steer the terminal of whoever reads it."""

from __future__ import annotations

import io
from pathlib import Path

from twisted.logger import LogPublisher

from tests.process import ServerProcess, wait_for
from tests.viewer import Viewer
from twistedcam import wire
from twistedcam.logtext import text_observer


def logged(text: str) -> str:
    to = io.StringIO()
    LogPublisher(text_observer(to))({"log_format": "{text}", "text": text, "log_time": 0.0})
    return to.getvalue()


def test_what_steers_a_terminal_is_written_out() -> None:
    said = logged("a\x1b]0;title\x07\x9b2J\r\n\u202eb äé日")
    assert said.endswith(r" a\x1b]0;title\x07\x9b2J\r" + "\n\t" + "\\u202eb äé日\n")
    assert said.replace("\n", "").replace("\t", "").isprintable()


def test_an_event_has_an_end() -> None:
    assert len(logged("x" * 100_000)) < 5000
    assert logged("x" * 100_000).endswith("…\n")


def test_whoever_gives_up_has_one_line(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:") as server:
        viewer = Viewer(server.frames)
        error = wire.Error("busy", "\x1b[2J\nfake line\n" + "x" * 60_000)
        viewer.socket.sendall(error.encode())
        wait_for(lambda: "gave up" in server.log, "the log")
        [line] = [each for each in server.log.splitlines() if "fake line" in each]
        assert r"\x1b[2J fake line x" in line and len(line) < 500
        viewer.close()
