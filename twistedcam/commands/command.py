"""One command: what it takes, what it may do, and its help, all from one function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_origin

from twistedcam.auth import ANYONE, Grant
from twistedcam.commands.cameras import VisibleCameras
from twistedcam.errors import BadArgument

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: One item, a list of items, or nothing to tell. Keys are words, values plain JSON values.
Answer = dict[str, Any] | list[dict[str, Any]] | None

#: ``view``: it changes nothing; ``control``: it changes something; ``admin``: it ends the server,
#: or changes how it is configured.
Right = Literal["view", "control", "admin"]

#: Whether a lone word that names no camera is meant for the word behind the camera's place.
LooksRight = Callable[[VisibleCameras, str], bool]

#: The name of the camera that is meant where none is named; None: the only one that there is.
MeantCamera = Callable[["Server"], str | None]


@dataclass(frozen=True)
class Parameter:
    """A word that a command takes after its name.

    Arguments:
        name: lower case, as in the function.
        required: whether it may not be left out.
        is_camera: a camera's name.
        kind: ``word``; ``rest``: all the words that are left; ``option``: ``--name VALUE``,
            anywhere; ``switch``: ``--name`` alone.
    """

    name: str
    required: bool
    is_camera: bool = False
    kind: Literal["word", "rest", "option", "switch"] = "word"

    @classmethod
    def of(cls, found: inspect.Parameter, names: dict[str, Any]) -> Parameter:
        """Read a function's parameter (see Registry.command).

        Arguments:
            names: the names that its annotation may use, where that is text: those of its module.
        """
        optional = found.default is not inspect.Parameter.empty
        annotation = _evaluate(found.annotation, names)
        if found.kind is inspect.Parameter.KEYWORD_ONLY:
            return cls(found.name, False, kind="switch" if annotation is bool else "option")
        is_list = annotation is list or get_origin(annotation) is list
        kind: Literal["word", "rest"] = "rest" if is_list else "word"
        return cls(found.name, not optional, found.name == "camera", kind)

    @property
    def flag(self) -> str:
        """An option or a switch as it is typed."""
        return "--" + self.name.replace("_", "-")

    def __str__(self) -> str:
        word = self.name.upper()
        if self.kind == "option":
            return f"[{self.flag} {word}]"
        if self.kind == "switch":
            return f"[{self.flag}]"
        return f"[{word}]" if self.is_camera or not self.required else word


@dataclass(frozen=True)
class Command:
    """One command.

    Arguments:
        name: its words, such as ``record start``.
        call: the function; its first argument is the server, or the session.
        parameters: the words that it takes.
        right: what a token must allow for it.
        before_auth: it may be given by one who has yet to show a token.
        items: for an answer that is a list: what the items are called, in the plural.
        of_session: it is about the controller's own connection (see session.ControllerSession).
        looks_right: see LooksRight.
        as_lines: how the answer is shown as text, where not as ``key: value`` lines.
        for_all: the keys of an answer about the server as a whole that a token for some cameras
            may know, too.
        new_file: the parameter that names a file which is made.
        meant: see MeantCamera.
    """

    name: str
    call: Callable[..., Answer | Awaitable[Answer]]
    parameters: tuple[Parameter, ...]
    right: Right
    items: str | None
    of_session: bool = False
    before_auth: bool = False
    looks_right: LooksRight = lambda cameras, word: False
    as_lines: Callable[[Answer], list[str]] | None = None
    for_all: tuple[str, ...] = ()
    new_file: str | None = None
    meant: MeantCamera = lambda server: None

    @property
    def usage(self) -> str:
        """How it is written: ``record start [CAMERA] [NAME]``."""
        return " ".join([self.name, *map(str, self.parameters)])

    @property
    def summary(self) -> str:
        """The first line of its help."""
        return self.help.partition("\n")[0]

    @property
    def help(self) -> str:
        """The function's docstring."""
        return inspect.getdoc(self.call) or ""

    def bind(self, server: Server, words: list[str], grant: Grant = ANYONE) -> dict[str, Any]:
        """The function's arguments from the words behind the command's name.

        Arguments:
            grant: what the one who gives the command may do.

        Raises:
            BadArgument, NoSuchCamera, CameraNeeded: the words will not do.
            Forbidden: they name a camera that the token is not valid for, or that there is not.
        """
        cameras = VisibleCameras(server, grant)
        arguments, rest = self._take_options(words)
        places = [each for each in self.parameters if each.kind in ("word", "rest")]
        for index, parameter in enumerate(places):
            if parameter.is_camera:
                word = self._camera_word(cameras, rest, places[index + 1 :])
                if word is not None:
                    rest.pop(0)
                elif parameter.required:
                    meant = self.meant(server)
                    word = meant if meant is not None and meant in cameras else None
                if word is not None or parameter.required:
                    arguments[parameter.name] = cameras.get(word)
            elif parameter.kind == "rest":
                arguments[parameter.name], rest = rest, []
            elif rest:
                arguments[parameter.name] = rest.pop(0)
            elif parameter.required:
                raise BadArgument(f"{parameter.name.upper()} is missing: {self.usage}")
        if rest:
            raise BadArgument(f"{rest[0]!r} is one word too many: {self.usage}")
        return arguments

    def _take_options(self, words: list[str]) -> tuple[dict[str, Any], list[str]]:
        """Options and switches, and the words that are none; behind ``--`` nothing is one."""
        known = {each.flag: each for each in self.parameters if each.kind in ("option", "switch")}
        taken: dict[str, Any] = {}
        rest: list[str] = []
        left = list(words)
        while left:
            word = left.pop(0)
            if word == "--":
                return taken, rest + left
            if not word.startswith("--"):
                rest.append(word)
                continue
            flag, equals, value = word.partition("=")
            parameter = known.get(flag)
            if parameter is None:
                raise BadArgument(f"there is no option {flag!r}: {self.usage}")
            if parameter.kind == "switch":
                if equals:
                    raise BadArgument(f"{flag} takes no value: {self.usage}")
                taken[parameter.name] = True
            elif equals or left:
                taken[parameter.name] = value if equals else left.pop(0)
            else:
                raise BadArgument(f"{flag} needs a value: {self.usage}")
        return taken, rest

    def _camera_word(
        self, cameras: VisibleCameras, words: list[str], others: list[Parameter]
    ) -> str | None:
        """The first word, if it names a camera or was meant to."""
        if not words:
            return None
        if words[0] in cameras or len(words) > len(others):
            return words[0]
        required = sum(other.required for other in others)
        if len(words) <= required or self.looks_right(cameras, words[0]):
            return None
        return words[0]

    async def run(self, subject: Any, **arguments: Any) -> Answer:
        """Carry it out on the server; or in the session, where it is about that.

        Raises:
            CommandError: it was not carried out, and nothing of it was.
        """
        try:
            answer = self.call(subject, **arguments)
            if answer is None or isinstance(answer, (dict, list)):
                return answer
            return await answer
        except SystemExit as end:  # of a program's own command: who asked has to have an answer
            what = f"the command {self.name!r} raised SystemExit({end.code!r})"
            raise RuntimeError(f"{what}: it is 'shutdown' that ends the server") from end


def parameters_of(call: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The words that a function takes as a command: its parameters behind the first."""
    names = getattr(inspect.unwrap(call), "__globals__", {})
    found = list(inspect.signature(call).parameters.values())[1:]
    return tuple(Parameter.of(each, names) for each in found)


def _evaluate(annotation: Any, names: dict[str, Any]) -> Any:
    """The type of an annotation; the text itself if that cannot be evaluated."""
    try:
        return eval(annotation, names) if isinstance(annotation, str) else annotation
    except Exception:  # often a name that is imported for type checkers alone
        return annotation
