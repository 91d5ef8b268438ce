"""Standard input and output, whatever the program was started with."""

from __future__ import annotations

import contextlib
import io
import os
import sys


def prepare() -> None:
    """Have all three, and let no letter be one that they do not know.

    A shell may have closed them (``>&-``), and the environment may ask for ASCII.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def finish(code: int) -> int:
    """Write what is still to be written; the exit code: 1 where that fails and nothing else did."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return lost(error, code)
    except ValueError:  # it was closed meanwhile
        pass
    return code


def lost(error: OSError, code: int = 0) -> int:
    """Say that the output cannot be written, and give it up; the exit code.

    Who reads no more (``| head``) is told nothing. Python would write the rest at its end, and
    fail again.
    """
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print(f"twistedcam: cannot write: {error.strerror or error}", file=sys.stderr)
    return code or 1
