"""Compares the texts of the web page with its translations.

    python tools/page_texts.py             # lists what is missing and unused, by language
    python tools/page_texts.py LANGUAGE    # adds missing texts to its files, to be filled in

Texts are found in the source: in calls of ``t()`` and ``plural()`` (``static/lib/text.js``), and in
the HTML as ``translate()`` there finds them. ``static/texts/`` has their translations, and
``static/option_texts/`` those of the help of all options.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from twistedcam.config.arguments import options_from
from twistedcam.config.forms import NO_KEYS, TABLES, camera_form
from twistedcam.config.toml_file import FILE_OPTIONS
from twistedcam.servers.http.page.login import for_users
from twistedcam.sources.setting_help import HELP
from twistedcam.util.schema import settings_of

STATIC = Path(__file__).parents[1] / "twistedcam/servers/http/page/static"
#: The forms of a plural that a translation needs at least (Intl.PluralRules).
PLURALS = {"de": {"one", "other"}, "fr": {"one", "other"}, "es": {"one", "other"}, "zh": {"other"}}
#: The same as in static/lib/text.js.
ATTRIBUTES = {"aria-label", "aria-roledescription", "alt", "label", "placeholder", "title"}
SKIPPED = {"code", "noscript", "pre", "script", "style", "textarea"}
_VOID = {"br", "hr", "img", "input", "link", "meta", "source", "track", "use", "path", "wbr"}
_WORD = re.compile(r"[^\W\d_].*[^\W\d_]")
#: A string in JavaScript that people read, wherever it is.
_SENTENCE = re.compile(r"[A-Z][a-z]+ [a-z]{2,} [a-z]{2,}")
#: Where JavaScript puts texts that people read.
_SHOWN = re.compile(
    r"(?:textContent|innerText|\.title|\.placeholder|\.alt|ariaLabel)\s*=\s*$"
    r"|(?:showMessage|confirm|alert|prompt|new Option|new Error)\($"
    r"|announce\([^()]*,\s*$"
    r"|setAttribute\(\"(?:aria-label|title|alt|placeholder|aria-valuetext)\",\s*$"
)


class Text(NamedTuple):
    """A text of the page.

    Arguments:
        english: the key of its translation; with a plural, that of several.
        one: with a plural, the text of a single one; else None.
        where: the file and line.
    """

    english: str
    one: str | None
    where: str


class Literal(NamedTuple):
    """A string of JavaScript.

    Arguments:
        value: the text; of a template, the parts between its expressions with ``${}`` for these.
        before: the code before it.
        line: its line, from 1.
        is_template: it has expressions, or backticks.
    """

    value: str
    before: str
    line: int
    is_template: bool


_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<regex>(?<=[(,=:\[!&|?{};\n>])\s*/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)"""
    r"""|(?P<template>`)|(?P<open>\{)|(?P<close>\})""",
    re.DOTALL,
)


def literals(source: str) -> Iterator[Literal]:
    """Yield the strings and templates of JavaScript."""
    code: list[str] = []  # without comments and strings
    stack: list[tuple[str, list[str], int] | None] = []  # templates, and None for each brace in one
    at = 0

    def template(at: int, parts: list[str], line: int) -> tuple[int, Literal | None]:
        """Read a template on; returns where it stops, at its end or at an expression."""
        while source[at] != "`":
            if source[at] == "\\":
                parts.append(_unescape(source[at : at + 2]))
                at += 2
            elif source.startswith("${", at):
                parts.append("${}")
                stack.append(("".join(code[-80:]), parts, line))
                code.append("(")
                return at + 2, None
            else:
                parts.append(source[at])
                at += 1
        return at + 1, Literal("".join(parts), "", line, True)

    while found := _TOKEN.search(source, at):
        code.append(source[at : found.start()])
        before = "".join(code[-80:])[-200:]
        line = source.count("\n", 0, found.start()) + 1
        at = found.end()
        if found["string"]:
            yield Literal(_unescape(found["string"][1:-1]), before, line, False)
            code.append('"' + found["string"][1:-1] + '"')
        elif found["template"]:
            at, done = template(at, [], line)
            if done:
                yield done._replace(before=before)
            code.append('""')
        elif found["open"]:
            stack.append(None)
            code.append("{")
        elif found["close"]:
            opened = stack.pop() if stack else None
            code.append("}")
            if opened is not None:
                at, done = template(at, opened[1], opened[2])
                if done:
                    yield done._replace(before=opened[0][-200:])
        elif found["regex"]:
            code.append("/x/")


def _unescape(text: str) -> str:
    text = re.sub(r"\\u\{?([0-9a-fA-F]{4,6})\}?", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text)


def script_texts(source: str, name: str) -> list[Text]:
    """Return the texts of JavaScript that are translated.

    Raises:
        ValueError: a call of ``t()`` or ``plural()`` does not begin with a text.
    """
    found: list[Text] = []
    pending: str | None = None
    calls = 0
    for each in literals(source):
        where = f"{name}:{each.line}"
        if re.search(r"(?<![\w.$])t\(\s*$", each.before):
            calls += 1
            if each.is_template:
                raise ValueError(f"{where}: t() needs a text without expressions")
            found.append(Text(each.value, None, where))
        elif re.search(r"(?<![\w.$])plural\([^\"]*,\s*$", each.before) and not each.is_template:
            pending = each.value
        elif pending is not None and re.search(r"\",\s*$", each.before):
            found.append(Text(each.value, pending, where))
            pending = None
    if calls != len(re.findall(r"(?<![\w.$])t\(", _without_comments(source))):
        raise ValueError(f"{name}: t() is called without a text")
    return found


def _without_comments(source: str) -> str:
    return re.sub(r"^\s*//.*$|(?<=[;,{}\s])//\s.*$", "", source, flags=re.MULTILINE)


def untranslated(source: str, name: str) -> list[str]:
    """Return the strings of JavaScript that people read, but that are not translated."""
    found = []
    for each in literals(source):
        if re.search(r"(?<![\w.$])(?:t|term|console\.\w+)\(\s*$|plural\([^()]*$", each.before):
            continue
        words = re.sub(r"\$\{\}|twistedcam", " ", each.value)
        if _SENTENCE.search(words) or (_SHOWN.search(each.before) and _WORD.search(words)):
            found.append(f"{name}:{each.line}: {each.value}")
    return found


class _PageTexts(HTMLParser):
    """Collects the texts of HTML."""

    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self.name = name
        self.found: list[Text] = []
        self._open: list[tuple[str, bool]] = []  # each tag, and if its content is skipped
        self._sentence: list[str] | None = None
        self._depth = 0  # of tags in a sentence
        self._count = 0  # of the child elements of a sentence
        self._child: list[str] = []

    def _add(self, text: str) -> None:
        text = " ".join(text.split())
        if _WORD.search(text):
            self.found.append(Text(text, None, f"{self.name}:{self.getpos()[0]}"))

    @property
    def _is_skipped(self) -> bool:
        return any(skipped for _, skipped in self._open)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        skipped = tag in SKIPPED or values.get("translate") == "no"
        if self._sentence is None and not self._is_skipped and not skipped:
            for name, value in attributes:
                if name in ATTRIBUTES and value:
                    self._add(value)
        if self._sentence is not None:
            if self._depth == 0:
                self._count += 1
                self._child = []
            if tag not in _VOID:
                self._depth += 1
            else:
                self._end_child()
        elif "data-sentence" in values:
            self._sentence, self._depth, self._count = [], 0, 0
            self._open.append((tag, skipped))
            return
        if tag not in _VOID and self._sentence is None:
            self._open.append((tag, skipped))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self._sentence is not None and self._depth:
            self._depth -= 1
            self._end_child()
            return
        if self._sentence is not None:
            self._add("".join(self._sentence))
            self._sentence = None
        if self._open:
            self._open.pop()

    def _end_child(self) -> None:
        assert self._sentence is not None
        if self._depth:
            return
        text = "".join(self._child)
        number = self._count
        self._sentence.append(f"<{number}>{text}</{number}>" if text.strip() else f"<{number}/>")

    def handle_data(self, data: str) -> None:
        if self._is_skipped:
            return
        if self._sentence is None:
            self._add(data)
        elif self._depth:
            self._child.append(data)
        else:
            self._sentence.append(data)


def page_texts(source: str, name: str) -> list[Text]:
    """Return the texts of HTML that are translated."""
    parser = _PageTexts(name)
    parser.feed(source)
    return parser.found


def all_texts(folder: Path = STATIC) -> dict[str, Text]:
    """Return all texts of the page, by their keys."""
    texts: list[Text] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".js" and name != "lib/text.js":
            texts += script_texts(path.read_text(), name)
        elif path.suffix == ".html":
            texts += page_texts(path.read_text(), name)
    texts += page_texts(for_users((folder / "login.html").read_text()), "login.html")
    texts.append(Text("As the browser", None, "lib/text.js"))
    found: dict[str, Text] = {}
    for each in texts:
        found.setdefault(each.english, each)
    return found


def option_texts() -> dict[str, Text]:
    """Return the help and the units of all options that the page shows, by their keys."""
    options = [each.option for each in FILE_OPTIONS.values()]
    for schema in TABLES.values():
        options += [each.option for key, each in settings_of(schema).items() if key not in NO_KEYS]
    found = [text for each in [*options, *HELP.values()] for text in (each.help, each.unit)]
    camera = camera_form('[camera.a]\nsource = "pattern:"\n', "a", options_from([]))
    found += [field["help"] for group in camera["groups"] for field in group["fields"]]
    return {each: Text(each, None, "options") for each in found if each}


def faults(texts: dict[str, Text], catalogue: dict[str, object], language: str) -> list[str]:
    """Return what is wrong with the translations of a language."""
    found = [f"not used any more: {key}" for key in catalogue if key not in texts]
    for key, text in texts.items():
        value = catalogue.get(key)
        forms = value if isinstance(value, dict) else {"": value}
        wanted = {""} if text.one is None else PLURALS.get(language, {"other"})
        missing = sorted(each for each in wanted if not forms.get(each))
        found += [f"{text.where}: no translation: {key} {each}".rstrip() for each in missing]
        for form, translated in forms.items():
            free = {"{count}"} if form == "one" else set()  # "a camera" has no number
            if translated and (_marks(str(translated)) ^ _marks(key)) - free:
                found.append(f"other placeholders than the English text: {translated}")
    return found


def _marks(text: str) -> set[str]:
    found = set(re.findall(r"\{\w+\}|<\d+/?>|</\d+>", text))
    return found | {f"{text.count('`')} backquotes"}


def update(path: Path, texts: dict[str, Text]) -> None:
    """Add missing texts to a catalogue, empty, and remove those that are not used any more."""
    old = json.loads(path.read_text()) if path.exists() else {}
    new = {
        key: old.get(key) or ({"one": "", "other": ""} if texts[key].one is not None else "")
        for key in sorted(texts, key=str.lower)
    }
    path.write_text(json.dumps(new, ensure_ascii=False, indent=1) + "\n")


def main(arguments: list[str]) -> int:
    """Run the program."""
    catalogues = {"texts": all_texts(), "option_texts": option_texts()}
    count = 0
    for folder, texts in catalogues.items():
        if arguments:
            update(STATIC / folder / f"{arguments[0]}.json", texts)
            continue
        for path in sorted((STATIC / folder).glob("*.json")):
            for each in faults(texts, json.loads(path.read_text()), path.stem):
                print(f"{folder}/{path.name}: {each}")
                count += 1
    return min(count, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
