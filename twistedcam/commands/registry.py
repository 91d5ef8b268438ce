"""All commands by name; the nearest one for a name that there is not."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from twistedcam.commands.command import Answer, Command, LooksRight, Parameter, Right
from twistedcam.errors import UnknownCommand


class Registry:
    """All commands of a server. Programs that embed one add their own."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}
        self._followers: list[Callable[[Command], None]] = []

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def command(
        self,
        name: str,
        *,
        right: Right = "control",
        items: str | None = None,
        of_session: bool = False,
        before_auth: bool = False,
        looks_right: LooksRight = lambda cameras, word: False,
        as_lines: Callable[[Answer], list[str]] | None = None,
        for_all: tuple[str, ...] = (),
        new_file: str | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a function to make it a command; its docstring is the help.

        Its parameters behind the first become the command's words: ``camera`` a camera's name
        that may be left out where there is only one (with a default: where none is meant); one
        with a default a word that may be left out; one that is a ``list[str]`` all words that
        are left. A keyword-only parameter ``every`` becomes an option ``--every VALUE``; if it
        is a ``bool``, a switch ``--every``. All values are given to the function as text.
        """

        def add(call: Callable[..., Any]) -> Callable[..., Any]:
            found = list(inspect.signature(call).parameters.values())[1:]
            self._commands[name] = added = Command(
                name,
                call,
                tuple(map(Parameter.of, found)),
                right,
                items,
                of_session,
                before_auth,
                looks_right,
                as_lines,
                for_all,
                new_file,
            )
            for heard in self._followers:
                heard(added)
            return call

        return add

    def follow(self, heard: Callable[[Command], None]) -> None:
        """Call with each command that there is, and with each that is added later."""
        for each in self:
            heard(each)
        self._followers.append(heard)

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
        longer = [each for each in self._commands if each.startswith(first + " ")]
        if longer:
            return UnknownCommand(f"{name[:80]!r} is no command; there is " + ", ".join(longer))
        near = _nearest(name, self._commands, 0.6) or _nearest(first, self._commands, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else "'help' lists them all"
        return UnknownCommand(f"{name[:80]!r} is no command: {hint}")


def _nearest(name: str, names: Iterable[str], likeness: float) -> list[str]:
    return difflib.get_close_matches(name.lower(), names, 1, likeness)
