"""Files whose index is moved when they are complete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.recording.writer.test_faststart import boxes, long  # noqa: F401
from tests.support.fakes import ManualThread
from twistedcam.events import EventBus, RecordingChanged
from twistedcam.recording.library.faststart_queue import FaststartQueue


def test_long_films_are_moved_one_after_the_other_when_they_are_complete(
    long: Callable[[str], Path],  # noqa: F811
    tmp_path: Path,
) -> None:
    bus, threads = EventBus(), list[ManualThread]()

    def make_thread() -> ManualThread:
        threads.append(ManualThread())
        return threads[-1]

    mover = FaststartQueue(tmp_path, bus, make_thread)
    first, second = long(".mp4"), long(".mov")
    for what, path in (("started", first), ("finished", first), ("segment", second)):
        bus.publish(RecordingChanged("cam", what, path.name, bytes=path.stat().st_size))
    bus.publish(RecordingChanged("cam", "finished", "a.mkv", bytes=9))
    bus.publish(RecordingChanged("cam", "finished", "gone.mp4", bytes=9))
    (thread,) = threads
    while thread.waiting:
        thread.step()
    assert boxes(first) == boxes(second) == ["ftyp", "moov", "mdat"]
    assert thread.ended
    first.unlink()
    bus.publish(RecordingChanged("cam", "finished", long(".mp4").name, bytes=9))
    mover.stop()  # the server ends: it does not wait for a copy
    threads[-1].step()
    assert boxes(first) == ["ftyp", "mdat", "moov"]
