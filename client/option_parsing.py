"""Options with an optional word before the address of a camera."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

_SCHEMES = ("twistedcam:", "twistedcams:", "twistedcam+unix:")
_ENDPOINTS = ("tcp:", "tls:", "unix:")


class Cameras(argparse.Action):
    """Collects cameras, in addition to those after an option."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add cameras."""
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), *(values or ())])


class OptionalWord(argparse.Action):
    """An option with an optional word. The address of a camera after it is a camera to show.

    Arguments:
        const: its value without a word.
        words: the valid words; empty for any.
    """

    def __init__(
        self, option_strings: Sequence[str], dest: str, words: Sequence[str] = (), **more: Any
    ) -> None:
        super().__init__(option_strings, dest, nargs="?", **more)
        self._words = words

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Set the option, or add the word to the cameras."""
        if isinstance(values, str) and is_camera(values):
            namespace.url = [*namespace.url, values]
            values = self.const
        elif self._words and values not in self._words:
            raise argparse.ArgumentError(self, f"{values!r} is not {' or '.join(self._words)}")
        setattr(namespace, self.dest, values)


def is_camera(word: str) -> bool:
    """True if a word can only be a camera. HOST and HOST:PORT can be a control port."""
    return word.startswith(_SCHEMES) or ("/" in word and not word.startswith(_ENDPOINTS))
