"""What somebody may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from twistedcam.errors import Forbidden

Right = Literal["view", "control", "publish"]
RIGHTS: tuple[Right, ...] = get_args(Right)


@dataclass(frozen=True)
class Grant:
    """What a token opens. The rights are separate: none has another in it.

    Arguments:
        name: whose it is, for the log.
        rights: what may be done: see pictures (``view``), give commands (``control``), be a
            camera's source (``publish``).
        cameras: with which cameras; None: with all, and with the server itself.
    """

    name: str
    rights: frozenset[Right]
    cameras: frozenset[str] | None = None

    def covers(self, camera: str | None) -> bool:
        """Whether it is good for a camera; with None, for the server as a whole."""
        return self.cameras is None or camera in self.cameras

    def allows(self, right: Right, camera: str | None = None) -> bool:
        """Whether that may be done with a camera; with None, with the server as a whole."""
        return right in self.rights and self.covers(camera)

    def require(self, right: Right, camera: str | None = None) -> None:
        """Raise Forbidden unless that is allowed."""
        if right not in self.rights:
            raise Forbidden(f"the token {self.name!r} has not the right to {right}")
        if not self.covers(camera):
            what = "the server as a whole" if camera is None else f"camera {camera!r}"
            raise Forbidden(f"the token {self.name!r} is not good for {what}")

    def require_command(self, right: str, camera: str | None, name: str) -> None:
        """Raise Forbidden unless a command may be given.

        Arguments:
            right: what the command asks for (commands.Right): ``view`` only tells how things are,
                so who may view or control may ask; ``control`` and ``admin`` change something.
            camera: which camera it is about; None: none of them, or the whole server.
            name: the command's name.
        """
        if right == "view":
            if not self.rights & {"view", "control"}:
                raise Forbidden(f"the token {self.name!r} has not the right to view")
            if camera is not None and not self.covers(camera):
                raise Forbidden(f"the token {self.name!r} is not good for camera {camera!r}")
        elif "control" not in self.rights:
            raise Forbidden(f"the token {self.name!r} has not the right to control")
        elif not self.covers(camera):
            what = f"{name!r} without a camera" if camera is None else f"camera {camera!r}"
            raise Forbidden(f"the token {self.name!r} is not good for {what}")

    def only_own(self, answer: Any, name: str) -> Any:
        """The answer to a command about no camera in particular, cut to what this is good for.

        Arguments:
            answer: of a list, items of other cameras are left out, and those of none.
            name: the command's name.

        Raises:
            Forbidden: it cannot be cut: it is about the server as a whole.
        """
        if self.cameras is None or answer is None:
            return answer
        if not isinstance(answer, list):
            raise Forbidden(f"the token {self.name!r} is not good for {name!r} without a camera")
        return [item for item in answer if item.get("camera") in self.cameras]

    def may_hear(self, camera: str | None) -> bool:
        """Whether news of that camera, or of none in particular, are for this one."""
        return camera is None or self.covers(camera)


#: What everybody may do on a server without tokens.
ANYONE = Grant("anyone", frozenset(RIGHTS))
