"""Viewers that poll: they request one snapshot after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall

from twistedcam.media.frame import Frame
from twistedcam.stream.viewers import Viewer

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

#: Seconds after its last request in which a viewer is still listed.
LINGER = 6.0
#: Most polling viewers; others get snapshots but are not listed.
MAXIMUM = 1000


@dataclass
class _Poller:
    viewer: Viewer
    leaving: IDelayedCall
    last_seq: int = 0


class PollingViewers:
    """Lists clients that poll as viewers, and removes those that have stopped."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._polling: dict[tuple[str, str, str], _Poller] = {}

    def count_frame(self, host: str, id: str, camera: Camera, frame: Frame) -> bool:
        """Count a frame for a viewer; return False if it was kicked in the last ``LINGER`` seconds.

        Arguments:
            host: the address of the client.
            id: chosen by the client, different for each page.
        """
        key = (host, id, camera.name)
        poller = self._polling.get(key) or self._join(key)
        if poller is None:
            return True
        if poller.viewer.path == "kicked":
            return False
        poller.leaving.reset(LINGER)
        if poller.last_seq and frame.seq > poller.last_seq:
            poller.viewer.drops += frame.seq - poller.last_seq - 1
        poller.last_seq = frame.seq
        poller.viewer.sent(frame, len(frame.jpeg), self._server.clock.seconds())
        return True

    def _join(self, key: tuple[str, str, str]) -> _Poller | None:
        if len(self._polling) >= MAXIMUM:
            return None
        viewers = self._server.viewers
        viewer = viewers.join(key[0], "http", key[2], "pull", lambda _: self._kick(key))
        leaving = self._server.clock.callLater(LINGER, self._leave, key)
        poller = self._polling[key] = _Poller(viewer, leaving)
        viewers.announce(viewer)
        return poller

    def _kick(self, key: tuple[str, str, str]) -> None:
        poller = self._polling[key]
        poller.viewer.path = "kicked"
        self._server.viewers.leave(poller.viewer)
        poller.leaving.reset(LINGER)

    def _leave(self, key: tuple[str, str, str]) -> None:
        self._server.viewers.leave(self._polling.pop(key).viewer)
