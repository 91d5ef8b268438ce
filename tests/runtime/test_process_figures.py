"""Figures of the process are true, and the oldest are forgotten."""

from __future__ import annotations

import threading
from pathlib import Path

from twistedcam.runtime.process_figures import KEEP, ProcessFigures


def test_the_share_of_the_processor_is_that_since_the_sample_before() -> None:
    now, used = [0.0], [0.0]
    figures = ProcessFigures(lambda: now[0], lambda: used[0])
    figures.sample()  # no time has passed
    assert not figures.samples
    now[0], used[0] = 10.0, 2.5
    figures.sample()
    now[0], used[0] = 20.0, 17.5
    figures.sample()
    assert [each.cpu for each in figures.samples] == [25.0, 150.0]


def test_threads_files_and_memory_are_counted(tmp_path: Path) -> None:
    now = iter(range(1000))
    figures = ProcessFigures(lambda: next(now), lambda: 0.0)
    figures.sample()
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    with (tmp_path / "file").open("w"):
        figures.sample()
    ended.set()
    thread.join()
    before, after = figures.samples
    assert after.threads == before.threads + 1
    assert after.files == (before.files or 0) + 1
    assert 10_000_000 < (after.memory or 0) < 10_000_000_000
    for _ in range(KEEP):
        figures.sample()
    assert len(figures.samples) == KEEP
