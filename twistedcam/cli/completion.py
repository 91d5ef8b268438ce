"""Completion of commands, from the server's help."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from twistedcam.clients.control.dialogue import Message
from twistedcam.errors import TwistedcamError

#: How many recordings are offered: a list of many thousands takes seconds.
NEWEST = "1000"
#: ``BlockingClient.ask``.
Ask = Callable[..., Message]


@dataclass
class Vocabulary:
    """A server's commands and the possible values of their parameters.

    Arguments:
        commands: maps a name to (usage, summary).
        words: maps a parameter, as named in the usage, to its possible values.
        ask: asks the server for the values that change often; None without a server.
    """

    commands: dict[str, tuple[str, str]] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    ask: Ask | None = None

    @classmethod
    def learn(cls, ask: Ask) -> Vocabulary:
        """Ask a server for its vocabulary."""
        listed = ask("help")["commands"]
        commands = {each["name"]: (each["command"], each["summary"]) for each in listed}
        cameras = [each["camera"] for each in ask("cameras")["cameras"]]
        properties: dict[str, None] = {}
        for camera in cameras:
            if "get" in commands:
                found = ask("get", camera)["properties"]
                properties.update(dict.fromkeys(each["property"] for each in found))
        words = {"CAMERA": cameras, "PROPERTY": list(properties), "COMMAND": list(commands)}
        return cls(commands, words, ask)

    def candidates(self, text: str) -> list[tuple[str, str]]:
        """Return the words that may complete ``text``, each with a description."""
        typed, begun = _split(text)
        found: dict[str, str] = {}
        for name, (usage, summary) in self.commands.items():
            parts = name.split()
            if len(typed) < len(parts) and parts[: len(typed)] == typed:
                found.setdefault(parts[len(typed)], summary if len(parts) == 1 else usage)
        for name in (" ".join(typed[:2]), *typed[:1]):
            if name in self.commands:
                place = len(typed) - len(name.split())
                found.update(self._arguments(self.commands[name][0], name, place))
                break
        return [(word, about) for word, about in found.items() if word.startswith(begun)]

    def _arguments(self, usage: str, name: str, place: int) -> dict[str, str]:
        parameters = re.findall(r"\[[^\]]*\]|\S+", usage)[len(name.split()) :]
        options = [each.strip("[]").split() for each in parameters if each.startswith("[--")]
        found = {words[0]: " ".join(words) for words in options}
        places = [each.strip("[]") for each in parameters if not each.startswith("[--")]
        if place < len(places):
            kind = places[place]
            if kind == "ON_OR_OFF":
                return {"on": "", "off": ""}
            words = self._recordings() if kind == "RECORDING" else self.words.get(kind, [])
            found = {**{word: kind.lower() for word in words}, **found}
        return found

    def _recordings(self) -> list[str]:
        """Return the names of the newest recordings and of the snapshots."""
        if self.ask is None:
            return []
        try:
            recordings = self.ask("recordings", "--limit", NEWEST)["recordings"]
            snapshots = self.ask("snapshots")["snapshots"]
        except TwistedcamError:  # the next command says what is wrong
            return []
        names = [each["recording"] for each in recordings]
        return [*names, *(each["snapshot"] for each in snapshots)]


def _split(text: str) -> tuple[list[str], str]:
    """Split into the complete words and the word that is being typed."""
    begun = "" if not text or text[-1].isspace() else text.split()[-1]
    whole = text[: len(text) - len(begun)] if begun else text
    try:
        return shlex.split(whole), begun
    except ValueError:
        return whole.split(), begun
