"""Requests beyond the rate limit are refused."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.errors import TooOften
from twistedcam.net.rate_limit import RateLimiter


def test_requests_of_one_second_are_allowed_at_once_and_then_at_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(clock, lambda: 4)
    for _ in range(4):
        limiter.acquire("one")
    with pytest.raises(TooOften, match="more than 4 snapshots in a second"):
        limiter.acquire("one")
    limiter.acquire("another")
    clock.advance(0.25)
    limiter.acquire("one")
    with pytest.raises(TooOften):
        limiter.acquire("one")
    clock.advance(3600)
    for _ in range(4):
        limiter.acquire("one")
    with pytest.raises(TooOften):
        limiter.acquire("one")


def pull(url: str, count: int) -> None:
    """Make a number of requests, one after the other."""
    for _ in range(count):
        urllib.request.urlopen(url, timeout=PATIENCE).close()


def test_snapshots_beyond_the_limit_are_refused_by_name(tmp_path: Path) -> None:
    options = ["--camera", "pattern:?size=160x120", "--max-snapshots", "1"]
    options += ["--http", "tcp:0:interface=127.0.0.1"]
    with ServerProcess(tmp_path, *options) as server:
        wait_for(lambda: server.status("cam")["state"] == "live", "the camera")
        with pytest.raises(urllib.error.HTTPError) as refused:
            pull(f"{server.http}/snapshot", 30)
        assert refused.value.code == 429
        assert refused.value.headers["Retry-After"] == "1"
        assert b'"too-many"' in refused.value.read()
        refused.value.close()
        answers = server.command_lines(*["snapshot cam"] * 30)
        assert any(each.startswith("ERR too-many") for each in answers), answers
        assert any(each.startswith("snapshot:") for each in answers)
