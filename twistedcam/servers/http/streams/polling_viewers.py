"""Those who watch by asking for one picture after the other: they are viewers too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall

from twistedcam.media.frame import Frame
from twistedcam.stream.viewers import Viewer

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

#: Seconds after its last picture that somebody is still counted.
LINGER = 6.0
#: Viewers of this kind at most; further ones get their pictures uncounted.
MOST = 1000


@dataclass
class _Puller:
    viewer: Viewer
    leaving: IDelayedCall
    last_seq: int = 0


class Pullers:
    """Keeps those who ask again and again in the list of viewers, and takes out who has stopped.

    Arguments:
        server: whose viewers they are.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pullers: dict[tuple[str, str, str], _Puller] = {}

    def took(self, host: str, word: str, camera: Camera, frame: Frame) -> bool:
        """Somebody gets a frame; whether they may.

        Arguments:
            host: where from.
            word: what they call themselves, different for each page that watches.

        A viewer that was kicked may not for ``LINGER`` seconds.
        """
        key = (host, word, camera.name)
        puller = self._pullers.get(key) or self._join(key)
        if puller is None:
            return True
        if puller.viewer.path == "kicked":
            return False
        puller.leaving.reset(LINGER)
        if puller.last_seq and frame.seq > puller.last_seq:
            puller.viewer.drops += frame.seq - puller.last_seq - 1
        puller.last_seq = frame.seq
        puller.viewer.sent(frame, len(frame.jpeg), self._server.clock.seconds())
        return True

    def _join(self, key: tuple[str, str, str]) -> _Puller | None:
        if len(self._pullers) >= MOST:
            return None
        viewers = self._server.viewers
        viewer = viewers.join(key[0], "http", key[2], "pull", lambda _: self._kick(key))
        leaving = self._server.clock.callLater(LINGER, self._leave, key)
        puller = self._pullers[key] = _Puller(viewer, leaving)
        viewers.announce(viewer)
        return puller

    def _kick(self, key: tuple[str, str, str]) -> None:
        puller = self._pullers[key]
        puller.viewer.path = "kicked"
        self._server.viewers.leave(puller.viewer)
        puller.leaving.reset(LINGER)

    def _leave(self, key: tuple[str, str, str]) -> None:
        self._server.viewers.leave(self._pullers.pop(key).viewer)
