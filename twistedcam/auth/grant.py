"""What somebody may do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from twistedcam.auth.expiry import as_local_time
from twistedcam.errors import CameraNeeded, Forbidden, NoSuchCamera, TwistedcamError
from twistedcam.util.camera_name import MAX_LENGTH, url_safe

Right = Literal["view", "control", "publish", "admin"]
RIGHTS: tuple[Right, ...] = get_args(Right)


@dataclass(frozen=True)
class Grant:
    """What a token opens. The rights are separate: none includes another.

    Arguments:
        name: whose it is, for the log.
        rights: what may be done: see pictures (``view``), give commands (``control``), be a
            camera's source (``publish``), end or reconfigure the server (``admin``).
        cameras: with which cameras; None: with all, and with the server itself.
        expires: when it ends, in seconds since the UNIX epoch; None: never.
        digest: which token that is: its hash.
    """

    name: str
    rights: frozenset[Right]
    cameras: frozenset[str] | None = None
    expires: float | None = None
    digest: str = field(default="", repr=False, compare=False)

    def has_expired(self, now: float) -> bool:
        """Whether it opens nothing any more, at ``now`` seconds since the UNIX epoch."""
        return self.expires is not None and now >= self.expires

    def covers(self, camera: str | None) -> bool:
        """Whether it is good for a camera; with None, for the server as a whole.

        Arguments:
            camera: its name; the token has that, or the URL-safe form of it.
        """
        if self.cameras is None or camera in self.cameras:
            return True
        return camera is not None and len(camera) <= MAX_LENGTH and url_safe(camera) in self.cameras

    def allows(self, right: Right, camera: str | None = None) -> bool:
        """Whether that may be done with a camera; with None, with the server as a whole."""
        return right in self.rights and self.covers(camera)

    def require(self, right: Right, camera: str | None = None) -> None:
        """Raise Forbidden unless that is allowed."""
        if right not in self.rights:
            raise self._without(right)
        self.require_reach(camera, "this")

    def require_right(self, right: Right) -> None:
        """Raise Forbidden unless commands that ask for this right may be given at all.

        It is asked before the words of a command are looked at: who has not the right learns
        nothing from what is said of them.

        Arguments:
            right: what the command asks for (commands.Right): ``view`` only tells how things are,
                so who may view or control may ask.
        """
        if not self.rights & ({"view", "control"} if right == "view" else {right}):
            raise self._without(right)

    def require_command(self, right: Right, camera: str | None, name: str) -> None:
        """Raise Forbidden unless a command may be given.

        Arguments:
            right: as of ``require_right``.
            camera: which camera it is about; None: none of them, or the whole server.
            name: the command's name.
        """
        self.require_right(right)
        if right != "view":
            self.require_reach(camera, repr(name))
        elif camera is not None:
            self.require_reach(camera, name)

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
            self.require_reach(None, repr(name))
        return [item for item in answer if self.covers(item.get("camera"))]

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
        told = {"token": self.name, "rights": sorted(self.rights), "cameras": cameras}
        return told | ({} if self.expires is None else {"expires": as_local_time(self.expires)})

    def _without(self, right: str) -> Forbidden:
        words = "'admin'" if right == "admin" else f"to {right}"
        return Forbidden(f"the token {self.name!r} has not the right {words}")

    def require_reach(self, camera: str | None, what: str) -> None:
        """Raise Forbidden unless it is good for a camera; with None, for the whole server.

        Arguments:
            what: what is asked for, as the message has it.
        """
        if self.covers(camera):
            return
        if camera is not None:
            raise Forbidden(f"the token {self.name!r} is not good for camera {camera!r}")
        only = ", ".join(sorted(self.cameras or ())) or "no camera"
        raise Forbidden(
            f"the token {self.name!r} is only for {only}: {what} needs one for all cameras"
        )


#: What everybody may do on a server without tokens.
ANYONE = Grant("anyone", frozenset(RIGHTS))
#: What may be done before a token was shown.
NOBODY = Grant("nobody", frozenset(), frozenset())
