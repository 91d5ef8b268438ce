"""Reads video files in other processes, so that a broken file does no harm."""

from __future__ import annotations

import errno
import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from twistedcam.recording.media_worker.remux import Copied
from twistedcam.recording.media_worker.video_file import Head, UnreadableVideo
from twistedcam.runtime.child_process import (
    child_environment,
    describe_exit,
    module_command,
    wait_or_kill,
)

#: Processes at once, and bytes of memory for each.
MAX_PROCESSES = 2
MEMORY = 1 << 30
#: Files in one request at most.
MAX_FILES = 32
#: Seconds for a header, for a first picture, and from one packet of a copy to the next.
HEAD_LIMIT, PICTURE_LIMIT, PACKET_LIMIT = 8.0, 20.0, 30.0
#: Seconds after which an idle process ends.
IDLE = 10.0
#: Seconds that the server waits beyond the time limit of the process.
_GRACE = 5.0
#: Seconds that the start of a process may take on a busy computer: that is not the file's fault.
_START = 60.0
_MAX_LINE, _MAX_BODY = 1 << 20, 1 << 20


#: One line of JSON, and the bytes that follow it.
_Answer = tuple[dict[str, Any], bytes]


class ReadingFailed(UnreadableVideo):
    """The process that read a file has crashed, or took too long.

    Arguments:
        why: the reason.
        answers: the answers before that.
        is_temporary: True if it took too long.
    """

    def __init__(
        self, why: str, answers: Sequence[_Answer] = (), *, is_temporary: bool = False
    ) -> None:
        super().__init__(why, is_temporary=is_temporary)
        self.answers = answers


class MediaReader:
    """Reads video files in processes that are started when needed and end when idle.

    All methods block; any thread can call them. They raise ``UnreadableVideo`` (or
    ``ReadingFailed``) if a file cannot be read, and OSError if no process can be started.

    Arguments:
        most: processes at once; further calls wait.
        memory: bytes for each at most.
        idle: seconds after which an idle one ends.
    """

    def __init__(self, most: int = MAX_PROCESSES, memory: int = MEMORY, idle: float = IDLE) -> None:
        self._room = threading.BoundedSemaphore(most)
        self._memory = memory
        self._idle_limit = idle
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._is_closed = False

    def heads(self, files: Sequence[int]) -> list[Head | UnreadableVideo]:
        """Return the header of each file, or why it cannot be read. At most ``MAX_FILES``."""
        found: list[Head | UnreadableVideo] = []
        while len(found) < len(files):
            try:
                answers = self._ask("head", files[len(found) :], HEAD_LIMIT)
            except ReadingFailed as error:
                answers = [*error.answers, ({"refused": error}, b"")]
            found += [_head(answer) for answer, _ in answers]
        return found

    def picture(self, fd: int, at: float = 0.0) -> bytes:
        """Return a small JPEG of the key frame at or before a time, in seconds from the start."""
        return self._ask_one("picture", [fd], PICTURE_LIMIT, at=at)[1]

    def has_packet(self, fd: int) -> bool:
        """Return True if a file has video in it."""
        return bool(self._ask_one("packet", [fd], PACKET_LIMIT)[0]["found"])

    def copy(self, source: int, target: int, muxer: str, options: dict[str, str]) -> Copied:
        """Copy a file's video into another, empty file; OSError if that cannot be written."""
        # No limit on the whole: the process ends by itself when no packet comes.
        words = {"muxer": muxer, "options": options}
        answer, _ = self._ask_one("copy", [source, target], PACKET_LIMIT, wait=None, **words)
        return Copied(int(answer["frames"]), float(answer["seconds"]), _metadata(answer))

    def close(self) -> None:
        """End all processes, and start no others."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            processes = [*idle, *self._busy]
        for each in processes:
            each.kill()

    def _ask_one(self, task: str, files: Sequence[int], limit: float, **words: Any) -> _Answer:
        ((answer, body),) = self._ask(task, files, limit, **words)
        if "refused" in answer:
            raise _refusal(answer)
        if "failed" in answer:
            raise OSError(answer["errno"] or 0, answer["failed"])
        return answer, body

    def _ask(
        self,
        task: str,
        files: Sequence[int],
        limit: float,
        wait: float | None = _GRACE,
        **words: Any,
    ) -> list[_Answer]:
        """Send a request and return its answers.

        Raises:
            ReadingFailed: the process has crashed; it has the answers before that.
            OSError: no process can be started.
        """
        order = {"task": task, "limit": limit, **words}
        count = len(files) if task == "head" else 1
        with self._room:
            while True:
                process, is_new = self._take()
                answers: list[_Answer] = []
                patience = None if wait is None else limit + wait + (_START if is_new else 0.0)
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
                    why, is_late = process.why(status), process.was_late(status)
                    raise ReadingFailed(why, answers, is_temporary=is_late)
                # It was idle, and ended while the request was sent: try another one.
            with self._lock:
                self._idle.append(process)
        return answers

    def _take(self) -> tuple[_Process, bool]:
        """A process; and True if it is a new one.

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


def _head(answer: dict[str, Any]) -> Head | UnreadableVideo:
    refused = answer.get("refused")
    if isinstance(refused, UnreadableVideo):
        return refused
    if refused is not None:
        return _refusal(answer)
    if "failed" in answer:
        return UnreadableVideo(f"it cannot be read: {answer['failed']}", is_temporary=True)
    seconds, codec, width, height = (answer[key] for key in ("seconds", "codec", "width", "height"))
    layout = None if answer["layout"] is None else tuple(map(int, answer["layout"]))
    return Head(_metadata(answer), seconds, codec, width, height, answer["fps"], layout)


def _refusal(answer: dict[str, Any]) -> UnreadableVideo:
    return UnreadableVideo(str(answer["refused"]), is_temporary=bool(answer.get("is_temporary")))


def _metadata(answer: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in answer["metadata"].items()}


class _Process:
    """A process and its socket.

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
        # A thread waits for its end, so that it does not become a zombie.
        threading.Thread(target=self._process.wait, name="media-worker", daemon=True).start()

    def ask(
        self, order: dict[str, Any], files: Sequence[int], count: int, patience: float | None
    ) -> Iterator[_Answer]:
        """The answers; fewer if the process ends or is late."""
        try:
            self._socket.settimeout(patience)
            socket.send_fds(self._socket, [json.dumps(order).encode() + b"\n"], files)
            for _ in range(count):
                line = self._answers.readline(_MAX_LINE)
                answer = json.loads(line)
                body = self._answers.read(min(answer.pop("body"), _MAX_BODY))
                yield answer, body
        except TimeoutError:
            self._was_late = True
        except (ConnectionError, ValueError, KeyError, TypeError, AttributeError):
            return

    def end(self) -> int:
        """End it, by force if need be; return its exit status, negative for a signal."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for it
        if self._was_late:
            self._process.kill()
        try:
            return wait_or_kill(self._process, _GRACE)
        finally:
            self._answers.close()
            self._socket.close()

    def kill(self) -> None:
        """End it by force."""
        self._was_late = True
        self.end()

    def was_late(self, status: int) -> bool:
        """True if it was ended for taking too long."""
        return self._was_late or status == -signal.SIGALRM

    def why(self, status: int) -> str:
        """The reason for a missing answer."""
        if self.was_late(status):
            return "it takes too long to read"
        return f"the process that read it {describe_exit(status)}"
