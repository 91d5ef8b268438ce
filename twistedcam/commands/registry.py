"""All commands by name; the nearest one for a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any

from twistedcam.commands.command import (
    Answer,
    Command,
    LooksRight,
    MeantCamera,
    Right,
    parameters_of,
)
from twistedcam.errors import UnknownCommand

#: Other words for commands, known from other programs. They are no commands in a list of these.
ALIASES = {"exit": "quit", "bye": "quit", "?": "help"}
#: How much like a command's name another has to be, from 0 to 1, to have been meant for it; and how
#: many letters more than the longest it may have, because comparing takes time for each.
LIKENESS = 0.6
LONGER = 8
#: Commands that a beginning may stand for so that they are named.
MOST_MEANT = 4


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
        meant: MeantCamera = lambda server: None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a function to make it a command; its docstring is the help.

        Its parameters behind the first become the command's words: ``camera`` a camera's name
        that may be left out where there is only one (with a default: where none is meant); one
        with a default a word that may be left out; one that is a ``list[str]`` all words that
        are left. A keyword-only parameter ``every`` becomes an option ``--every VALUE``; if it
        is a ``bool``, a switch ``--every``. All values are given to the function as text.
        """

        def add(call: Callable[..., Any]) -> Callable[..., Any]:
            self._commands[name] = added = Command(
                name,
                call,
                parameters_of(call),
                right,
                items,
                of_session,
                before_auth,
                looks_right,
                as_lines,
                for_all,
                new_file,
                meant,
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
        """The command that these words begin with, in any case, and the words behind it.

        Raises:
            UnknownCommand: with the nearest one that there is.
        """
        lower = [word.lower() for word in words[:2]]
        if lower:
            lower[0] = ALIASES.get(lower[0], lower[0])
        for spelling in (words, lower):  # a program's own command may have capital letters
            for length in (2, 1):
                command = self._commands.get(" ".join(spelling[:length]))
                if command is not None and len(words) >= length:
                    return command, words[length:]
        raise self._unknown(" ".join(words[:2]))

    def _unknown(self, name: str) -> UnknownCommand:
        lower = name.lower()
        first = lower.split(" ")[0]
        longer = [each for each in self._commands if each.startswith(first + " ")]
        if longer:
            return UnknownCommand(f"{name[:80]!r} is no command; there is " + ", ".join(longer))
        near = self._begin_with(lower) or self._begin_with(first) or self._nearest(lower, first)
        hint = f"did you mean {_either(near)}?" if near else "'help' lists them all"
        return UnknownCommand(f"{name[:80]!r} is no command: {hint}")

    def _begin_with(self, begun: str) -> list[str]:
        """The commands that something is the beginning of; none if it says too little."""
        found = [each for each in self._commands if begun and each.startswith(begun)]
        return sorted(found) if len(found) <= MOST_MEANT else []

    def _nearest(self, name: str, first: str) -> list[str]:
        """The command that a name is spelt most like; none if it is longer than any."""
        longest = max(map(len, self._commands), default=0) + LONGER
        for each in (name, first):
            if len(each) <= longest:
                near = difflib.get_close_matches(each, self._commands, 1, LIKENESS)
                if near:
                    return near
        return []


def _either(names: list[str]) -> str:
    """``'a'``; ``'a' or 'b'``; ``'a', 'b' or 'c'``."""
    *others, last = map(repr, names)
    return f"{', '.join(others)} or {last}" if others else last
