"""One viewer by UDP in a worker."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Protocol

from twistedcam.delivery.memfd import Memfd, as_sendable
from twistedcam.delivery.sound_subscription import SoundFeed
from twistedcam.delivery.stream_subscription import subscription_class
from twistedcam.delivery.udp_sender import DatagramSockets, UdpSender
from twistedcam.delivery.workers.connection import received_file
from twistedcam.media.packet import Packet
from twistedcam.rtsp.rtp_frame import Datagrams, parse_datagrams
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Tally, Viewer


def received_datagrams(packet: Packet) -> Datagrams:
    """Return the datagrams of a packet that came as a memory file."""
    form: bytes | Memfd = packet.shared(as_sendable(received_file))
    data = form if isinstance(form, bytes) else os.pread(form.fd, form.size, 0)
    return parse_datagrams(data)


class SharedSockets:
    """The UDP sockets that a worker has, each pair once for all viewers that it sends to."""

    def __init__(self) -> None:
        #: The sockets, and the number of their users, by the inode of the first.
        self._pairs: dict[int, tuple[DatagramSockets, int]] = {}

    def acquire(self, rtp: int, rtcp: int) -> tuple[int, DatagramSockets]:
        """Return the sockets of two descriptors, and the number with which they are released.

        The descriptors are closed, now or with the last user.
        """
        key = os.fstat(rtp).st_ino
        if key in self._pairs:
            os.close(rtp)
            os.close(rtcp)
            pair, users = self._pairs[key]
        else:
            pair, users = DatagramSockets(socket.socket(fileno=rtp), socket.socket(fileno=rtcp)), 0
        self._pairs[key] = pair, users + 1
        return key, pair

    def release(self, key: int) -> None:
        """Close the sockets if nobody else uses them."""
        pair, users = self._pairs.pop(key)
        if users > 1:
            self._pairs[key] = pair, users - 1
        else:
            pair.rtp.close()
            pair.rtcp.close()


class DatagramWorker(Protocol):
    """The parts of the worker that a viewer by UDP uses."""

    reactor: Any
    sockets: SharedSockets

    def tally(self, camera: str, kind: str) -> Tally:
        """Return the common counts of the viewers of a camera and kind."""

    def lost(self, connection: Any) -> None:
        """Forget a viewer that cannot be reached."""


class DatagramConnection:
    """One viewer by UDP in the worker.

    Arguments:
        worker: the worker.
        hub: the source of packets.
        options: the server's message: id, address, kind, camera, feed, rtp, rtcp, and
            ``is_counted``: False for a second track of a viewer.
        fds: the sockets of RTP and RTCP, which are closed at the end.
    """

    #: It gets sound as another viewer.
    sound_feed = None

    def __init__(
        self, worker: DatagramWorker, hub: Hub[Any], options: dict[str, Any], fds: tuple[int, int]
    ) -> None:
        self.id: int = options["id"]
        self.feed: int = options["feed"]
        #: True if the viewer's counts are reported.
        self.is_counted: bool = options["is_counted"]
        camera, kind = options["camera"], options["kind"]
        tally = worker.tally(camera, kind) if self.is_counted else Tally()
        self.viewer = Viewer(
            self.id, options["address"], kind, camera, UdpSender.path, lambda _: None, tally=tally
        )
        self._worker = worker
        self._hub = hub
        self._key, sockets = worker.sockets.acquire(*fds)
        rtp, rtcp = tuple(options["rtp"]), tuple(options["rtcp"])
        self._sender = UdpSender(sockets, rtp, rtcp, received_datagrams, self._on_abort)
        self._is_over = False
        self._stop = self._subscribe()

    def change_hub(self, hub: Hub[Any]) -> None:
        """Continue with the packets of another hub."""
        if self._hub is hub or self._is_over:
            return
        self._stop()
        self._hub = hub
        self._stop = self._subscribe()

    def counts(self) -> list[float]:
        """Return frames, bytes, drops, the last frame's time, fps, and False: nothing is read."""
        viewer = self.viewer
        fps = viewer.rate.current(self._worker.reactor.seconds())
        return [viewer.frames, viewer.bytes, viewer.drops, viewer.last_time_us, fps, False]

    def abort(self) -> None:
        """Send nothing more."""
        self._sender.abort()

    def _subscribe(self) -> Callable[[], object]:
        """Send the packets of the hub; return a function that ends that."""
        hub: Any = self._hub
        if not self.is_counted:
            return SoundFeed(hub, self._sender, received_file).close
        subscription = subscription_class(hub)(
            self.viewer, hub, self._sender, self._worker.reactor, None, 0
        )
        subscription.start()
        return subscription.stop

    def _on_abort(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._stop()
            self._worker.sockets.release(self._key)
            self._worker.lost(self)
