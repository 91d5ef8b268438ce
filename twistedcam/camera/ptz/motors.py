"""The interface of a camera's motors, and directions as words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from twistedcam.errors import BadArgument

#: The directions by their words.
_WORDS = {
    "left": (-1, 0, 0),
    "right": (1, 0, 0),
    "up": (0, 1, 0),
    "down": (0, -1, 0),
    "in": (0, 0, 1),
    "out": (0, 0, -1),
}
DIRECTIONS = tuple(_WORDS)
#: The shares of full speed: the lowest, that without a word for it, and full speed.
LEAST_SPEED, USUAL_SPEED, FULL_SPEED = 0.01, 0.5, 1.0


class Velocity(NamedTuple):
    """Shares of full speed, from -1 to 1.

    Arguments:
        pan: to the right.
        tilt: upwards.
        zoom: in, to a larger picture.
    """

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0


class Motors(Protocol):
    """Moves one camera. All methods block; they are called one at a time.

    Each raises CameraFailed if the camera does not answer, and NotSupported if it cannot do that.
    """

    @property
    def is_stepwise(self) -> bool:
        """True if ``move`` must be repeated several times a second: it makes one step."""

    @property
    def axes(self) -> tuple[str, ...]:
        """The directions in which it can move: ``pan``, ``tilt``, ``zoom``."""

    def move(self, velocity: Velocity, seconds: float) -> None:
        """Begin to move, or make one step.

        Arguments:
            seconds: after which the camera stops by itself, if it can; the length of a step.
        """

    def stop(self) -> None:
        """Stop all movement."""

    def home(self) -> None:
        """Move to the camera's home position."""

    def presets(self) -> list[str]:
        """Return the names of the saved positions."""

    def go_to(self, name: str) -> None:
        """Move to a saved position.

        Raises:
            BadArgument: there is none of that name.
        """

    def save(self, name: str) -> None:
        """Save the current position; one of the same name is replaced."""

    def delete(self, name: str) -> None:
        """Delete a saved position.

        Raises:
            BadArgument: there is none of that name.
        """

    def close(self) -> None:
        """Close connections."""


def parse_direction(word: str, speed: str | None) -> Velocity:
    """Return the velocity that a direction means, such as ``left``, ``up-right`` or ``in``.

    Arguments:
        speed: a share of full speed, from 0.01 to 1; None for half of it.

    Raises:
        BadArgument: a word is not valid.
    """
    share = _speed(speed)
    found = [0, 0, 0]
    for part in word.lower().split("-"):
        if part not in _WORDS or any(a and b for a, b in zip(found, _WORDS[part], strict=True)):
            have = ", ".join(DIRECTIONS)
            raise BadArgument(
                f"{word[:40]!r} is no direction: write one of {have}, or two of them: up-left"
            )
        found = [a + b for a, b in zip(found, _WORDS[part], strict=True)]
    return Velocity(*(each * share for each in found))


def _speed(text: str | None) -> float:
    if text is None:
        return USUAL_SPEED
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not LEAST_SPEED <= value <= FULL_SPEED:
        raise BadArgument(
            f"the speed is a number from {LEAST_SPEED:g} to {FULL_SPEED:g}, not {text[:40]!r}"
        )
    return value


def as_seen(velocity: Velocity, settings: Mapping[str, str]) -> Velocity:
    """Return the velocity of the camera that moves a turned picture as the viewer means it.

    Arguments:
        settings: those of the source, of which ``rotate`` and ``flip`` count.
    """
    pan, tilt, zoom = velocity
    flip = settings.get("flip", "")
    if flip == "h":
        pan = -pan
    elif flip == "v":
        tilt = -tilt
    # A picture that is turned clockwise shows as "right" what is above the camera.
    pan, tilt = {
        "90": (-tilt, pan),
        "180": (-pan, -tilt),
        "270": (tilt, -pan),
    }.get(settings.get("rotate", ""), (pan, tilt))
    return Velocity(pan, tilt, zoom)


def no_preset(name: str, known: list[str]) -> str:
    """Return the error text for a preset that is not there."""
    have = f"there is {', '.join(known[:20])}" if known else "none is saved"
    return f"there is no preset {name[:60]!r}; {have}"
