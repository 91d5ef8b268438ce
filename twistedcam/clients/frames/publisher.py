"""A client that publishes frames to a ``push:`` camera."""

from __future__ import annotations

from typing import Any

from twistedcam.clients.frames.twisted import FrameClient
from twistedcam.media.frame import Frame


class Publisher(FrameClient):
    """Publishes the newest frame whenever the server can take one.

    It is a sink: add it to a camera's hub. The times of the frames are converted to the server's
    clock if the two clocks disagree.
    """

    role = "publish"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sent = 0
        self._newest: Frame | None = None

    def take(self, frame: Frame) -> None:
        """Send a frame, or keep it until there is a newer one (hub.Sink)."""
        self._newest = frame
        self.send_next()

    def on_cleared(self) -> None:
        """Do nothing: the newest frame is still sent (hub.Sink)."""

    def on_removed(self) -> None:
        """Do nothing: the connection stays (hub.Sink)."""

    def send_next(self) -> None:
        """Send the newest frame, if the server can take it."""
        frame, protocol = self._newest, self._protocol
        if frame is None or protocol is None:
            return
        if protocol.is_writable and protocol.session.can_publish():
            self._newest = None
            self.sent += 1
            protocol.send_frame(self._on_server_clock(frame))

    def connection_lost(self, error: Exception) -> None:
        """Forget the newest frame, which is old when there is a connection again."""
        self._newest = None
        super().connection_lost(error)

    def _on_server_clock(self, frame: Frame) -> Frame:
        clock = self.clock
        if not clock.disagrees:
            return frame
        time_us = max(0, frame.time_us + round(clock.seconds * 1e6))
        return Frame(frame.seq, time_us, frame.width, frame.height, frame.jpeg)
