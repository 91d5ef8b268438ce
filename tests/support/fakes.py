"""Parts of a server that a test controls by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock

from twistedcam.camera import Camera
from twistedcam.core.server import Server
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.library.media_reader import HEAD_LIMIT, PICTURE_LIMIT, MediaReader
from twistedcam.recording.media_worker.remux import Copied, copy, has_packet
from twistedcam.recording.media_worker.video_file import (
    Head,
    UnreadableVideo,
    picture_at,
    read_head,
)
from twistedcam.runtime.scheduler import Scheduler
from twistedcam.runtime.threads import Thread
from twistedcam.sources.base import RawPacket, RawPicture, Source, SourceInfo
from twistedcam.sources.registry import SCHEMES
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.stream.hub import Sink

TINY_JPEG: bytes = cv2.imencode(".jpg", np.zeros((1, 1), np.uint8))[1].tobytes()


class InlineThread(Thread):
    """Makes each call at once, on the caller's thread."""

    def __init__(self) -> None:
        pass

    def run(self, call: Callable[[], Any]) -> Deferred[Any]:
        return maybeDeferred(call)

    def end(self) -> None:
        pass


class FakeTime:
    """The module ``time`` with a clock that stands still."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


class InlineReader(MediaReader):
    """Reads films in this process."""

    def heads(self, files: Sequence[int]) -> list[Head | UnreadableVideo]:
        return [self._head(fd) for fd in files]

    def _head(self, fd: int) -> Head | UnreadableVideo:
        try:
            return read_head(fd, HEAD_LIMIT)
        except UnreadableVideo as error:
            return error

    def picture(self, fd: int, at: float = 0.0) -> bytes:
        return picture_at(fd, PICTURE_LIMIT, at)

    def has_packet(self, fd: int) -> bool:
        return has_packet(fd)

    def copy(self, source: int, target: int, muxer: str, options: dict[str, str]) -> Copied:
        return copy(source, target, muxer, options)


class ManualThread(Thread):
    """Calls wait until the test lets them be made; a hung driver is a call never made."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []
        self.ended = False

    def run(self, call: Callable[[], Any]) -> Deferred[Any]:
        """Put the call in the queue."""
        done: Deferred[Any] = Deferred()
        self.waiting.append((call, done))
        return done

    def end(self) -> None:
        """No more calls."""
        self.ended = True

    def step(self) -> None:
        """Make the oldest call that waits."""
        call, done = self.waiting.pop(0)
        maybeDeferred(call).chainDeferred(done)


class FakeSource:
    """Gives what the test put in ``script``: grabs, None, or errors to raise."""

    def __init__(self, spec: SourceSpec | None = None) -> None:
        self.opening: SourceInfo | Exception = SourceInfo(1, 1, 10.0, "fake", "a fake")
        self.script: list[RawPicture | RawPacket | Exception | None] = []
        self.calls: list[str] = []

    def open(self) -> SourceInfo:
        """As ``opening`` says."""
        self.calls.append("open")
        if isinstance(self.opening, Exception):
            raise self.opening
        return self.opening

    def read(self) -> RawPicture | RawPacket | None:
        """The next of the script; a JPEG when it is empty."""
        self.calls.append("read")
        step = self.script.pop(0) if self.script else RawPicture(1.0, jpeg=TINY_JPEG)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        """Note it."""
        self.calls.append("close")


class FakeScheme:
    """While entered, ``fake:`` makes the sources of this object.

    ``sources`` holds all that were made; ``next_opening`` is what the next will say to ``open``.
    """

    def __init__(self) -> None:
        self.sources: list[FakeSource] = []
        self.opening: SourceInfo | Exception = SourceInfo(1, 1, 10.0, "fake", "a fake")

    def __enter__(self) -> FakeScheme:
        SCHEMES["fake"] = self._make
        return self

    def __exit__(self, *_: object) -> None:
        del SCHEMES["fake"]

    def _make(self, spec: SourceSpec, settings: Settings) -> Source:
        source = FakeSource(spec)
        source.opening = self.opening
        self.sources.append(source)
        return source


class PacketKeeper(Sink[Any]):
    """Keeps the packets and the tracks that it gets, and counts how often its hub was cleared."""

    def __init__(self) -> None:
        self.taken: list[Packet] = []
        self.tracks: list[Track] = []
        self.cleared = 0

    def take(self, packet: Packet, /) -> None:
        self.taken.append(packet)

    def track_changed(self, track: Track) -> None:
        self.tracks.append(track)

    def on_cleared(self) -> None:
        self.cleared += 1

    @property
    def codecs(self) -> list[str]:
        """The codecs of the packets, in their order."""
        return [each.track.codec for each in self.taken]


class ProcessClock(Clock):
    """A reactor that starts no process: it keeps the protocols, the commands and the signals."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Any] = []
        self.commands: list[list[str]] = []
        self.signals: list[str] = []

    def spawnProcess(self, process: Any, program: str, command: list[str], **_: Any) -> None:
        self.processes.append(process)
        self.commands.append(command)
        process.makeConnection(self)

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)

    def addSystemEventTrigger(self, *_: Any) -> int:
        return 0

    def removeSystemEventTrigger(self, trigger: int) -> None:
        pass


class OpeningMicrophone:
    """A microphone that is being opened."""

    state, reason = "starting", None

    def gather(self, wanted: bool) -> None:
        """Do nothing: it gives no sound yet."""


class CameraRig:
    """A camera on a fake source, fake threads and a fake clock.

    Arguments:
        settings: the source's.
        monotonic: places the packets on the stream's timeline.
    """

    def __init__(
        self,
        settings: dict[str, str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = Clock()
        self.threads: list[ManualThread] = []
        self.events: list[Event] = []
        self.bus = EventBus()
        self.bus.subscribe(self.events.append)
        spec = SourceSpec("fake", "", settings or {}, "fake:")
        self.camera = Camera("cam", spec, self.bus, self.clock, self._make_thread, monotonic)

    @property
    def states(self) -> list[str]:
        """All states that were told, in order."""
        return [event.state for event in self.events if isinstance(event, CameraChanged)]

    @property
    def thread(self) -> ManualThread:
        """The newest thread."""
        return self.threads[-1]

    def step(self, count: int = 1) -> None:
        """Let the newest thread make some calls, the reactor turning in between."""
        for _ in range(count):
            self.thread.step()
            self.clock.advance(0)

    def _make_thread(self) -> ManualThread:
        self.threads.append(ManualThread())
        return self.threads[-1]


def make_server(clock: Clock, recordings: Path) -> Server:
    """A server without cameras, on a fake clock, whose threads call at once."""
    server = Server(clock, recordings, InlineThread)  # type: ignore[arg-type]
    server.scheduler = Scheduler(clock)  # whatever else the machine has to do
    return server
