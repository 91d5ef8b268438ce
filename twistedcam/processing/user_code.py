"""Which user code is meant: ``module:function``, or a function itself."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twistedcam.errors import BadArgument, StartupError, TwistedcamError
from twistedcam.runtime.child_process import child_environment, last_line
from twistedcam.util.camera_name import find_name

_TEXT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
#: Seconds that user code may take to be imported when it is looked at before the start.
CHECK_TIMEOUT = 60.0
#: What a look at user code ends with. None is 0: code that ends the process may end it with that.
LOADED, REFUSED = 43, 44


@dataclass(frozen=True)
class Code:
    """User code.

    Arguments:
        text: ``module:function``; of a function that was given as one, for messages alone.
        function: the function, where it was given; it can run in a thread alone.
    """

    text: str
    function: Callable[..., Any] | None = None

    @classmethod
    def of(cls, what: str | Callable[..., Any]) -> Code:
        """From ``module:function`` or a function.

        Raises:
            BadArgument: it is neither.
        """
        if callable(what):
            name = getattr(what, "__name__", type(what).__name__)
            return cls(f"{getattr(what, '__module__', '')}:{name}", what)
        if not _TEXT.fullmatch(what):
            raise BadArgument(f"{what!r} is no code: write module:function")
        return cls(what)

    @property
    def name(self) -> str:
        """The function's own name, which the camera it makes is called by."""
        name = re.sub(r"\W", "", re.split("[:.]", self.text)[-1])  # of <lambda>, too
        return unicodedata.normalize("NFC", name)

    def load(self) -> Callable[..., Any]:
        """The function.

        Raises:
            BadArgument: there is no such module or function, or importing it failed.
        """
        if self.function is not None:
            return self.function
        module, _, path = self.text.partition(":")
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            missing = error.name or module
            if not f"{module}.".startswith(f"{missing}."):
                raise BadArgument(f"{self.text}: it needs {missing!r}: install it") from None
            raise BadArgument(
                f"{self.text}: there is no module {missing!r} in this folder or this Python"
            ) from None
        except SystemExit:
            hint = "put what is for a program of its own behind if __name__ == '__main__'"
            raise BadArgument(f"{self.text}: its import ends the program: {hint}") from None
        except Exception as error:
            raise BadArgument(f"{self.text}: its import failed: {describe(error)}") from None
        for word in path.split("."):
            if not hasattr(found, word):
                raise BadArgument(f"{self.text}: {module} has no {path!r}")
            found = getattr(found, word)
        if not callable(found):
            raise BadArgument(f"{self.text} is no function, but {type(found).__name__}")
        function: Callable[..., Any] = found
        return function


def parse_process(text: str, cameras: list[str], made: list[str] | None = None) -> tuple[str, Code]:
    """``[CAMERA=]module:function``: the camera and the code.

    Arguments:
        cameras: those that there are.
        made: those that other code makes; they are meant only where they are named.

    Raises:
        BadArgument: it is none, there is no such camera, or it has to be said which.
    """
    camera, equals, code = text.rpartition("=")
    every = [*cameras, *(made or ())]
    have = ", ".join(every)
    if not equals:
        if len(cameras) != 1:
            raise BadArgument(f"--process {text}: say of which camera, CAMERA={text}: {have}")
        camera = cameras[0]
    found = find_name(every, camera)
    if found is None:
        raise BadArgument(f"--process {text}: there is no camera {camera!r}; there is {have}")
    return found, Code.of(code)


def describe(error: BaseException) -> str:
    """An error in a line."""
    if isinstance(error, TwistedcamError):
        return str(error)
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def environment() -> dict[str, str]:
    """Return the environment of a process that can import what this one can."""
    return child_environment(each or "." for each in sys.path)


def check_code(code: Code) -> None:
    """Import user code once, in a process of its own, which a crash or a hang then ends alone.

    Raises:
        StartupError: it cannot be had; the message says why.
    """
    command = [sys.executable, "-m", "twistedcam.processing.child_process", "--check", code.text]
    try:
        ended = subprocess.run(
            command, env=environment(), capture_output=True, text=True, timeout=CHECK_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise StartupError(f"{code.text}: its import hangs") from None
    if ended.returncode == LOADED:
        return
    if ended.returncode >= 0 and ended.returncode != REFUSED:
        how = f"its import ends the process, with exit code {ended.returncode}"
        raise StartupError(f"{code.text}: {how}")
    raise StartupError(last_line(ended.stderr) or f"{code.text}: its import crashed")
