"""The process that reads a microphone: ``python -m twistedcam.microphones``.

Its standard input has the name of the microphone in a line, and then a byte whenever somebody
begins to listen, or nobody does any more (``messages.py``). The process ends when it is closed,
also while a driver hangs. Its standard output has messages.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from twistedcam.microphones.alsa import reason_of, safe_environment
from twistedcam.microphones.messages import IDLE, MicrophoneFailed
from twistedcam.microphones.piece_length import PieceLength
from twistedcam.microphones.reader import MicrophoneReader
from twistedcam.util.libraries import av


def main() -> int:
    """Read until the input is closed or the microphone fails; return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at Ctrl-C the server closes the input
    os.environ.update(safe_environment(os.environ))
    microphone = sys.stdin.buffer.readline().decode().strip()
    length = PieceLength()
    threading.Thread(target=_follow_input, args=(length,), daemon=True).start()
    av.logging.set_level(av.logging.ERROR)
    write = sys.stdout.buffer.write
    try:
        with MicrophoneReader(microphone, length) as reader:
            write(reader.opened.encode())
            sys.stdout.flush()
            for sounds in reader.read():
                write(b"".join(each.encode() for each in sounds))
                sys.stdout.flush()
        reason = "it gives no more sound"
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = reason_of(error)
    try:
        write(MicrophoneFailed(" ".join(reason.split())[:240]).encode())
        sys.stdout.flush()
    finally:
        os._exit(1)  # closing a device that has failed may hang


def _follow_input(length: PieceLength) -> None:
    while demand := sys.stdin.buffer.read(1):
        length.gather(demand == IDLE)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
