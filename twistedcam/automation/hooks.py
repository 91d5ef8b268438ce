"""Hooks: programs and web addresses that are told of events. Only a file can define them."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from twistedcam.errors import BadArgument
from twistedcam.events import (
    CameraChanged,
    DetectionChanged,
    Event,
    Fault,
    HookChanged,
    MotionChanged,
    PublishChanged,
    RecordingChanged,
    SoundChanged,
    ViewerChanged,
)
from twistedcam.runtime.home import expand_home
from twistedcam.util import quantities
from twistedcam.util.camera_name import check_name
from twistedcam.util.schedule import Schedule, read_schedule
from twistedcam.util.schema import Read, read_settings, settings_of

#: The seconds that a program or a server may take, unless given, and at most.
TIMEOUT = 30.0
MAX_TIMEOUT = 86400.0
#: The bytes of a file with a secret at most.
_MAX_SECRET = 64 * 1024
#: The characters of a secret at least: fewer are part of any text.
_LEAST_SECRET = 4

#: The second words of each kind of event; None: any, such as the code of a fault.
TRIGGERS: dict[str, tuple[str, ...] | None] = {
    "motion": ("begin", "end"),
    "detection": ("begin", "end"),
    "state": ("stopped", "starting", "live", "recovering"),
    "recording": (
        *("started", "waiting", "writing", "segment", "finished", "failed"),
        *("saved", "snapshot", "recovered", "deleted", "rendering", "protected", "unprotected"),
        "renamed",
    ),
    "publish": ("stopped", "connecting", "live", "waiting"),
    "sound": ("muted", "off", "starting", "live", "silent", "recovering"),
    "viewer": ("joined", "left"),
    "hook": ("succeeded", "retrying", "failed"),
    "fault": None,
    "properties": (),
    "process": (),
}
_KIND = re.compile(r"\w[\w-]{0,39}")
_NAME = re.compile(r"\w[\w.-]{0,39}")
_SECRET = re.compile(r"\$\{(env|file):([^}]*)\}")


def _trigger(text: str, label: str) -> str:
    kind, colon, what = text.partition(":")
    if not _KIND.fullmatch(kind):
        raise BadArgument(f"{label}: {text!r} is not an event: write it as 'motion:begin'")
    if kind not in TRIGGERS:  # of user code
        near = difflib.get_close_matches(kind, TRIGGERS, 1, 0.75)
        if near:
            raise BadArgument(f"{label}: there is no event {kind!r}: did you mean {near[0]!r}?")
    known = TRIGGERS.get(kind, ("begin", "end"))
    if colon and (not what or (known is not None and what not in known)):
        words = ", ".join(f"{kind}:{each}" for each in known or ())
        raise BadArgument(f"{label}: there is no event {text!r}; there are {words or kind}")
    return text


def _url(text: str, label: str) -> str:
    try:
        parts = urlsplit(_SECRET.sub("x", text))
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise BadArgument(f"{label} has to be an address such as https://example.org/path")
    return text


def _seconds(value: Any, label: str) -> float:
    found = quantities.seconds(value, label)
    if found > MAX_TIMEOUT:
        raise BadArgument(f"{label}={value!r} is too long: a day at most")
    return found


def _name(text: str, label: str) -> str:
    if not _NAME.fullmatch(text):
        raise BadArgument(f"{label}={text!r} is not a name: at most 40 letters, digits, _ . and -")
    return text


def _camera(text: str, _: str) -> str:
    return check_name(text)


class Hook(Struct, frozen=True, kw_only=True):
    """A program or an address, and the events that it is told of.

    Arguments:
        name: its name in ``hooks`` and in events.
        on: the events: ``motion:begin``, ``recording:finished``, or ``motion`` for both.
        camera: the names of the cameras whose events count; empty: all, and those without one.
        run: the program and its arguments; it is run without a shell.
        url: the address that the event is sent to by POST; ``run`` or ``url`` is given.
        headers: headers of that request.
        environment: variables of the program.
        timeout: seconds that a run may take.
        retries: the number of further runs after one that fails.
        when: the times in which events count; None: always.
    """

    name: Annotated[str, Read(_name)] = ""
    on: Annotated[list[str], Read(_trigger)] = []
    camera: Annotated[list[str], Read(_camera)] = []
    run: list[str] = []
    url: Annotated[str | None, Read(_url)] = None
    headers: dict[str, str] = {}
    environment: dict[str, str] = {}
    timeout: Annotated[float, Read(_seconds, given=Any)] = TIMEOUT
    retries: Annotated[int, Meta(ge=0, le=100)] = 3
    when: Annotated[Schedule | None, Read(read_schedule, given=Any)] = None

    @property
    def shown(self) -> str:
        """The program's name, or the address without its path, which may have secrets."""
        if self.url is None:
            return self.run[0]
        parts = urlsplit(_SECRET.sub("x", self.url))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"

    def matches(self, event: Event, now: float) -> str | None:
        """Return the event's name if it concerns this hook, else None.

        Arguments:
            now: the time in UNIX seconds.
        """
        if self.camera and getattr(event, "camera", None) not in self.camera:
            return None
        if self.when is not None and not self.when.covers(now):
            return None
        if isinstance(event, HookChanged) and (
            event.hook == self.name or event.cause.partition(":")[0] == "hook"
        ):
            return None  # a hook that fails must not run itself without end
        names = names_of(event)
        for name in names:
            if name in self.on or name.partition(":")[0] in self.on:
                return names[0]
        return None


def names_of(event: Event) -> list[str]:
    """Return the names of an event in hooks, such as ``motion:begin``; usually one."""
    match event:
        case DetectionChanged():
            return [f"{event.what}:{event.state}", f"{event.kind}:{event.state}"]
        case MotionChanged() | CameraChanged() | PublishChanged() | HookChanged() | SoundChanged():
            return [f"{event.kind}:{event.state}"]
        case RecordingChanged() | ViewerChanged():
            return [f"{event.kind}:{event.what}"]
        case Fault():
            return [f"{event.kind}:{event.code}"]
    return [event.kind]


def read_hooks(tables: Any) -> list[Hook]:
    """Return the hooks of the tables ``[[hook]]`` of a configuration file.

    Raises:
        BadArgument: a table is not valid; the message names the key.
    """
    if not isinstance(tables, list):
        raise BadArgument("hook has to be a list of tables: write [[hook]]")
    hooks: list[Hook] = []
    for number, table in enumerate(tables, 1):
        where = f"hook[{number}]"
        if not isinstance(table, dict):
            raise BadArgument(f"{where} has to be a table: write [[hook]]")
        values = read_settings(settings_of(Hook), table, f"{where}.", "hook setting")
        hook = Hook(**{"name": where.translate(str.maketrans("", "", "[]")), **values})
        _check(hook, where)
        if hook.name in [each.name for each in hooks]:
            raise BadArgument(f"{where}.name: two hooks are named {hook.name!r}")
        hooks.append(hook)
    return hooks


def _check(hook: Hook, where: str) -> None:
    if not hook.on:
        raise BadArgument(f'{where}.on is missing: write on = ["motion:begin"]')
    if bool(hook.run) == (hook.url is not None):
        raise BadArgument(f"{where} needs either run or url")
    if hook.run and (not hook.run[0] or any("\0" in word for word in hook.run)):
        raise BadArgument(f"{where}.run has to be a program and its arguments")
    if hook.headers and hook.url is None:
        raise BadArgument(f"{where}.headers is for url only")
    if hook.environment and hook.url is not None:
        raise BadArgument(f"{where}.environment is for run only")
    texts = [(f"{where}.url", hook.url or "")]
    texts += [(f"{where}.headers.{key}", text) for key, text in hook.headers.items()]
    texts += [(f"{where}.environment.{key}", text) for key, text in hook.environment.items()]
    for label, text in texts:
        if any(ord(character) < 32 for character in expand(text, label, os.environ)):
            raise BadArgument(f"{label} must be one line")


def expand(text: str, label: str, environment: Mapping[str, str]) -> str:
    """Replace ``${env:NAME}`` and ``${file:PATH}`` by a variable and a file's contents. Blocks.

    Arguments:
        label: the key, for errors, which have no secrets.

    Raises:
        BadArgument: there is no such variable, or the file cannot be read.
    """

    def value(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if kind == "env":
            if name not in environment:
                raise BadArgument(f"{label}: there is no environment variable {name!r}")
            return environment[name]
        try:
            with expand_home(name).open(encoding="utf-8") as file:
                return file.read(_MAX_SECRET).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise BadArgument(f"{label}: {name} cannot be read: {reason}") from None

    return _SECRET.sub(value, text)


def without_secrets(text: str, hook: Hook, environment: Mapping[str, str]) -> str:
    """Replace the values of a hook's variables and files in a text by asterisks. Blocks."""
    for given in (hook.url or "", *hook.headers.values(), *hook.environment.values()):
        for found in _SECRET.finditer(given):
            with suppress(BadArgument):  # it is gone
                secret = expand(found[0], "", environment)
                text = text.replace(secret, "***") if len(secret) >= _LEAST_SECRET else text
    return text
