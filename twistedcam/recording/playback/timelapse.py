"""Renders a timelapse of what is recorded, in a process of low priority."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import BadArgument, CommandError, NotSupported
from twistedcam.events import EventBus, RecordingChanged
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.playback.new_file import SUFFIX, new_file, reserve_path
from twistedcam.recording.writer.disk_space import ROOM, check_folder, free_bytes
from twistedcam.recording.writer.file_names import (
    check_name,
    release_name,
)
from twistedcam.recording.writer.metadata_tag import Tag, utc_text
from twistedcam.recording.writer.part_file import disk_error
from twistedcam.recording.writer.plan import TIMELAPSE_FPS
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.runtime.child_process import child_environment, module_command, wait_or_kill
from twistedcam.runtime.clock import boot_id, uptime
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.util.escaped_name import file_name

log = Logger()

#: Seconds of a film at least and at most.
MIN_SECONDS, MAX_SECONDS = 0.1, 3600.0
#: Times of pictures in one request at most, so that progress is seen.
_BATCH = 30
#: Seconds in which the process has to end.
_GRACE = 5.0
_CRF = 23


@dataclass
class TimelapseJob:
    """A film that is being rendered.

    Arguments:
        name: the file's name.
        done, count: pictures that are done, and all.
        reason: why it failed, or None.
    """

    camera: str
    name: str
    count: int
    done: int = 0
    state: Literal["rendering", "saved", "failed"] = "rendering"
    reason: str | None = None
    is_cancelled: bool = False


class TimelapseRenderer:
    """Renders one film at a time.

    Arguments:
        folder: the recordings folder.
        reserve: returns the bytes that must stay free on the disk.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        make_thread: Callable[[], Thread],
        reserve: Callable[[], int] = lambda: 0,
    ) -> None:
        #: The film that is being rendered, or else the last one; None before the first.
        self.job: TimelapseJob | None = None
        self._folder = folder
        self._events = events
        self._make_thread = make_thread
        self._reserve = reserve
        #: Fire when the film has ended, with True if nothing is left of it.
        self._cancelling: list[Deferred[bool]] = []

    def start(
        self,
        camera: str,
        entries: Sequence[LibraryEntry],
        start: float,
        end: float,
        seconds: float,
        name: str | None = None,
    ) -> TimelapseJob:
        """Begin to render a film of ``seconds`` from recordings between two times.

        Arguments:
            entries: the recordings, in order.
            name: the file's name; None for ``CAMERA_DATE_TIME.mp4`` with the time of its start.

        Raises:
            BadArgument: another film is being rendered, or the name or the length is not possible.
            DiskError: the folder cannot be written.
        """
        if self.job is not None and self.job.state == "rendering":
            raise BadArgument(
                f"{self.job.name} is being rendered: wait, or cancel it (timelapse cancel)"
            )
        if not MIN_SECONDS <= seconds <= MAX_SECONDS:
            raise BadArgument(f"a timelapse has {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds")
        times = choose_times(entries, start, end, max(1, round(seconds * TIMELAPSE_FPS)))
        check_folder(self._folder)
        if name is not None:
            name = check_name(name, (SUFFIX,))
        path = reserve_path(self._folder, camera, max(start, entries[0].start), name)
        job = TimelapseJob(camera, path.name, sum(len(each) for _, each in times))
        self.job = job
        self._events.publish(RecordingChanged(camera, "rendering", job.name))
        done: Deferred[Any] = run_in_thread(
            self._make_thread, lambda: self._render(job, path, times)
        )
        done.addCallbacks(
            lambda result: self._on_rendered(result, job), lambda why: self._on_failed(why, job)
        )
        done.addBoth(lambda _: self._on_ended(path, job))
        return job

    async def cancel(self, camera: str) -> bool:
        """Cancel the film of a camera that is being rendered; False if there is none.

        It returns when nothing is left of the film, or when it was saved meanwhile (False).
        """
        job = self.job
        if job is None or job.camera != camera or job.state != "rendering":
            return False
        job.is_cancelled = True
        ended: Deferred[bool] = Deferred()
        self._cancelling.append(ended)
        return await ended

    def close(self) -> None:
        """Cancel what is being rendered."""
        if self.job is not None:
            self.job.is_cancelled = True

    def _on_ended(self, path: Path, job: TimelapseJob) -> None:
        release_name(path)
        cancelling, self._cancelling = self._cancelling, []
        for each in cancelling:
            each.callback(job.state != "saved")

    def _on_rendered(self, result: SegmentResult, job: TimelapseJob) -> None:
        job.name, job.state = result.name, "saved"
        self._events.publish(
            RecordingChanged(
                job.camera,
                "saved",
                result.name,
                frames=result.frames,
                seconds=round(result.seconds, 3),
                bytes=result.bytes,
            )
        )

    def _on_failed(self, why: Failure, job: TimelapseJob) -> None:
        error = why.value
        if not isinstance(error, CommandError):
            log.failure("a timelapse could not be rendered", failure=why)
            error = NotSupported(f"{job.name} could not be rendered: {error}")
        job.state, job.reason = "failed", str(error)
        log.info("{name}: {reason}", name=job.name, reason=str(error))
        self._events.publish(
            RecordingChanged(job.camera, "failed", job.name, code=error.code, reason=str(error))
        )

    def _render(
        self, job: TimelapseJob, path: Path, times: list[tuple[LibraryEntry, list[float]]]
    ) -> SegmentResult:
        try:
            with new_file(path) as made:
                answer = self._feed(job, made.fd, path.name, times)
        except OSError as error:
            raise disk_error(path.name, error) from error
        pictures, seconds = int(answer["pictures"]), float(answer["seconds"])
        return SegmentResult(made.name, pictures, seconds, made.size)

    def _feed(
        self,
        job: TimelapseJob,
        target: int,
        name: str,
        times: list[tuple[LibraryEntry, list[float]]],
    ) -> dict[str, Any]:
        """Let a process make the film; return its last answer."""
        date = utc_text(times[0][0].start + times[0][1][0])
        tag = Tag(job.camera, name, 0, time.time(), boot_id(), uptime(), "timelapse")
        metadata = {"creation_time": date, "date": date, "comment": str(tag)}
        # Called in a thread: few servers render films.
        from twistedcam.recording.playback.movie_files import MovieFiles

        files = MovieFiles(self._folder)
        refused = ""
        with _RenderProcess() as process:
            settings = {"fps": TIMELAPSE_FPS, "crf": _CRF, "metadata": metadata}
            process.ask(settings, [target])
            for entry, each in times:
                try:
                    fd, _ = files.open(file_name(entry.recording))
                except FileNotFoundError:
                    continue  # deleted meanwhile
                try:
                    for at in range(0, len(each), _BATCH):
                        if job.is_cancelled:
                            raise NotSupported(f"{name} was cancelled")
                        self._check_room()
                        batch = each[at : at + _BATCH]
                        answer = process.ask({"times": batch}, [fd])
                        refused = answer.get("refused") or refused
                        job.done += len(batch)
                finally:
                    os.close(fd)
            answer = process.ask({"end": True}, [])
        if not answer["pictures"]:
            raise NotSupported(f"{name}: no picture could be read: {refused or 'there is none'}")
        return answer

    def _check_room(self) -> None:
        if free_bytes(self._folder) < 2 * ROOM + self._reserve():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def choose_times(
    entries: Sequence[LibraryEntry], start: float, end: float, count: int
) -> list[tuple[LibraryEntry, list[float]]]:
    """Divide the recorded time evenly: times in each recording, in seconds from its start.

    Gaps take no time in the film.
    """
    parts = []
    shown = start  # where a clock was set back, recordings overlap
    for entry in entries:
        since = max(0.0, shown - entry.start)
        until = min(entry.seconds or 0.0, end - entry.start)
        if until > since:
            parts.append((entry, since, until))
            shown = entry.start + until
    step = sum(until - since for _, since, until in parts) / count
    chosen, offset = [], 0.0
    for entry, since, until in parts:
        times = []
        while since + offset < until:
            times.append(round(since + offset, 3))
            offset += step
        offset -= until - since
        if times:
            chosen.append((entry, times))
    return chosen


class _RenderProcess:
    """The process that decodes and encodes, as a context manager.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                module_command("twistedcam.recording.media_worker.timelapse"),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=child_environment(),
            )
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> _RenderProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._socket.close()
        self._process.kill()
        with suppress(OSError):
            wait_or_kill(self._process, _GRACE)

    def ask(self, request: dict[str, Any], files: Sequence[int]) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            NotSupported: the process has ended.
            OSError: the film cannot be written.
        """
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode() + b"\n"], files)
            line = self._answers.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise NotSupported("the process that renders has ended: a recording may be damaged")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise OSError(answer["errno"] or 0, answer["failed"])
        return answer
