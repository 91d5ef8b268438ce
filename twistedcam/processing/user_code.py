"""The user code that a text such as ``module:function`` names."""

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
#: The most seconds that the import of user code may take.
CHECK_TIMEOUT = 60.0
#: Exit codes of the check of user code. Neither is 0, with which the code may end the process.
LOADED, REFUSED = 43, 44


@dataclass(frozen=True)
class Code:
    """User code.

    Arguments:
        text: ``module:function``; if ``function`` is given, only a name for messages.
        function: the function, if it was given as an object; it can only run in a thread.
    """

    text: str
    function: Callable[..., Any] | None = None

    @classmethod
    def of(cls, what: str | Callable[..., Any]) -> Code:
        """Return the code that ``module:function``, or a function, stands for.

        Raises:
            BadArgument: the text has another form.
        """
        if callable(what):
            name = getattr(what, "__name__", type(what).__name__)
            return cls(f"{getattr(what, '__module__', '')}:{name}", what)
        if not _TEXT.fullmatch(what):
            raise BadArgument(f"{what!r} does not name user code: write module:function")
        return cls(what)

    @property
    def name(self) -> str:
        """The function's own name, from which the name of its camera is made."""
        name = re.sub(r"\W", "", re.split("[:.]", self.text)[-1])  # also of <lambda>
        return unicodedata.normalize("NFC", name)

    def load(self) -> Callable[..., Any]:
        """Import the function and return it.

        Raises:
            BadArgument: the module or function is missing, or the import failed.
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
            hint = "put the main program under if __name__ == '__main__'"
            raise BadArgument(f"{self.text}: its import ends the program: {hint}") from None
        except Exception as error:
            raise BadArgument(f"{self.text}: its import failed: {describe(error)}") from None
        for word in path.split("."):
            if not hasattr(found, word):
                raise BadArgument(f"{self.text}: {module} has no {path!r}")
            found = getattr(found, word)
        if not callable(found):
            raise BadArgument(f"{self.text} is not a function, but of type {type(found).__name__}")
        function: Callable[..., Any] = found
        return function


@dataclass(frozen=True)
class Process:
    """User code and the camera whose frames it gets.

    Arguments:
        camera: the camera's name.
        code: the user code.
        runs_in: ``process`` or ``thread``.
    """

    camera: str
    code: Code
    runs_in: str = "process"

    @property
    def name(self) -> str:
        """The name of the camera that it makes."""
        return f"{self.camera}.{self.code.name}"


def parse_process(text: str, cameras: list[str], made: list[str] | None = None) -> tuple[str, Code]:
    """Parse ``[CAMERA=]module:function``; return the camera's name and the code.

    Arguments:
        cameras: the names of all configured cameras.
        made: the names of cameras that user code makes; used only if they are named.

    Raises:
        BadArgument: the text has another form, or the camera is unknown or ambiguous.
    """
    camera, equals, code = text.rpartition("=")
    every = [*cameras, *(made or ())]
    have = ", ".join(every)
    if not equals:
        if len(cameras) != 1:
            raise BadArgument(f"--process {text}: name the camera, as in CAMERA={text}: {have}")
        camera = cameras[0]
    found = find_name(every, camera)
    if found is None:
        raise BadArgument(f"--process {text}: there is no camera {camera!r}; there is {have}")
    return found, Code.of(code)


def describe(error: BaseException) -> str:
    """Return an error in one line."""
    if isinstance(error, TwistedcamError):
        return str(error)
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def environment() -> dict[str, str]:
    """Return the environment of a process that can import what this one can."""
    return child_environment(each or "." for each in sys.path)


def check_code(code: Code) -> None:
    """Import user code once, in a process of its own, so that it can crash or hang.

    Raises:
        StartupError: it cannot be imported; the message gives the reason.
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
