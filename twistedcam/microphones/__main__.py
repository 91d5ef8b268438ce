"""The process that reads a microphone: ``python -m twistedcam.microphones``.

Its standard input has the name of the microphone, and then nothing: the process ends when it is
closed, also while a driver hangs. Its standard output has messages (``messages.py``).
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from twistedcam.microphones.alsa import reason_of, safe_environment
from twistedcam.microphones.messages import MicrophoneFailed
from twistedcam.microphones.reader import MicrophoneReader
from twistedcam.util.libraries import av


def main() -> int:
    """Read until the input is closed or the microphone fails; return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at Ctrl-C the server closes the input
    os.environ.update(safe_environment(os.environ))
    microphone = sys.stdin.buffer.readline().decode().strip()
    threading.Thread(target=_end_with_input, daemon=True).start()
    av.logging.set_level(av.logging.ERROR)
    write = sys.stdout.buffer.write
    try:
        with MicrophoneReader(microphone) as reader:
            write(reader.opened.encode())
            sys.stdout.flush()
            for sound in reader.read():
                write(sound.encode())
                sys.stdout.flush()
        reason = "it gives no more sound"
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = reason_of(error)
    try:
        write(MicrophoneFailed(" ".join(reason.split())[:240]).encode())
        sys.stdout.flush()
    finally:
        os._exit(1)  # closing a device that has failed may hang


def _end_with_input() -> None:
    while sys.stdin.buffer.read(1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
