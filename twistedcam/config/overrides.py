"""The options of the command line that override those of the file, for forms.

``given`` is what the command line has given, by the options' attributes
(``ServeOptions.command_line``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from twistedcam.config.masks import mask_address
from twistedcam.errors import BadArgument
from twistedcam.util.camera_name import find_name
from twistedcam.util.schema import split_words


def overriding_option(name: str, flag: str, given: Mapping[str, Any]) -> str | None:
    """Return the option of the command line that overrides one of the file, or None."""
    opposite = name.removeprefix("no_") if name.startswith("no_") else f"no_{name}"
    if given.get(opposite):
        return f"--{opposite.replace('_', '-')}"
    if name not in given:
        return None
    values = given[name] if isinstance(given[name], list) else [given[name]]
    if isinstance(given[name], bool):
        return flag if given[name] else f"--no-{flag.removeprefix('--')}"
    return " ".join(f"{flag} {mask_address(str(each))}" for each in values)


def overriding_words(name: str, given: Mapping[str, Any], camera: str | None) -> dict[str, str]:
    """Return the settings of a table that the command line has, by their keys.

    Arguments:
        name: ``recording``, ``motion`` or ``video``.
        camera: the camera of the table; None for that of all cameras.
    """
    flag = {"recording": "record"}.get(name, name)
    found: dict[str, str] = {}
    for word in given.get(flag, []):
        text = word
        if name == "video" and ":" in word.partition("=")[0]:
            of, _, text = word.partition(":")
            if camera is None or find_name([camera], of) is None:
                continue
        with contextlib.suppress(BadArgument):
            for key in split_words([text], ""):
                found[key] = f"--{flag} {mask_address(word)}"
    if name == "recording" and (form := given.get("record_format")):
        found["format"] = f"--record-format {form}"
    return found


def given_cameras(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of the cameras of the command line by name."""
    found: dict[str, str] = {}
    for text in given.get("camera", []):
        name, equals, _ = text.partition("=")
        has_name = bool(equals) and not any(each in name for each in ":?/")
        default = "cam" if not found else f"cam{len(found) + 1}"
        found[name if has_name else default] = text
    return found


def given_audio(name: str, given: Mapping[str, Any]) -> str | None:
    """Return the option that sets the sound of a camera, or None."""
    for text in reversed(given.get("audio", [])):
        camera, equals, _ = text.partition("=")
        if not equals or ":" in camera or find_name([name], camera):
            return f"--audio {text}"
    return None


def is_publish_given(name: str, given: Mapping[str, Any]) -> bool:
    """True if the command line has publish targets of a camera."""
    for text in given.get("publish", []):
        camera, equals, _ = text.partition("=")
        if not equals or ":" in camera or find_name([name], camera):
            return True
    return False
