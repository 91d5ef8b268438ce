"""Options and settings as fields of a class, by which values are read and checked.

The class is a ``msgspec.Struct``. A field's type says which values it can have; ``Read`` and
``Option`` in its ``Annotated`` say how it is read and shown.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect

from twistedcam.errors import BadArgument


@dataclass(frozen=True)
class Read:
    """The way a field's value is read, if its type does not define it.

    Arguments:
        function: makes the value, or each item of a list, from the given value and the field's
            name, which is for errors.
        metavar: the placeholder of a value in ``--help``.
        given: the type of the given value.
        kind: the kind of value, for a form, if the type does not define it.
        choices: the possible values of a choice.
    """

    function: Callable[[Any, str], Any] | None = None
    metavar: str | None = None
    given: Any = str
    kind: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """The documentation and application of an option.

    Arguments:
        help: a line for ``--help`` and the documentation, with backquotes around code.
        page: a page of the documentation, and perhaps a section.
        flag: its name on the command line, if that is not its key in a file.
        in_help: False if only the documentation has it.
        in_file: False if it cannot be in a configuration file.
        is_live: True if a reload applies it; otherwise it needs a restart.
        unit: the unit of a number; empty if there is none.
        example: a value, for a form.
    """

    help: str = ""
    page: str = ""
    flag: str | None = None
    in_help: bool = True
    in_file: bool = True
    is_live: bool = False
    unit: str = ""
    example: str = ""


@dataclass(frozen=True)
class ValueKind:
    """The values that an option or a setting can have, for a form.

    Arguments:
        name: ``switch``, ``choice``, ``integer``, ``number``, ``text``, or a kind of text such as
            ``duration``, ``size`` and ``polygons``.
        low, high: the range of a number.
        choices: the possible values of a choice.
        default: the value if none is given, in the notation of a file; empty if there is none.
        is_list: True for a list of such values.
    """

    name: str = "text"
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    default: str = ""
    is_list: bool = False


@dataclass(frozen=True)
class Setting:
    """A field of a schema.

    Arguments:
        key: its name in a file; ``name`` is that of the attribute.
        type: the type of the value, of a list's items, or of a value that is not None.
        default: the value if none is given; ``msgspec.NODEFAULT`` if one is required.
    """

    name: str
    key: str
    type: Any
    default: Any
    is_list: bool
    is_optional: bool
    reader: Read
    option: Option

    @property
    def flag(self) -> str:
        """The option on the command line: ``--log-level``."""
        return f"--{self.option.flag or self.key}"

    @property
    def shown_default(self) -> str:
        """The default in the notation of a file; empty if there is none."""
        if isinstance(self.default, list):
            return ", ".join(self.default)
        return "" if self.default is None else _shown(self.default).strip("'")

    @property
    def kind(self) -> ValueKind:
        """The values that it can have."""
        name, choices = self.reader.kind or "text", self.reader.choices
        low: float | None = None
        high: float | None = None
        given = self.type if self.reader.function is None else self.reader.given
        if get_origin(given) is Literal:
            name, choices = "choice", get_args(given)
        else:
            found = inspect.type_info(given)
            if isinstance(found, inspect.BoolType):
                name = "switch"
            elif isinstance(found, inspect.IntType | inspect.FloatType):
                is_whole = isinstance(found, inspect.IntType) or self.type is int
                name, low, high = "integer" if is_whole else "number", found.ge, found.le
        return ValueKind(name, low, high, tuple(choices), self.shown_default, self.is_list)

    def read(self, value: Any, label: str) -> Any:
        """Return the field's value.

        Arguments:
            value: from a file or the command line. A string can represent a number.
            label: the field's name, for errors.

        Raises:
            BadArgument: the value is not valid.
        """
        if not self.is_list:
            return self._read(value, label)
        return [self._read(each, label) for each in (value if isinstance(value, list) else [value])]

    def _read(self, value: Any, label: str) -> Any:
        function = self.reader.function
        given = self.type if function is None else self.reader.given
        try:
            is_strict = given is bool or not isinstance(value, str)
            value = msgspec.convert(value, given, strict=is_strict)
        except msgspec.ValidationError:
            # A string in place of a table may be an address with a password.
            is_secret = get_origin(given) is dict and isinstance(value, str)
            shown = "a string" if is_secret else _shown(value)
            raise BadArgument(f"{label} has to be {_expected(given)}, not {shown}") from None
        return value if function is None else function(value, label)


@lru_cache
def settings_of(schema: type[msgspec.Struct]) -> dict[str, Setting]:
    """Return the fields of a schema by their keys, in their order."""
    found: dict[str, Setting] = {}
    for each in msgspec.structs.fields(schema):
        kind, metadata = each.type, list[Any]()
        if get_origin(kind) is Annotated:
            kind, *metadata = get_args(kind)
        is_list, is_optional = get_origin(kind) is list, NoneType in get_args(kind)
        if is_list or is_optional:
            kind = next(kind for kind in get_args(kind) if kind is not NoneType)
        for limit in metadata:
            if isinstance(limit, msgspec.Meta):
                kind = Annotated[kind, limit]
        has_factory = each.default_factory is not msgspec.NODEFAULT
        default = each.default_factory() if has_factory else each.default
        reader = next((item for item in metadata if isinstance(item, Read)), Read())
        option = next((item for item in metadata if isinstance(item, Option)), Option())
        found[each.encode_name] = Setting(
            each.name, each.encode_name, kind, default, is_list, is_optional, reader, option
        )
    return found


def read_settings(
    known: Mapping[str, Setting], given: Mapping[str, Any], where: str = "", kind: str = "option"
) -> dict[str, Any]:
    """Return the values of a table by the names of a schema's fields.

    Arguments:
        known: the fields that the table may have, by their keys.
        where: the prefix of its keys in errors, such as ``recording.``.
        kind: the word for a key in errors.

    Raises:
        BadArgument: a key is unknown, or its value is not valid.
    """
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise BadArgument(f"there is no {kind} {where + key!r}: {_hint(key, known)}")
        found[known[key].name] = known[key].read(value, where + key)
    return found


def split_words(words: Iterable[str], example: str) -> dict[str, str]:
    """Return the names and values of ``NAME=VALUE`` words.

    Arguments:
        example: such a word, for the error.

    Raises:
        BadArgument: a word has no ``=``.
    """
    table: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise BadArgument(f"{word!r}: write it as NAME=VALUE, such as {example}")
        table[name.strip().replace("-", "_")] = value.strip()
    return table


def read_switch(value: Any, name: str) -> bool:
    """Return the value of a setting that is on or off.

    Raises:
        BadArgument: it is neither.
    """
    if value in (True, "true", "on", "yes"):
        return True
    if value in (False, "false", "off", "no"):
        return False
    raise BadArgument(f"{name}={value!r} is not valid: on or off")


def _hint(key: str, known: Iterable[str]) -> str:
    """Suggest the most similar key, or list all keys."""
    near = difflib.get_close_matches(key, list(known), 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(known)


def _expected(kind: Any) -> str:
    """Describe the values of a type."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    found = inspect.type_info(kind)
    if isinstance(found, inspect.IntType | inspect.FloatType):
        name = "whole number" if isinstance(found, inspect.IntType) else "number"
        return f"a {name} from {found.ge:.10g} to {found.le:.10g}"
    if isinstance(found, inspect.BoolType):
        return "true or false"
    return "a table" if isinstance(found, inspect.DictType) else "a string"


def _shown(value: Any) -> str:
    """Describe a value in the notation of a file."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a table"
    return repr(value) if isinstance(value, str) else str(value).lower()
