"""Two changes of one configuration, joined."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from twistedcam.config.toml_edits import read_document, write_value
from twistedcam.errors import BadArgument

_ABSENT = object()


def merge(base: str, mine: str, theirs: str) -> tuple[str, list[str]]:
    """Return a text with both changes, and the keys that both have changed in different ways.

    These have the value of ``mine``. Comments of both stay if the lines can be joined; otherwise
    those of ``theirs`` do.

    Arguments:
        base: the text of which both were made.
        mine, theirs: the changed texts.

    Raises:
        BadArgument: one of them is no TOML, or written in another way than can be changed.
    """
    if mine == theirs or theirs == base:
        return mine, []
    old, other = read_document(base), read_document(theirs)
    text, conflicts = theirs, []
    for path, value in _changes(old, read_document(mine), other):
        now, before = _at(other, path), _at(old, path)
        if now not in (before, value):
            conflicts.append(".".join(path))
        if now != value:
            text = write_value(text, path, None if value is _ABSENT else value)
    joined = _join_lines(*(each.splitlines(keepends=True) for each in (base, mine, theirs)))
    if joined is not None and not conflicts:
        found = "".join(joined)
        if _is_same(found, text):
            return found, []
    return text, conflicts


def _changes(old: Any, new: Any, other: Any, path: tuple[str, ...] = ()) -> Iterator[Any]:
    """Return paths and values that differ; a table that nobody else has changed is one value."""
    for key in [*new, *(each for each in old if each not in new)]:
        before, value = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if value == before:
            continue
        theirs = other.get(key, _ABSENT)
        three = [each for each in (before, value, theirs) if each is not _ABSENT]
        if theirs != before and len(three) > 1 and all(isinstance(each, dict) for each in three):
            before, value, theirs = (
                each if isinstance(each, dict) else {} for each in (before, value, theirs)
            )
            yield from _changes(before, value, theirs, (*path, key))
        elif isinstance(value, dict) and isinstance(before, dict):
            yield from _changes(before, value, before, (*path, key))
        else:
            yield (*path, key), value


def _at(table: Any, path: tuple[str, ...]) -> Any:
    for each in path:
        if not isinstance(table, dict) or each not in table:
            return _ABSENT
        table = table[each]
    return table


def _is_same(one: str, two: str) -> bool:
    try:
        return read_document(one) == read_document(two)
    except BadArgument:
        return False


def _join_lines(base: list[str], mine: list[str], theirs: list[str]) -> list[str] | None:
    """Return the lines with both changes; None if they touch each other."""
    edits: list[tuple[int, int, list[str]]] = []
    for lines in (mine, theirs):
        matcher = SequenceMatcher(None, base, lines)
        for tag, start, end, first, last in matcher.get_opcodes():
            if tag != "equal" and (start, end, lines[first:last]) not in edits:
                edits.append((start, end, lines[first:last]))
    edits.sort(key=lambda each: each[:2])
    found: list[str] = []
    place = 0
    for number, (start, end, lines) in enumerate(edits):
        if number and (start < edits[number - 1][1] or start == edits[number - 1][0]):
            return None
        found += [*base[place:start], *lines]
        place = end
    return found + base[place:]
