"""One thing that can be changed on a camera while it runs, and a group of such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Property:
    """One thing that can be changed.

    Arguments:
        name: a word, lower case.
        value: what holds now, as the device granted it; None while that is not known.
        asked: what was asked for last, if that is not what holds.
        default: the value that it has when nobody asks.
        low, high, step: the range of a number.
        choices: the words that it can be, where it is one of some.
        unit: such as ``frames/s``; empty for none.
        writable: whether it can be set now.
        note: what a person should know of it; empty for nothing.
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
        """The fields as they are answered; what is not known is left out."""
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
    """A group of properties: a camera has the stream's own, and those of its device."""

    def names(self) -> tuple[str, ...]:
        """The names that are known now, without asking the device."""

    async def get(self) -> dict[str, Property]:
        """All of them, by name.

        Raises:
            CameraFailed: the device does not answer.
        """

    async def check(self, wanted: Mapping[str, str]) -> None:
        """See that they can have these values; nothing is changed.

        Raises:
            BadArgument: one cannot; the message says which it can have.
            NotSupported: one cannot be changed.
            CameraFailed: the device does not answer.
        """

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        """Change them; what holds now, which may be something near what was asked for.

        Raises:
            BadArgument, NotSupported: as ``check``.
            CameraFailed: the device refused; all is as it was before.
        """
