"""A worker: ``python -m twistedcam.delivery.workers.main SOCKET NUMBER LOG``, run by the server.

It listens on no port and opens no camera. The server sends it connections and each frame's memory
file. It sends the files over the connections, and reports once a second.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet.protocol import ClientFactory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, globalLogBeginner

from twistedcam.delivery.ack_reader import AckReader
from twistedcam.delivery.memfd import Memfd, as_sendable
from twistedcam.delivery.workers.channel import WorkerChannel, to_bytes
from twistedcam.delivery.workers.connection import ViewerConnection, received_file
from twistedcam.delivery.workers.datagrams import DatagramConnection, SharedSockets
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.runtime.clock import use_monotonic_clock
from twistedcam.runtime.file_limits import raise_file_limit
from twistedcam.runtime.log_file import LogFile
from twistedcam.runtime.log_text import text_observer
from twistedcam.runtime.memory import MemoryReturn, freeze_objects
from twistedcam.stream.hub import GroupHub, Hub
from twistedcam.stream.viewers import Tally

log = Logger()

#: Seconds between two reports.
REPORT_PERIOD = 1.0
#: Seconds from SIGTERM to the end: meanwhile the server sends BYE to viewers.
GRACE = 1.5
#: The track of all packets: a worker sends them, and reads nothing of them.
_TRACK = Track(VIDEO, "video", "")


class DeliveryWorker:
    """Carries out the server's messages.

    Arguments:
        reactor: the reactor.
        number: the worker's number.
    """

    def __init__(self, reactor: Any, number: int) -> None:
        self.reactor = reactor
        self.channel = WorkerChannel(self._received, lambda _: self.stop())
        self.ack_reader = AckReader(reactor)
        self._number = number
        self.sockets = SharedSockets()
        #: The sockets of RTCP that came before those of RTP, by the viewers' numbers.
        self._rtcp_sockets: dict[int, int | None] = {}
        self._connections: dict[int, Any] = {}
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._hubs: dict[int, Hub[Any]] = {}
        #: Feeds whose next packets refer to one that did not come, until the next key frame.
        self._broken: set[int] = set()
        self._reports = LoopingCall(self._report)
        self._reports.clock = reactor
        self._memory = MemoryReturn(reactor)

    def start(self) -> None:
        """Greet the server: the channel is connected."""
        self.channel.send("hello", number=self._number, pid=os.getpid())
        self._reports.start(REPORT_PERIOD, now=False)
        self._memory.startService()

    def stop(self) -> None:
        if self.reactor.running:
            self.reactor.stop()

    def tally(self, camera: str, kind: str) -> Tally:
        return self._tallies.setdefault((camera, kind), Tally())

    def lost(self, connection: Any) -> None:
        if self._connections.pop(connection.id, None) is not None:
            self.channel.send("lost", id=connection.id, counts=connection.counts())

    def released(self, connection: ViewerConnection) -> None:
        del self._connections[connection.id]
        self.channel.send("released", id=connection.id, counts=connection.counts())

    def refuse(self, connection: ViewerConnection) -> None:
        del self._connections[connection.id]
        self.channel.send("refused", id=connection.id)

    def _received(self, channel: WorkerChannel, message: dict[str, Any]) -> None:
        type = message["type"]
        if type in ("frame", "frame_for"):
            channel.send("frame_received", feed=message["feed"], seq=message["seq"])
            hub = self._hub(message["feed"])
            if message["fd"] is None:  # this process cannot open more files
                if isinstance(hub, GroupHub):  # those after it refer to it
                    self._broken.add(message["feed"])
                    hub.request_keyframe()
                return
            frame = _packet(message) if isinstance(hub, GroupHub) else _frame(message)
            if type == "frame":
                if frame.is_keyframe:
                    self._broken.discard(message["feed"])
                elif message["feed"] in self._broken:
                    return
                hub.publish(frame)
            elif message["id"] in self._connections:
                self._connections[message["id"]].offer(frame)
        elif type == "hub":
            self._change_hub(message["feed"], message["groups"])
        elif type == "clear":
            self._hub(message["feed"]).clear()
        elif type == "end":
            self._broken.discard(message["feed"])
            self._hubs.pop(message["feed"], None)
        elif type == "view":
            self._adopt(message)
        elif type == "rtcp_socket":
            self._rtcp_sockets[message["id"]] = message["fd"]
        elif type == "view_datagrams":
            self._send_datagrams(message)
        elif message["id"] in self._connections:
            connection = self._connections[message["id"]]
            if type == "message":
                connection.send_message(to_bytes(message["data"]))
            elif type == "listen":
                feed = message["feed"]
                connection.listen(feed, None if feed is None else self._hub(feed))
            elif type == "data_handled":
                connection.data_handled()
            elif type == "ack":
                connection.acknowledge(message["seq"])
            elif type == "release":
                connection.release()
            elif type == "finish":
                connection.finish()
            elif type == "abort":
                connection.abort()

    def _adopt(self, message: dict[str, Any]) -> None:
        self.channel.send("connection_received", id=message["id"])
        if message["fd"] is None:
            self.channel.send("refused", id=message["id"])
            return
        hub = self._hub(message["feed"])
        if not message["live"]:
            hub.clear()
        self._connections[message["id"]] = connection = ViewerConnection(self, hub, message)
        connection.adopt(message["fd"], message["family"])

    def _send_datagrams(self, message: dict[str, Any]) -> None:
        id, rtp, rtcp = message["id"], message["fd"], self._rtcp_sockets.pop(message["id"])
        self.channel.send("connection_received", id=id)
        if rtp is None or rtcp is None:  # this process cannot open more files
            for fd in (rtp, rtcp):
                if fd is not None:
                    os.close(fd)
            self.channel.send("refused", id=id)
            return
        hub = self._hub(message["feed"])
        self._connections[id] = DatagramConnection(self, hub, message, (rtp, rtcp))

    def _hub(self, feed: int) -> Hub[Any]:
        return self._hubs.setdefault(feed, Hub[Any]())

    def _change_hub(self, feed: int, groups: bool) -> None:
        """Begin to receive packets that refer to others, or frames, on a feed."""
        self._broken.discard(feed)
        self._hubs[feed] = hub = _make_group_hub(self.channel, feed) if groups else Hub()
        for connection in tuple(self._connections.values()):
            if connection.feed == feed:
                connection.change_hub(hub)
            elif connection.sound_feed == feed:
                connection.listen(feed, hub)

    def _report(self) -> None:
        counted = [each for each in self._connections.values() if each.is_counted]
        viewers = {each.id: each.counts() for each in counted}
        tallies = [
            [camera, kind, tally.ages.counts, tally.ages.total]
            for (camera, kind), tally in self._tallies.items()
        ]
        self._tallies = {key: Tally() for key in self._tallies}
        for each in counted:
            each.viewer.tally = self.tally(each.viewer.camera, each.viewer.kind)
        self.channel.send("report", viewers=viewers, tallies=tallies)


def _make_group_hub(channel: WorkerChannel, feed: int) -> GroupHub:
    hub = GroupHub()
    hub.on_keyframe_request = lambda: channel.send("keyframe", feed=feed)
    return hub


def _packet(message: dict[str, Any]) -> Packet:
    """Return a packet of any codec that consists only of its file, or of a small file's bytes."""
    form = Memfd.adopt(message["fd"]).as_sendable()
    data = form if isinstance(form, bytes) else b""
    packet = Packet(_TRACK, message["seq"], message["time"], message["time"], data, message["key"])
    packet.share(as_sendable(received_file), form)
    return packet


def _frame(message: dict[str, Any]) -> Frame:
    """Return a frame that consists only of its file, or of a small file's bytes."""
    frame = Frame(message["seq"], message["time"], 0, 0, b"")
    frame.share(as_sendable(received_file), Memfd.adopt(message["fd"]).as_sendable())
    return frame


def main(path: str, number: int, log_path: str) -> None:
    """Run until the server is gone.

    Arguments:
        path: the server's UNIX socket.
        number: the worker's number.
        log_path: the log file; empty: standard error.
    """
    output: Any = LogFile(Path(log_path)) if log_path else sys.stderr
    observer = text_observer(output)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
    raise_file_limit()
    from twisted.internet import reactor as installed

    reactor: Any = installed
    use_monotonic_clock(reactor)
    worker = DeliveryWorker(reactor, number)

    class ChannelFactory(ClientFactory):
        noisy = False

        def buildProtocol(self, addr: Any) -> WorkerChannel:
            reactor.callLater(0, worker.start)
            return worker.channel

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
            reactor.stop()

    reactor.connectUNIX(path, ChannelFactory())
    # Ctrl-C is sent to all processes of a terminal; this one ends with the server.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(
        signal.SIGTERM, lambda *_: reactor.callFromThread(reactor.callLater, GRACE, worker.stop)
    )
    freeze_objects()
    reactor.run(installSignalHandlers=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
