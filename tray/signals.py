"""Ctrl-C and the end of the session, whatever the desktop's own loop does with signals."""

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
    """While inside, a signal that ends programs calls ``call`` instead, from some thread.

    A handler written in Python runs when the main thread is back in Python, and the loops of
    Windows and macOS may stay away for long: a thread is woken through Python's wake-up socket.
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
