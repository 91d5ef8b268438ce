"""Commands by name: what each takes, what it may do, and its help, all from one function."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twistedcam.errors import BadArgument, UnknownCommand

if TYPE_CHECKING:
    from twistedcam.server import Server

#: One item, a list of items, or nothing to tell. Keys are words, values plain JSON values.
Answer = dict[str, Any] | list[dict[str, Any]] | None

Right = Literal["view", "control", "admin"]


@dataclass(frozen=True)
class Parameter:
    """A word that a command takes after its name.

    Arguments:
        name: lower case, as in the function.
        required: whether it may be left out.
        is_camera: a camera's name; left out, it is the only camera.
        looks_right: for an optional word: whether a lone word that is no camera is meant for it.
    """

    name: str
    required: bool
    is_camera: bool
    looks_right: Callable[[str], bool]

    def __str__(self) -> str:
        word = self.name.upper()
        return word if self.required else f"[{word}]"


@dataclass(frozen=True)
class Command:
    """One command.

    Arguments:
        name: its words, such as ``record start``.
        call: the function; its first argument is the server.
        parameters: the words that it takes.
        right: what a token must allow for it.
        items: for an answer that is a list: what the items are called, in the plural.
    """

    name: str
    call: Callable[..., Answer | Awaitable[Answer]]
    parameters: tuple[Parameter, ...]
    right: Right
    items: str | None

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

    def bind(self, server: Server, words: list[str]) -> dict[str, Any]:
        """The function's arguments from the words behind the command's name.

        Raises:
            BadArgument, NoSuchCamera, CameraNeeded: the words will not do.
        """
        rest = list(words)
        arguments: dict[str, Any] = {}
        for index, parameter in enumerate(self.parameters):
            if parameter.is_camera:
                word = self._camera_word(server, rest, self.parameters[index + 1 :])
                arguments[parameter.name] = server.camera(word)
                if word is not None:
                    rest.pop(0)
            elif rest:
                arguments[parameter.name] = rest.pop(0)
            elif parameter.required:
                raise BadArgument(f"{parameter.name.upper()} is missing: {self.usage}")
        if rest:
            raise BadArgument(f"{rest[0]!r} is one word too many: {self.usage}")
        return arguments

    def _camera_word(
        self, server: Server, words: list[str], others: tuple[Parameter, ...]
    ) -> str | None:
        """The first word, if it names a camera or was meant to."""
        if not words:
            return None
        if words[0] in server.cameras or len(words) > len(others):
            return words[0]
        required = sum(other.required for other in others)
        if len(words) <= required or others[0].looks_right(words[0]):
            return None
        return words[0]

    async def run(self, server: Server, **arguments: Any) -> Answer:
        """Carry it out.

        Raises:
            CommandError: it was not carried out, and nothing of it was.
        """
        answer = self.call(server, **arguments)
        if answer is None or isinstance(answer, (dict, list)):
            return answer
        return await answer


class Registry:
    """All commands of a server. Programs that embed one add their own."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def command(
        self,
        name: str,
        *,
        right: Right = "control",
        items: str | None = None,
        looks_right: Callable[[str], bool] = lambda word: False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a function to make it a command.

        Its parameters behind ``server`` become the command's words: ``camera`` a camera's name
        that may be left out where there is only one, one with a default a word that may be left
        out.
        """

        def add(call: Callable[..., Any]) -> Callable[..., Any]:
            found = list(inspect.signature(call).parameters.values())[1:]
            parameters = tuple(
                Parameter(
                    each.name,
                    each.default is inspect.Parameter.empty and each.name != "camera",
                    each.name == "camera",
                    looks_right,
                )
                for each in found
            )
            self._commands[name] = Command(name, call, parameters, right, items)
            return call

        return add

    def get(self, name: str) -> Command:
        """The command of that whole name.

        Raises:
            UnknownCommand: with the nearest one that there is.
        """
        command = self._commands.get(name)
        if command is None:
            raise self._unknown(name)
        return command

    def find(self, words: list[str]) -> tuple[Command, list[str]]:
        """The command that these words begin with, and the words behind it.

        Raises:
            UnknownCommand: with the nearest one that there is.
        """
        for length in (2, 1):
            command = self._commands.get(" ".join(words[:length]))
            if command is not None and len(words) >= length:
                return command, words[length:]
        raise self._unknown(" ".join(words[:2]))

    def _unknown(self, name: str) -> UnknownCommand:
        first = name.split(" ")[0]
        near = difflib.get_close_matches(name, self._commands, 1, 0.5) or difflib.get_close_matches(
            first, self._commands, 1, 0.5
        )
        longer = [each for each in self._commands if each.startswith(first + " ")]
        if longer:
            return UnknownCommand(f"{name!r} is no command; there is " + ", ".join(longer))
        hint = f"did you mean {near[0]!r}?" if near else "'help' lists them all"
        return UnknownCommand(f"{name[:80]!r} is no command: {hint}")
