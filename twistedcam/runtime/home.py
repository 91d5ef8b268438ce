"""The user's home folder. Not every user has one: in a container, often not."""

from __future__ import annotations

from pathlib import Path

from twistedcam.errors import BadArgument


def home_folder() -> Path:
    """Return the user's home folder.

    Raises:
        BadArgument: the user has none.
    """
    return expand_home("~")


def expand_home(path: str | Path) -> Path:
    """Return a path with the home folder in the place of ``~`` or ``~USER``.

    Raises:
        BadArgument: there is no such user, or this user has no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = Path(path).parts[0][1:]
        reason = f"there is no user {user!r}" if user else "this user has none, set HOME"
        raise BadArgument(f"{str(path)!r} is in no home folder: {reason}") from None
