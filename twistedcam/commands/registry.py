"""Finds commands by name, and suggests the most similar one for an unknown name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from twistedcam.commands.command import (
    Answer,
    Command,
    DefaultCamera,
    Right,
    SkipsCamera,
    parameters_of,
)
from twistedcam.errors import UnknownCommand

#: Names of commands in other programs; the list of commands omits them.
ALIASES = {"exit": "quit", "bye": "quit", "?": "help"}
#: The similarity from 0 to 1 above which a command is suggested, and the number of characters by
#: which a name may exceed the longest command's, because the comparison is slow.
MIN_SIMILARITY = 0.6
MAX_EXCESS = 8
#: Suggest the commands that begin with a name, if they are not more than this.
MAX_SUGGESTIONS = 4


class Registry:
    """The commands of a server. Programs that embed a server add their own."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}
        self._listeners: list[Callable[[Command], None]] = []

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
        skips_camera: SkipsCamera = lambda cameras, word: False,
        as_lines: Callable[[Answer], list[str]] | None = None,
        shared_keys: tuple[str, ...] = (),
        new_file: str | None = None,
        default_camera: DefaultCamera = lambda server: None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a function to make it a command; its docstring is the help.

        Its parameters after the first become those of the command. ``camera`` is a camera's name,
        which may be omitted if there is only one camera; with a default value, if no camera is
        meant; as a ``RecordedCamera`` it need not be in the configuration any more. A parameter
        with a default value may be omitted; a ``list[str]`` takes all remaining
        words. A keyword-only parameter ``every`` becomes an option ``--every VALUE``, or a switch
        ``--every`` if it is a ``bool``. All values are passed to the function as text. A parameter
        ``covers`` is none of the command (Command.takes_covers).

        Arguments: see Command.
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
                skips_camera,
                as_lines,
                shared_keys,
                new_file,
                default_camera,
                "covers" in inspect.signature(call).parameters,
            )
            for on_command in self._listeners:
                on_command(added)
            return call

        return add

    def follow(self, on_command: Callable[[Command], None]) -> None:
        """Call with each command, and with each that is added later."""
        for each in self:
            on_command(each)
        self._listeners.append(on_command)

    def get(self, name: str) -> Command:
        """Return the command of that name.

        Raises:
            UnknownCommand: there is none.
        """
        command = self._commands.get(name)
        if command is None:
            raise self._unknown(name)
        return command

    def find(self, words: list[str]) -> tuple[Command, list[str]]:
        """Return the command that the words begin with, in upper or lower case, and its arguments.

        Raises:
            UnknownCommand: there is none.
        """
        lower = [word.lower() for word in words[:2]]
        if lower:
            lower[0] = ALIASES.get(lower[0], lower[0])
        for spelling in (words, lower):  # a command of a program may have capital letters
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
            return UnknownCommand(f"{name[:80]!r} is not a command; there is " + ", ".join(longer))
        near = self._begin_with(lower) or self._begin_with(first) or self._nearest(lower, first)
        hint = f"did you mean {_either(near)}?" if near else "'help' lists them all"
        return UnknownCommand(f"{name[:80]!r} is not a command: {hint}")

    def _begin_with(self, begun: str) -> list[str]:
        """Return the commands that begin with a text; none if there are too many."""
        found = [each for each in self._commands if begun and each.startswith(begun)]
        return sorted(found) if len(found) <= MAX_SUGGESTIONS else []

    def _nearest(self, name: str, first: str) -> list[str]:
        """Return the command with the most similar name, in a list, or an empty list."""
        longest = max(map(len, self._commands), default=0) + MAX_EXCESS
        for each in (name, first):
            if len(each) <= longest:
                near = difflib.get_close_matches(each, self._commands, 1, MIN_SIMILARITY)
                if near:
                    return near
        return []


def _either(names: list[str]) -> str:
    """``'a'``; ``'a' or 'b'``; ``'a', 'b' or 'c'``."""
    *others, last = map(repr, names)
    return f"{', '.join(others)} or {last}" if others else last
