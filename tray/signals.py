"""Handles signals while the desktop's own loop runs."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@contextlib.contextmanager
def on_signal(call: Callable[[], None]) -> Iterator[None]:
    """Call ``call`` from another thread for signals that end programs.

    A Python handler runs only when the main thread runs Python code, and the loops of Windows and
    macOS can block it for long. So a thread is woken through Python's wake-up socket.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)

    def wait() -> None:
        while reading.recv(1) not in (b"", b"\0"):
            call()

    before = {each: signal.signal(each, lambda *_: call()) for each in SIGNALS}
    fd = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=wait, name="tray signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(fd)
        for each, handler in before.items():
            signal.signal(each, handler)
        writing.send(b"\0")
        thread.join()
        reading.close()
        writing.close()
