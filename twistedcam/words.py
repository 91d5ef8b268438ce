"""Options of a server from words, for a program that has one inside."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from twistedcam.arguments import add_serve_arguments
from twistedcam.errors import BadArgument
from twistedcam.options import ServeOptions, read_serve_options


class _Parser(argparse.ArgumentParser):
    """One that raises, and does not end somebody's program."""

    def error(self, message: str) -> NoReturn:
        raise BadArgument(message)


def options_from(words: Sequence[str]) -> ServeOptions:
    """What ``twistedcam serve`` would be told by these words; the terminal's keys are not its.

    Raises:
        BadArgument: an option will not do.
    """
    parser = _Parser("serve", add_help=False, allow_abbrev=False)
    add_serve_arguments(parser)
    return _without_keys(read_serve_options(parser.parse_args(list(words))))


def _without_keys(options: ServeOptions) -> ServeOptions:
    again = options.again
    later = None if again is None else lambda: _without_keys(again())
    return replace(options, keys=False, again=later)
