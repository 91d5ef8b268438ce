"""XML of other programs, read safely, and XML that is written (XML 1.0)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

#: The most elements of a document, levels of elements, and attributes of one element.
MAX_ELEMENTS, MAX_DEPTH, MAX_ATTRIBUTES = 5000, 40, 50
#: Characters that XML cannot have.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlError(ValueError):
    """A document is not well-formed, or has what no SOAP message has."""


class Xml(str):
    """Text that is XML already, as :func:`element` makes it."""

    __slots__ = ()


def parse_xml(data: bytes) -> Element:
    """Return the root element. Names are ``{NAMESPACE}NAME``.

    A document type declaration is refused, which SOAP forbids (SOAP 1.2, 5): so there are no
    entities that expand, and nothing is read from elsewhere.

    Raises:
        XmlError: the document is not well-formed, has such a declaration, or is too complex.
    """
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    try:
        parser.Parse(data, True)
        return builder.tree.close()
    except expat.ExpatError as error:
        raise XmlError(f"it is not well-formed: {expat.ErrorString(error.code)}") from None
    except (LookupError, UnicodeError) as error:
        raise XmlError(f"its encoding is unknown: {error}") from None


class _Builder:
    """Builds a tree of limited size."""

    def __init__(self) -> None:
        self.tree: TreeBuilder = TreeBuilder()
        self._elements = 0
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        if (
            self._elements > MAX_ELEMENTS
            or self._depth > MAX_DEPTH
            or len(attributes) > MAX_ATTRIBUTES
        ):
            raise XmlError("it has too many elements")
        self.tree.start(_name(name), {_name(key): text for key, text in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self.tree.end(_name(name))

    def refuse(self, *_: object) -> None:
        raise XmlError("it has a document type declaration, which SOAP forbids")


def _name(name: str) -> str:
    return "{" + name if "}" in name else name


def local(found: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(found.tag).rpartition("}")[2]


def namespace(found: Element) -> str:
    """Return the namespace of an element; empty if it has none."""
    return str(found.tag).rpartition("}")[0].removeprefix("{")


def children(found: Element | None, *path: str) -> Iterator[Element]:
    """Yield the elements at a path of names without namespaces, which some devices confuse."""
    if found is None:
        return
    if not path:
        yield found
        return
    for child in found:
        if local(child) == path[0]:
            yield from children(child, *path[1:])


def child(found: Element | None, *path: str) -> Element | None:
    """Return the first element at a path of names without namespaces, or None."""
    return next(children(found, *path), None)


def text(found: Element | None, *path: str) -> str:
    """Return the text of the first element at a path; empty if there is none."""
    at = child(found, *path)
    return "" if at is None else (at.text or "").strip()


def element(name: str, *content: Any, **attributes: Any) -> Xml:
    """Return an element.

    Arguments:
        name: with its prefix, such as ``tt:Name``.
        content: :class:`Xml`, or values that are escaped; None is left out. True and False are
            ``true`` and ``false``.
        attributes: their values; None is left out. A colon in a name is written ``__``.
    """
    shown = "".join(
        f" {key.replace('__', ':')}={quoteattr(_text(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(
        each if isinstance(each, Xml) else escape(_text(each))
        for each in content
        if each is not None
    )
    return Xml(f"<{name}{shown}>{inner}</{name}>" if inner else f"<{name}{shown}/>")


def joined(parts: Any) -> Xml:
    """Return several elements as one content."""
    return Xml("".join(parts))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return _IMPOSSIBLE.sub("", str(value))
