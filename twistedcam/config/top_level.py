"""Changes of single options in the text of a configuration. Comments stay."""

from __future__ import annotations

from typing import Any

from twistedcam.config.camera_edits import parsed
from twistedcam.errors import BadArgument


def set_option(text: str, key: str, value: str | list[str] | None) -> str:
    """Return the text with another value of an option; None removes it.

    Raises:
        BadArgument: the text is no TOML.
    """
    document = parsed(text)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    _set(document, key, value)
    return _dumped(document)


def set_recording(text: str, key: str, value: str | float | None) -> str:
    """Return the text with another setting of all recordings; None leaves it as it is.

    Raises:
        BadArgument: the text is no TOML, or has recording settings in another form.
    """
    import tomlkit

    if value is None:
        return text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    document = parsed(text)
    table = document.get("recording")
    if table is None:
        if value == "off":
            return text
        document["recording"] = table = tomlkit.table()
        table.add(key, value)
        return _dumped(document)
    if not isinstance(table, dict):
        raise BadArgument("'recording' has to be a table of settings")
    _set(table, key, None if value == "off" else value)
    return _dumped(document)


def _set(table: Any, key: str, value: Any) -> None:
    if value is not None:
        table[key] = value
    elif key in table:
        del table[key]


def _dumped(document: Any) -> str:
    """Return the text of a document.

    Raises:
        BadArgument: the library has written something else.
    """
    import tomlkit

    text = tomlkit.dumps(document)
    if parsed(text).unwrap() != document.unwrap():
        raise BadArgument("the text is written in an unusual way: change it by hand")
    return text
