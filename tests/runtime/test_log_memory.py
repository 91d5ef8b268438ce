"""The newest lines of the log, without secrets."""

from __future__ import annotations

import pytest
from twisted.logger import Logger, LogPublisher

from twistedcam.runtime.log_memory import MAX_LINES, LogMemory, without_secrets


def test_the_newest_lines_are_kept_from_info_on_and_filtered_by_words() -> None:
    memory = LogMemory()
    log = Logger(observer=LogPublisher(memory))
    log.debug("too much")
    for number in range(MAX_LINES + 5):
        log.info("Door {number} is live", number=number)
    log.warn("yard\x1b[2J: lost")
    lines = memory.lines()
    assert len(lines) == MAX_LINES
    assert (lines[-1]["level"], lines[-2]["level"]) == ("warn", "info")
    assert lines[-1]["text"].endswith("yard\\x1b[2J: lost")
    assert lines[-1]["time"] > 1e9
    assert [each["text"][-9:] for each in memory.lines(1, "door LIVE")] == ["4 is live"]
    assert memory.lines(5, "cellar") == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://user:secret@192.0.2.1/x", "rtsp://***@192.0.2.1/x"),
        ("a tcam1_0123456789abcdef b", "a tcam1_*** b"),
        ("GET /x?token=abc&y=1", "GET /x?token=***&y=1"),
        ("Password: abc", "Password: ***"),
        ("door is live", "door is live"),
    ],
)
def test_what_may_be_a_secret_is_hidden(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
