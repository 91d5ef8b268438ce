"""A property of a camera, and the interface of a group of properties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from twistedcam.sources.spec import SourceSpec

Value = str | int | float | bool | None

#: Lets the camera continue with other settings of its source, and opens that again if the second
#: argument is True (Camera.use).
UseSource = Callable[[SourceSpec, bool], Deferred[None]]


@dataclass(frozen=True)
class Property:
    """A property and its current value.

    Arguments:
        name: a lower-case word.
        value: the current value, as the device granted it; None while it is unknown.
        asked: the value that was requested last, if it differs.
        default: the value that it has if none is requested.
        low, high, step: the range of a number.
        choices: the possible values of a choice.
        unit: for example ``frames/s``; empty if there is none.
        writable: True if it can be set now.
        note: a hint for people; empty if there is none.
    """

    name: str
    value: Value
    asked: Value = None
    default: Value = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    writable: bool = True
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of an answer, without those that are unknown."""
        fields: dict[str, Any] = {"property": self.name, "value": self.value}
        if self.asked is not None and self.asked != self.value:
            fields["asked"] = self.asked
        for key in ("default", "low", "high", "step"):
            if getattr(self, key) is not None:
                fields[key] = getattr(self, key)
        if self.choices:
            fields["choices"] = list(self.choices)
        if self.unit:
            fields["unit"] = self.unit
        if not self.writable:
            fields["writable"] = False
        if self.note:
            fields["note"] = self.note
        return fields


class Properties(Protocol):
    """A group of properties: those of the stream, or those of the device."""

    def names(self) -> tuple[str, ...]:
        """Return the names that are known without asking the device."""

    async def get(self) -> dict[str, Property]:
        """Return all properties by name.

        Raises:
            CameraFailed: the device does not answer.
        """

    async def check(self, wanted: Mapping[str, str]) -> None:
        """Check that the properties can have these values; change nothing.

        Raises:
            BadArgument: a value is wrong; the message lists the possible ones.
            NotSupported: a property cannot be changed.
            CameraFailed: the device does not answer.
        """

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        """Change the properties; return their new values, which may differ from those requested.

        Raises:
            BadArgument, NotSupported: as ``check``.
            CameraFailed: the device refused; nothing has changed.
        """
