"""Rights of a token: what its holder may do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from twistedcam.auth.expiry import as_local_time
from twistedcam.errors import CameraNeeded, Forbidden, NoSuchCamera, TwistedcamError
from twistedcam.util.camera_name import MAX_LENGTH, url_safe

Right = Literal["view", "listen", "control", "publish", "admin"]
RIGHTS: tuple[Right, ...] = get_args(Right)


@dataclass(frozen=True)
class Grant:
    """The rights of a token. No right includes another.

    Arguments:
        name: the token's name, for the log.
        rights: see pictures (``view``), hear sound (``listen``), give commands (``control``), be a
            camera's source (``publish``), stop or reconfigure the server (``admin``).
        cameras: the cameras it is valid for; None: all, and the server itself.
        expires: seconds since the UNIX epoch; None: never.
        digest: the token's hash.
        holder: the client, for error messages about a grant that is not of a token.
    """

    name: str
    rights: frozenset[Right]
    cameras: frozenset[str] | None = None
    expires: float | None = None
    digest: str = field(default="", repr=False, compare=False)
    holder: str = field(default="", repr=False)

    @property
    def owner(self) -> str:
        """The token or the user, for messages."""
        return self.holder or f"the token {self.name!r}"

    def has_expired(self, now: float) -> bool:
        """True if it has expired at ``now`` seconds since the UNIX epoch."""
        return self.expires is not None and now >= self.expires

    def covers(self, camera: str | None) -> bool:
        """True if it is valid for a camera; None means the whole server.

        Arguments:
            camera: its name. The token can have this name or its URL-safe form.
        """
        if self.cameras is None or camera in self.cameras:
            return True
        return camera is not None and len(camera) <= MAX_LENGTH and url_safe(camera) in self.cameras

    def allows(self, right: Right, camera: str | None = None) -> bool:
        """True if it has a right for a camera; None means the whole server."""
        return right in self.rights and self.covers(camera)

    def allows_all(self, rights: Iterable[Right], camera: str | None) -> bool:
        """True if it has all of these rights for a camera."""
        return all(self.allows(each, camera) for each in rights)

    def watching_rights(
        self, camera: str | None, right: Right = "view", *, has_sound: bool = True
    ) -> tuple[Right, ...]:
        """Return the rights that a viewer uses, and needs as long as it watches.

        Arguments:
            right: what the pictures need.
            has_sound: True if the viewer gets sound where it may.
        """
        return (right, "listen") if has_sound and self.allows("listen", camera) else (right,)

    def require(self, right: Right, camera: str | None = None) -> None:
        """Raise Forbidden if it does not have a right for a camera."""
        if right not in self.rights:
            raise self._without(right)
        self.require_reach(camera, "this")

    def require_right(self, right: Right) -> None:
        """Raise Forbidden if commands that need this right are not allowed at all.

        Call it before the words of a command are parsed, so that a client without the right
        learns nothing from the errors of the parser.

        Arguments:
            right: the right that the command needs (commands.Right). ``view`` commands only
                read, so ``view`` or ``control`` is enough.
        """
        if not self.rights & ({"view", "control"} if right == "view" else {right}):
            raise self._without(right)

    def require_command(self, right: Right, camera: str | None, name: str) -> None:
        """Raise Forbidden if a command is not allowed.

        Arguments:
            right: as of ``require_right``.
            camera: the camera of the command; None: no camera, or the whole server.
            name: the command's name.
        """
        self.require_right(right)
        if right != "view":
            self.require_reach(camera, repr(name))
        elif camera is not None:
            self.require_reach(camera, name)

    def only_own(self, answer: Any, name: str, for_all: Collection[str] = ()) -> Any:
        """Remove other cameras from the answer to a command that names no camera.

        Arguments:
            answer: a list loses the items of other cameras and those without a camera.
            name: the command's name.
            for_all: the keys of an answer about the server that everybody may read.

        Raises:
            Forbidden: the answer is about the whole server.
        """
        if self.cameras is None or answer is None:
            return answer
        if for_all:
            return {key: value for key, value in answer.items() if key in for_all}
        if not isinstance(answer, list):
            self.require_reach(None, repr(name))
        return [item for item in answer if self.covers(item.get("camera"))]

    def only_own_names(self, error: TwistedcamError) -> TwistedcamError:
        """Replace an error that lists all cameras by one that lists only those of this token."""
        if self.cameras is None or not isinstance(error, NoSuchCamera | CameraNeeded):
            return error
        own = ", ".join(sorted(self.cameras))
        if isinstance(error, CameraNeeded):
            return CameraNeeded(f"say which camera: {own}")
        return NoSuchCamera(f"there is no such camera; {self.owner} is valid for {own}")

    def may_hear(self, camera: str | None) -> bool:
        """True if events of a camera may be sent; None means events without a camera."""
        return camera is None or self.covers(camera)

    def as_dict(self) -> dict[str, Any]:
        """Return the grant for JSON. ``cameras`` is None if it is valid for all."""
        cameras = None if self.cameras is None else sorted(self.cameras)
        shown = {"token": self.name, "rights": sorted(self.rights), "cameras": cameras}
        return shown | ({} if self.expires is None else {"expires": as_local_time(self.expires)})

    def _without(self, right: str) -> Forbidden:
        words = "'admin'" if right == "admin" else f"to {right}"
        return Forbidden(f"{self.owner} does not have the right {words}")

    def require_reach(self, camera: str | None, what: str) -> None:
        """Raise Forbidden if it is not valid for a camera; None means the whole server.

        Arguments:
            what: the requested action, for the message.
        """
        if self.covers(camera):
            return
        if camera is not None:
            raise Forbidden(f"{self.owner} is not valid for camera {camera!r}")
        only = ", ".join(sorted(self.cameras or ())) or "no camera"
        raise Forbidden(f"{self.owner} is valid only for {only}: {what} needs one for all cameras")


#: The grant of every client on a server without tokens.
ANYONE = Grant("anyone", frozenset(RIGHTS))
#: The grant of a client that has not shown a token yet.
NOBODY = Grant("nobody", frozenset(), frozenset())
