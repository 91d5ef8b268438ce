"""All commands and options of the program, as its parsers have them: for completion and manual."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args, get_origin

Takes = Literal["nothing", "file", "folder", "word"]


@dataclass(frozen=True)
class ProgramOption:
    """An option or an operand of a command.

    Arguments:
        flags: ``-h`` and ``--help``; empty for an operand.
        help: its description, on one line.
        metavar: the name of its value; empty if it takes none.
        choices: the values that it may have; empty if there are others.
    """

    flags: tuple[str, ...]
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()

    @property
    def takes(self) -> Takes:
        """The kind of its value, by which a shell completes it."""
        if not self.metavar:
            return "nothing"
        kinds: dict[str, Takes] = {"FILE": "file", "DIR": "folder"}
        return kinds.get(self.metavar, "word")


@dataclass(frozen=True)
class ProgramCommand:
    """A command of the program, or one that ``twistedcam ctl`` sends.

    Arguments:
        path: its words, without ``twistedcam``; empty for the program itself.
        help: its description, on one line.
        usage: the words behind ``twistedcam``, with operands and options.
        takes_camera: True if an operand is a camera of the server.
        takes_recording: True if an operand is a recording or a snapshot of the server.
    """

    path: tuple[str, ...]
    help: str
    usage: str
    options: tuple[ProgramOption, ...] = ()
    operands: tuple[ProgramOption, ...] = ()
    commands: tuple[ProgramCommand, ...] = ()
    takes_camera: bool = False
    takes_recording: bool = False

    @property
    def name(self) -> str:
        """Its words with spaces between them."""
        return " ".join(self.path)

    def walk(self) -> Iterator[ProgramCommand]:
        """Yield this command and all below it."""
        yield self
        for each in self.commands:
            yield from each.walk()


def read_command_tree() -> ProgramCommand:
    """Return the program with all its commands. Imports the modules of all commands."""
    from twistedcam.cli.main import COMMANDS

    commands = []
    for name, module, summary in COMMANDS:
        parser = argparse.ArgumentParser(f"twistedcam {name}", description=summary)
        importlib.import_module(module).add_arguments(parser)
        commands.append(_read_parser((name,), summary, parser))
    options = (
        ProgramOption(("-h", "--help"), "show the help and exit"),
        ProgramOption(("--version",), "show the version and exit"),
    )
    usage = "[-h] [--version] COMMAND …"
    return ProgramCommand((), "a camera server", usage, options, (), tuple(commands))


def _read_parser(
    path: tuple[str, ...], summary: str, parser: argparse.ArgumentParser
) -> ProgramCommand:
    options: list[ProgramOption] = []
    operands: list[ProgramOption] = []
    commands: tuple[ProgramCommand, ...] = ()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            texts = {each.dest: each.help or "" for each in action._choices_actions}
            commands = tuple(
                _read_parser((*path, name), texts.get(name, ""), below)
                for name, below in action.choices.items()
            )
        elif action.help != argparse.SUPPRESS:
            (options if action.option_strings else operands).append(_read_action(path, action))
    if path == ("ctl",):
        operands, commands = [], _read_control_commands()
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: twistedcam ")
    return ProgramCommand(path, summary, usage, tuple(options), tuple(operands), commands)


def _read_action(path: tuple[str, ...], action: argparse.Action) -> ProgramOption:
    metavar = ""
    if action.nargs != 0:
        given = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        metavar = "" if isinstance(action, argparse.BooleanOptionalAction) else given
    text = " ".join((action.help or "").split()) % {"default": action.default}
    choices = tuple(map(str, action.choices or ()))
    if not choices and "|" in metavar:
        choices = tuple(metavar.split("|"))
    if path == ("serve",) and not choices:
        choices = _choices_of_option(action.dest)
    return ProgramOption(tuple(action.option_strings), text, metavar, choices)


def _choices_of_option(name: str) -> tuple[str, ...]:
    """Return the words that an option of ``serve`` may be; empty if it may be others."""
    from twistedcam.config.options import OPTIONS

    found = next((each for each in OPTIONS.values() if each.name == name), None)
    if found is not None and get_origin(found.type) is Literal:
        return tuple(map(str, get_args(found.type)))
    return ()


def _read_control_commands() -> tuple[ProgramCommand, ...]:
    """Return the commands of the control port as commands of ``ctl``."""
    from twistedcam.commands import standard_commands

    below: dict[str, list[ProgramCommand]] = {}
    single: dict[str, ProgramCommand] = {}
    for each in standard_commands():
        first, _, second = each.name.partition(" ")
        options = tuple(
            ProgramOption((item.flag,), "", "" if item.kind == "switch" else item.name.upper())
            for item in each.parameters
            if item.kind in ("option", "switch")
        )
        path = ("ctl", first, *([second] if second else []))
        made = ProgramCommand(
            path,
            each.summary,
            f"ctl {each.usage}",
            options,
            takes_camera=any(item.is_camera for item in each.parameters),
            takes_recording=any(item.is_recording for item in each.parameters),
        )
        if second:
            below.setdefault(first, []).append(made)
        else:
            single[first] = made
    found = []
    for name in dict.fromkeys([*single, *below]):
        alone = single.get(name)
        commands = tuple(below.get(name, ()))
        if alone is None:
            summary = "; ".join(each.help for each in commands)
            alone = ProgramCommand(("ctl", name), summary, f"ctl {name} …")
        found.append(replace(alone, commands=commands))
    return tuple(found)
