"""A viewer by UDP whose packets a worker sends, as the server's session sees it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twistedcam.delivery.udp_sender import Address, DatagramSockets, UdpSender
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.delivery.workers.remote_viewer import RemoteViewer
from twistedcam.media.track import Track
from twistedcam.rtsp.rtp_frame import datagram_file, rtp_frame
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer


class RemoteDatagramSender(UdpSender, RemoteViewer):
    """Lets a worker send the packets of a hub to a viewer by UDP.

    It is the viewer's Sender and SubscriptionHandle at once. Messages, which are RTCP packets, are
    sent from here.

    Arguments:
        worker: the worker.
        sockets, rtp, rtcp, on_abort: see UdpSender. ``on_abort`` is also called if the worker dies.
    """

    def __init__(
        self,
        worker: WorkerHandle,
        sockets: DatagramSockets,
        rtp: Address,
        rtcp: Address,
        on_abort: Callable[[], None],
    ) -> None:
        UdpSender.__init__(self, sockets, rtp, rtcp, rtp_frame, on_abort)
        RemoteViewer.__init__(self, worker)
        #: The viewer's number on the channel: negative for its second track.
        self._id = 0
        worker.assigned.add(self)

    def subscribe(self, viewer: Viewer, hub: Hub[Any], *, is_sound: bool = False) -> None:
        """Set the source of packets; they are sent after ``start``.

        Arguments:
            is_sound: the packets are the viewer's second track, which is not counted.
        """
        self._id = -viewer.id if is_sound else viewer.id
        if is_sound:
            self._viewer = viewer
        else:
            self._count(viewer)
        self._feed = self._worker.feed(hub, datagram_file, is_sound=is_sound)

    # SubscriptionHandle

    def start(self) -> None:
        """Let the worker send packets from now on."""
        viewer, feed = self._viewer, self._feed
        if self._is_closed or viewer is None or feed is None:
            return
        try:
            fds = _duplicates(self._sockets)
        except OSError:
            self.abort()
            return
        feed.join(self)
        options = {
            "address": viewer.address,
            "kind": viewer.kind,
            "camera": viewer.camera,
            "feed": feed.id,
            "rtp": self._rtp,
            "rtcp": self._rtcp,
            "is_counted": self._id > 0,
        }
        self._worker.send_datagrams(self, self._id, fds, options)

    def ready(self) -> None:
        """Do nothing: the worker sends what is due."""

    def acknowledge(self, seq: int) -> None:
        """Do nothing: packets over UDP are not acknowledged."""

    def ignore_acks(self) -> None:
        """Do nothing: packets over UDP are not acknowledged."""

    # Sender

    def close(self) -> None:
        """Let the worker send nothing more."""
        if self._is_closed:
            return
        super().close()
        self._worker.assigned.discard(self)
        if self._feed is not None:
            self._feed.leave(self)
        if self._worker.connections.pop(self._id, None) is not None:
            self._worker.channel.send("abort", id=self._id)

    # handle.RemoteConnection, called with the worker's reports.

    def on_track(self, track: Track) -> None:
        """Do nothing: RTSP cannot tell a client of another track."""

    def on_report(
        self, frames: int, size: int, drops: int, time: int, fps: float, has_sent: bool
    ) -> None:
        if self._id > 0:
            super().on_report(frames, size, drops, time, fps, has_sent)

    def on_data(self, data: bytes) -> None:
        """Do nothing: a worker reads nothing from a UDP socket."""

    def on_input_closed(self) -> None:
        """Do nothing: UDP has no end of the input."""

    def on_released(self) -> None:
        """Do nothing: the sockets stay in this process."""

    def on_lost(self) -> None:
        """End the session: the worker is gone, or cannot reach the address."""
        self._worker.connections.pop(self._id, None)
        self.abort()

    def on_refused(self) -> None:
        """End the session: the worker cannot open more files."""
        self.on_lost()


def _duplicates(sockets: DatagramSockets) -> tuple[int, int]:
    """Return duplicates of the descriptors.

    Raises:
        OSError: this process cannot open more files.
    """
    rtp = os.dup(sockets.rtp.fileno())
    try:
        return rtp, os.dup(sockets.rtcp.fileno())
    except OSError:
        os.close(rtp)
        raise
