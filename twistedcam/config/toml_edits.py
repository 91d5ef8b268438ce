"""Changes of single values in TOML texts. Comments and everything else stay."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable, Iterable
from typing import Any

from twistedcam.errors import BadArgument

#: Tables and lists in each other; the schema has six.
_MAX_DEPTH = 20
_BY_HAND = "is written in another way than the page can change: change the text by hand"


def read_document(text: str) -> dict[str, Any]:
    """Return the contents of a TOML text.

    Raises:
        BadArgument: it is no TOML, or nested too deeply.
    """
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadArgument(f"the text is not valid TOML: {error}") from None
    level: list[Any] = [found]
    for _ in range(_MAX_DEPTH):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [one for each in inner for one in each if isinstance(one, dict | list)]
        if not level:
            return found
    raise BadArgument(f"the text has more than {_MAX_DEPTH} tables or lists in each other")


def write_value(text: str, path: tuple[str, ...], value: Any) -> str:
    """Return the text with a value, or without it for None.

    Arguments:
        path: the keys that lead to it. Tables that are missing are made.

    Raises:
        BadArgument: the text is no TOML, or written in another way than can be changed.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    expected = read_document(text)
    _put(expected, path, value, dict)
    if expected == read_document(text):
        return text
    shorter = copy.deepcopy(expected)  # the table of a dotted key ends with its last key
    if value is None and path[-2:-1] != ("motion",):
        _remove_empty(shorter, path[:-1])
    tries: list[Callable[[], str]] = []
    if value is None:
        tries.append(lambda: _without_line(text, path))

    def set_value(change_list: bool = False) -> str:
        document = tomlkit.parse(text)
        if change_list:
            _change_list(document, path, value)
        else:
            _put(document, path, _item(value), tomlkit.table)
        _end_new_tables(document, read_document(text))
        found = tomlkit.dumps(document)
        return found if text.endswith("\n\n") else found.rstrip("\n") + "\n"

    if isinstance(value, list):
        tries.append(lambda: set_value(change_list=True))
    if value is not None and not isinstance(value, dict):
        tries.append(lambda: _with_line(text, path, value))
    tries.append(set_value)
    for attempt in tries:
        try:
            found = attempt()
            if read_document(found) in (expected, shorter):
                return found
        except (TOMLKitError, BadArgument, ValueError, TypeError, KeyError, IndexError):
            continue
        except (AttributeError, RecursionError):  # of tomlkit
            continue
    raise BadArgument(f"{'.'.join(path)} {_BY_HAND}")


def _item(value: Any) -> Any:
    """Return a value as an item of a document, which is a table for a dictionary."""
    import tomlkit

    if isinstance(value, dict):
        table = tomlkit.table()
        for key, each in value.items():
            table[key] = _item(each)
        return table
    if not isinstance(value, list):
        return value
    array = tomlkit.array()
    for each in value:
        array.append(copy.deepcopy(each))
    array.multiline(len(value) > 1)
    return array


def _change_list(document: Any, path: tuple[str, ...], value: list[str]) -> None:
    """Remove items from a list and add others, so that comments between the others stay."""
    for each in path:
        document = document[each]
    kept = [each for each in document.unwrap() if each in value]
    if value[: len(kept)] != kept:
        raise ValueError("the order is another one")
    for place in reversed(range(len(document))):
        if document[place] not in value:
            del document[place]
    for each in value[len(kept) :]:
        document.append(each)


def _end_new_tables(table: Any, before: Any, is_new: bool = False) -> None:
    """Put an empty line behind each table that was not there before."""
    import tomlkit
    from tomlkit.items import Table

    if is_new and isinstance(table, Table) and not table.is_super_table():
        table.add(tomlkit.nl())
    for key, each in table.items():
        if isinstance(each, dict):
            old = before.get(key)
            _end_new_tables(each, old if isinstance(old, dict) else {}, old is None)


def _remove_empty(table: Any, path: tuple[str, ...]) -> None:
    """Remove the table at the end of a path if it is empty."""
    for each in path[:-1]:
        table = table.get(each, {})
    if path and table.get(path[-1]) == {}:
        del table[path[-1]]


def _put(table: Any, path: Iterable[str], value: Any, make: Callable[[], Any]) -> None:
    *parents, key = path
    for each in parents:
        if each not in table:
            if value is None:
                return
            table[each] = make()
        table = table[each]
        if not isinstance(table, dict):
            raise BadArgument(f"{each!r} has to be a table")
    if value is not None:
        table[key] = copy.copy(value)
    elif key in table:
        del table[key]


def _with_line(text: str, path: tuple[str, ...], value: Any) -> str:
    """Return the text with a key behind the last one of its table, or at the beginning.

    Comments before the next table stay directly before that.
    """
    import tomlkit

    *parents, key = path
    table: Any = read_document(text)
    for each in parents:
        table = table[each]
    if key in table:
        raise ValueError(f"{key} is there already")
    new = tomlkit.document()
    new[key] = _item(value)
    line = tomlkit.dumps(new)
    last = [each for each, one in table.items() if not isinstance(one, dict | list)]
    if not last:
        if parents:
            raise ValueError("the place is not known")
        end = _end_of_head(text)
        return f"{text[:end]}{line}\n{text[end:]}"
    mark = "last"
    while mark in text:
        mark += "_"
    document = tomlkit.parse(text)
    _put(document, (*parents, last[-1]), mark, tomlkit.table)
    lines, marked = text.splitlines(keepends=True), tomlkit.dumps(document).splitlines()
    [place] = [number for number, each in enumerate(marked) if mark in each]
    place += len(lines) - len(marked)  # a text may have several lines
    indent = marked[place][: len(marked[place]) - len(marked[place].lstrip(" \t"))]
    lines[place] = lines[place].rstrip("\n") + "\n"
    lines.insert(place + 1, indent + line)
    return "".join(lines)


def _end_of_head(text: str) -> int:
    """Return where the comments about the whole file end: with an empty line."""
    end = at = 0
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith("#"):
            break
        at += len(line)
        end = at if not line.strip() else end
    return end


def _without_line(text: str, path: tuple[str, ...]) -> str:
    """Return the text without the line of a key, but with the comment at its end."""
    import tomlkit

    mark = "removed"
    while mark in text:
        mark += "_"
    document = tomlkit.parse(text)
    _put(document, path, mark, tomlkit.table)
    found = tomlkit.dumps(document)
    at = found.index(f'"{mark}"')
    start, end = found.rfind("\n", 0, at) + 1, found.find("\n", at) + 1 or len(found)
    before, after = found[start:at], found[at + len(mark) + 2 : end].strip()
    if not before.rstrip().endswith("=") or (after and not after.startswith("#")):
        raise ValueError("the key does not have a line of its own")
    indent = before[: len(before) - len(before.lstrip())]
    return found[:start] + (f"{indent}{after}\n" if after else "") + found[end:]
