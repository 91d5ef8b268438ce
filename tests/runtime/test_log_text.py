"""Text of clients in the log cannot control the terminal of its reader."""

from __future__ import annotations

import io
import json
from pathlib import Path

from twisted.logger import LogPublisher
from twisted.python.failure import Failure

from tests.support.process import ServerProcess, wait_for
from tests.support.viewer import Viewer
from twistedcam import wire
from twistedcam.runtime.log_text import json_observer, text_observer


def logged(text: str) -> str:
    to = io.StringIO()
    LogPublisher(text_observer(to))({"log_format": "{text}", "text": text, "log_time": 0.0})
    return to.getvalue()


def test_what_steers_a_terminal_is_written_out() -> None:
    said = logged("a\x1b]0;title\x07\x9b2J\r\n\u202eb äé日")
    assert said.endswith(r" a\x1b]0;title\x07\x9b2J\r" + "\n\t" + "\\u202eb äé日\n")
    assert said.replace("\n", "").replace("\t", "").isprintable()


def test_the_text_of_an_event_is_limited() -> None:
    assert len(logged("x" * 100_000)) < 5000
    assert logged("x" * 100_000).endswith("…\n")


def test_whoever_gives_up_has_one_line(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:") as server:
        viewer = Viewer(server.frames)
        error = wire.Error("busy", "\x1b[2J\nfake line\n" + "x" * 60_000)
        viewer.socket.sendall(error.encode())
        wait_for(lambda: "closed the connection" in server.log, "the log")
        [line] = [each for each in server.log.splitlines() if "fake line" in each]
        assert r"\x1b[2J fake line x" in line and len(line) < 500
        viewer.close()


def as_json(**fields: object) -> dict[str, object]:
    """Parse a line of JSON."""
    to = io.StringIO()
    LogPublisher(json_observer(to))({"log_time": 0.0, **fields})
    line, end = to.getvalue().split("\n")
    assert not end
    assert len(line) < 20_000
    found: dict[str, object] = json.loads(line.removeprefix("\x1e"))
    return found


def test_fields_from_clients_are_cut_in_json_as_in_text() -> None:
    event = as_json(
        log_format="{peer}: {uri}", peer="192.0.2.1:5", uri="x" * 100_000, raw=b"y" * 100_000
    )
    assert event["peer"] == "192.0.2.1:5"
    assert event["uri"] == "x" * 1000 + "…"
    assert event["raw"] == "y" * 1000 + "..."
    assert event["log_format"] == "{peer}: {uri}"


def test_a_line_of_json_is_limited_whatever_its_fields() -> None:
    event = as_json(log_format="{words}", words=["x" * 100] * 10_000)
    assert str(event["text"]).startswith("['xxx")
    assert "words" not in event


def test_a_failure_is_whole_in_json() -> None:
    to = io.StringIO()
    failure = Failure(ValueError("x" * 50_000))
    LogPublisher(json_observer(to))({"log_format": "", "log_time": 0.0, "log_failure": failure})
    assert "ValueError" in to.getvalue()
