"""The processes that read films for the server: a file that breaks one costs nothing else."""

from __future__ import annotations

import errno
import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from twistedcam.recording.media_worker.film import Head, first_picture, read_head
from twistedcam.recording.media_worker.remux import Copied, copy, has_packet
from twistedcam.recording.media_worker.source import NotAFilm
from twistedcam.runtime.child_process import (
    child_environment,
    describe_exit,
    module_command,
    wait_or_kill,
)

#: Processes at once, and bytes of memory that each may have.
MOST_PROCESSES = 2
MEMORY = 1 << 30
#: Files that are asked about at once.
MOST_FILES = 32
#: Seconds that a film's head and its first picture may take; and that a copy may go on without a
#: packet.
HEAD_LIMIT, PICTURE_LIMIT, PACKET_LIMIT = 8.0, 20.0, 30.0
#: Seconds after which a process without work ends.
IDLE = 10.0
#: Seconds that the server waits beyond a limit that the process keeps by itself.
_GRACE = 5.0
_MOST_LINE, _MOST_BODY = 1 << 20, 1 << 20


#: One line of JSON, and the bytes behind it.
_Answer = tuple[dict[str, Any], bytes]


class ReadingFailed(NotAFilm):
    """The process that read a film has died of it, or took too long.

    Arguments:
        why: what happened.
        answers: those that it gave before.
    """

    def __init__(self, why: str, answers: Sequence[_Answer] = ()) -> None:
        super().__init__(why)
        self.answers = answers


class MediaReader(Protocol):
    """Reads films. All calls block, and can be made from any thread.

    Each raises ``NotAFilm`` of a file that cannot be read, ``ReadingFailed`` among them; and
    OSError where it cannot be tried.
    """

    def heads(self, files: Sequence[int]) -> list[Head | NotAFilm]:
        """What each film's container says, or why it cannot be read. At most ``MOST_FILES``."""

    def picture(self, fd: int) -> bytes:
        """A small JPEG of its first picture."""

    def has_packet(self, fd: int) -> bool:
        """Whether there is video in it."""

    def copy(self, source: int, target: int, muxer: str, options: dict[str, str]) -> Copied:
        """Copy its video into another, empty file.

        Raises:
            OSError: that cannot be written.
        """

    def close(self) -> None:
        """End what is under way, with an error for who waits for it."""


class InlineReader:
    """Reads films in this process: for tests."""

    def heads(self, files: Sequence[int]) -> list[Head | NotAFilm]:
        return [self._head(fd) for fd in files]

    def _head(self, fd: int) -> Head | NotAFilm:
        try:
            return read_head(fd, HEAD_LIMIT)
        except NotAFilm as error:
            return error

    def picture(self, fd: int) -> bytes:
        return first_picture(fd, PICTURE_LIMIT)

    def has_packet(self, fd: int) -> bool:
        return has_packet(fd)

    def copy(self, source: int, target: int, muxer: str, options: dict[str, str]) -> Copied:
        return copy(source, target, muxer, options)

    def close(self) -> None:
        pass


class ProcessReader:
    """Reads films in processes of their own, which are started when needed and end when idle.

    Arguments:
        most: how many there are at once; further calls wait.
        memory: bytes that each may have.
        idle: seconds after which one without work ends.
    """

    def __init__(
        self, most: int = MOST_PROCESSES, memory: int = MEMORY, idle: float = IDLE
    ) -> None:
        self._room = threading.BoundedSemaphore(most)
        self._memory = memory
        self._idle_limit = idle
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._is_closed = False

    def heads(self, files: Sequence[int]) -> list[Head | NotAFilm]:
        found: list[Head | NotAFilm] = []
        while len(found) < len(files):
            try:
                answers = self._ask("head", files[len(found) :], HEAD_LIMIT)
            except ReadingFailed as error:
                answers = [*error.answers, ({"refused": error}, b"")]
            found += [_head(told) for told, _ in answers]
        return found

    def picture(self, fd: int) -> bytes:
        return self._ask_one("picture", [fd], PICTURE_LIMIT)[1]

    def has_packet(self, fd: int) -> bool:
        return bool(self._ask_one("packet", [fd], PACKET_LIMIT)[0]["found"])

    def copy(self, source: int, target: int, muxer: str, options: dict[str, str]) -> Copied:
        # No limit on the whole: the process ends by itself when no packet comes.
        words = {"muxer": muxer, "options": options}
        told, _ = self._ask_one("copy", [source, target], PACKET_LIMIT, wait=None, **words)
        return Copied(int(told["frames"]), float(told["seconds"]), _said(told))

    def close(self) -> None:
        """End all processes; there will be no others."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            processes = [*idle, *self._busy]
        for each in processes:
            each.kill()

    def _ask_one(self, task: str, files: Sequence[int], limit: float, **words: Any) -> _Answer:
        ((told, body),) = self._ask(task, files, limit, **words)
        if "refused" in told:
            raise NotAFilm(told["refused"])
        if "failed" in told:
            raise OSError(told["errno"] or 0, told["failed"])
        return told, body

    def _ask(
        self,
        task: str,
        files: Sequence[int],
        limit: float,
        wait: float | None = _GRACE,
        **words: Any,
    ) -> list[_Answer]:
        """All answers.

        Raises:
            ReadingFailed: the process has died; it has the answers until then.
            OSError: no process can be started.
        """
        order = {"task": task, "limit": limit, **words}
        patience = None if wait is None else limit + wait
        count = len(files) if task == "head" else 1
        with self._room:
            while True:
                process, is_new = self._take()
                answers: list[_Answer] = []
                try:
                    answers.extend(process.ask(order, files, count, patience))
                    status = 0 if len(answers) == count else process.end()
                except BaseException:
                    process.kill()
                    raise
                finally:
                    with self._lock:
                        self._busy.discard(process)
                if len(answers) == count:
                    break
                if is_new or answers or status != 0:
                    raise ReadingFailed(process.why(status), answers)
                # It had no work for so long that it ended while this was sent to it.
            with self._lock:
                self._idle.append(process)
        return answers

    def _take(self) -> tuple[_Process, bool]:
        """A process, and whether it is a new one.

        Raises:
            OSError: none can be started.
        """
        with self._lock:
            if self._is_closed:
                raise OSError(errno.ESHUTDOWN, "the server ends")
            if self._idle:
                process = self._idle.pop()
                self._busy.add(process)
                return process, False
        process = _Process(self._memory, self._idle_limit)
        with self._lock:
            self._busy.add(process)
            is_closed = self._is_closed
        if is_closed:
            process.kill()
        return process, True


def _head(told: dict[str, Any]) -> Head | NotAFilm:
    refused = told.get("refused", told.get("failed"))
    if isinstance(refused, NotAFilm):
        return refused
    if refused is not None:
        return NotAFilm(f"it cannot be read: {refused}")
    seconds, codec, width, height = (told[key] for key in ("seconds", "codec", "width", "height"))
    return Head(_said(told), seconds, codec, width, height)


def _said(told: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in told["said"].items()}


class _Process:
    """One process, and the socket to it.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, memory: int, idle: float) -> None:
        command = module_command("twistedcam.recording.media_worker", str(memory), str(idle))
        self._socket, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=child_environment(),
                )
        except BaseException:
            self._socket.close()
            raise
        self._answers = self._socket.makefile("rb")
        self._was_late = False
        # Waited for as long as it lives: one that ends by itself is never left as a zombie.
        threading.Thread(target=self._process.wait, name="media-worker", daemon=True).start()

    def ask(
        self, order: dict[str, Any], files: Sequence[int], count: int, patience: float | None
    ) -> Iterator[_Answer]:
        """The answers; fewer, if there will be no more."""
        try:
            self._socket.settimeout(patience)
            socket.send_fds(self._socket, [json.dumps(order).encode() + b"\n"], files)
            for _ in range(count):
                line = self._answers.readline(_MOST_LINE)
                told = json.loads(line)
                body = self._answers.read(min(told.pop("body"), _MOST_BODY))
                yield told, body
        except TimeoutError:
            self._was_late = True
        except (ConnectionError, ValueError, KeyError, TypeError, AttributeError):
            return

    def end(self) -> int:
        """Have it end, by force if it does not; its exit status, negative for a signal."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # a thread that waits for it goes on
        if self._was_late:
            self._process.kill()
        try:
            return wait_or_kill(self._process, _GRACE)
        finally:
            self._answers.close()
            self._socket.close()

    def kill(self) -> None:
        """End it by force, at once."""
        self._was_late = True
        self.end()

    def why(self, status: int) -> str:
        """Why there was no answer, by its exit status."""
        if self._was_late or status == -signal.SIGALRM:
            return "it takes too long to read"
        return f"the process that read it {describe_exit(status)}"
