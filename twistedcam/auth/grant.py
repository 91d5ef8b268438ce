"""What somebody may do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from twistedcam.errors import CameraNeeded, Forbidden, NoSuchCamera, TwistedcamError

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
        self._require_reach(camera, "this")

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
            if camera is not None:
                self._require_reach(camera, name)
        elif "control" not in self.rights:
            raise Forbidden(f"the token {self.name!r} has not the right to control")
        else:
            self._require_reach(camera, repr(name))

    def only_own(self, answer: Any, name: str, for_all: Collection[str] = ()) -> Any:
        """The answer to a command about no camera in particular, cut to what this is good for.

        Arguments:
            answer: of a list, items of other cameras are left out, and those of none.
            name: the command's name.
            for_all: the keys of an answer about the server that everybody may know.

        Raises:
            Forbidden: it cannot be cut: it is about the server as a whole.
        """
        if self.cameras is None or answer is None:
            return answer
        if for_all:
            return {key: value for key, value in answer.items() if key in for_all}
        if not isinstance(answer, list):
            self._require_reach(None, repr(name))
        return [item for item in answer if item.get("camera") in self.cameras]

    def only_own_names(self, error: TwistedcamError) -> TwistedcamError:
        """What to say instead of an error that names all cameras that there are."""
        if self.cameras is None or not isinstance(error, NoSuchCamera | CameraNeeded):
            return error
        own = ", ".join(sorted(self.cameras))
        if isinstance(error, CameraNeeded):
            return CameraNeeded(f"say which camera: {own}")
        return NoSuchCamera(f"there is no such camera; the token {self.name!r} is good for {own}")

    def may_hear(self, camera: str | None) -> bool:
        """Whether news of that camera, or of none in particular, are for this one."""
        return camera is None or self.covers(camera)

    def as_dict(self) -> dict[str, Any]:
        """It as a page is told: ``cameras`` is None where it is good for all."""
        cameras = None if self.cameras is None else sorted(self.cameras)
        return {"token": self.name, "rights": sorted(self.rights), "cameras": cameras}

    def _require_reach(self, camera: str | None, what: str) -> None:
        if self.covers(camera):
            return
        if camera is not None:
            raise Forbidden(f"the token {self.name!r} is not good for camera {camera!r}")
        only = ", ".join(sorted(self.cameras or ()))
        raise Forbidden(
            f"the token {self.name!r} is only for {only}: {what} needs one for all cameras"
        )


#: What everybody may do on a server without tokens.
ANYONE = Grant("anyone", frozenset(RIGHTS))
