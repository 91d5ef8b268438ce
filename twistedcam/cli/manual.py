"""``twistedcam man``: prints the manual page of the program."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator

from twistedcam.cli.command_tree import ProgramCommand, ProgramOption, read_command_tree
from twistedcam.version import __version__

EXAMPLE = (
    "Examples: twistedcam man | man -l - · twistedcam man > ~/.local/share/man/man1/twistedcam.1"
)
_DESCRIPTION = (
    "twistedcam is a camera server. It captures webcams, network cameras and video files once,"
    " shows them to any number of viewers in browsers, players and programs, records them, and is"
    " controlled by a web page, a tray menu, the command line, telnet, HTTP, MQTT or single keys."
)
_VARIABLES = {
    "TWISTEDCAM_TOKEN": "The token of clients (view, ctl, publish, tray), instead of --token.",
    "MALLOC_ARENA_MAX": "The number of heaps of the server's threads; 1 if it is not set.",
}
_FILES = {
    "recordings/": "The recordings, unless --recordings names another folder.",
    "recordings/.twistedcam/": "The index of recordings and events, thumbnails, saved settings.",
    "tokens.toml": "The tokens that 'twistedcam token' writes; for 'serve' with --tokens only.",
}
_CODES = {"0": "Success.", "1": "A failure, with one line on standard error.", "2": "Wrong words."}
_EXAMPLES = (
    ("The first webcam, on this computer only:", "twistedcam serve"),
    (
        "Two cameras with names:",
        "twistedcam serve --camera 'door=webcam:0?size=1280x720' --camera yard=rtsp://10.0.0.7/live",
    ),
    ("A token for a phone, and the page open to it:", "twistedcam token add phone --right view"),
    ("", "twistedcam serve --tokens tokens.toml --http 0.0.0.0:8080"),
    ("Record for a while:", "twistedcam ctl record start"),
    ("", "twistedcam ctl record stop"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``man``: there are none."""
    parser.epilog = EXAMPLE


def run(arguments: argparse.Namespace) -> int:
    """Print the page; return the exit code."""
    print(make_manual(read_command_tree()), end="")
    return 0


def make_manual(program: ProgramCommand) -> str:
    """Return the manual page in the language of man(7)."""
    return "\n".join([*_page(program), ""])


def _page(program: ProgramCommand) -> Iterator[str]:
    yield f'.TH TWISTEDCAM 1 "" "twistedcam {__version__}" "User Commands"'
    yield from (".SH NAME", r"twistedcam \- camera server")
    yield ".SH SYNOPSIS"
    yield from (".B twistedcam", _text(program.usage))
    yield from (".SH DESCRIPTION", _lines(_DESCRIPTION))
    yield ".SH COMMANDS"
    control = next(each for each in program.commands if each.path == ("ctl",))
    for each in program.walk():
        if each.path and (each.path[0] != "ctl" or each is control):
            yield from _command(each)
    yield from (".SH COMMANDS OF CTL", "The server executes them; they are the same on every port.")
    for each in list(control.walk())[1:]:
        if not each.usage.endswith("…"):
            yield from (
                ".TP",
                rf"\fB{_text(each.usage.removeprefix('ctl '))}\fR",
                _lines(each.help),
            )
    for title, rows in (
        ("ENVIRONMENT", _VARIABLES),
        ("FILES", _FILES),
        ("EXIT STATUS", _CODES),
    ):
        yield f".SH {title}"
        for word, text in rows.items():
            yield from (".TP", rf"\fB{_text(word)}\fR", _lines(text))
    yield ".SH EXAMPLES"
    for number, (text, line) in enumerate(_EXAMPLES):
        if text:
            yield from (".PP", _text(text))[number == 0 :]
        yield from (".RS", ".nf", _text(line), ".fi", ".RE")
    yield from (".SH SEE ALSO", ".BR ffmpeg (1),", ".BR ustreamer (1),", ".BR v4l2\\-ctl (1)")


def _command(command: ProgramCommand) -> Iterator[str]:
    yield rf".SS twistedcam {_text(command.name)}"
    yield _lines(f"{command.help[:1].upper()}{command.help[1:]}.".replace("..", "."))
    if len(command.usage) > len(command.name) and "[OPTIONS]" not in command.usage:
        yield from (".PP", rf"\fBtwistedcam\fR {_text(command.usage)}")
    for each in (*command.operands, *command.options):
        if each.flags[:1] != ("-h",):
            yield from (".TP", _head(each), _lines(each.help))


def _head(option: ProgramOption) -> str:
    flags = ", ".join(rf"\fB{_text(flag)}\fR" for flag in option.flags)
    value = rf"\fI{_text(option.metavar)}\fR" if option.metavar else ""
    return " ".join(filter(None, (flags, value)))


def _lines(text: str) -> str:
    """Return a paragraph in lines that are short enough for man(7)."""
    lines = textwrap.wrap(text, 76, break_on_hyphens=False, break_long_words=False)
    return "\n".join(map(_text, lines)) or " "


def _text(text: str) -> str:
    """Return a text that man(7) shows unchanged."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...")
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped
