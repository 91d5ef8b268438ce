"""A worker: ``python -m twistedcam.delivery.workers.main SOCKET NUMBER``, started by the server.

It owns no port and no camera. The server gives it connections and each frame's memory file; it
sends the one over the other, and says once a second what went out.
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
from twistedcam.delivery.memfd import Memfd, as_memfd
from twistedcam.delivery.workers.channel import WorkerChannel, to_bytes
from twistedcam.delivery.workers.connection import ViewerConnection, received_file
from twistedcam.media.frame import Frame
from twistedcam.runtime.clock import go_by_steady_clock
from twistedcam.runtime.file_limits import raise_file_limit
from twistedcam.runtime.log_file import LogFile
from twistedcam.runtime.log_text import text_observer
from twistedcam.runtime.memory import MemoryReturn, leave_in_peace
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Tally

log = Logger()

#: Seconds between two reports.
REPORT_PERIOD = 1.0
#: Seconds from a request to end until the end: the server says goodbye to viewers first.
GRACE = 1.5


class Worker:
    """Carries out what the server says.

    Arguments:
        reactor: what it runs on.
        number: which worker this is.
    """

    def __init__(self, reactor: Any, number: int) -> None:
        self.reactor = reactor
        self.number = number
        self.channel = WorkerChannel(self._received, lambda _: self._end())
        self.ack_reader = AckReader(reactor)
        self.viewers: dict[int, ViewerConnection] = {}
        self.tallies: dict[tuple[str, str], Tally] = {}
        self._hubs: dict[int, Hub] = {}
        self._report = LoopingCall(self._tell_all)
        self._report.clock = reactor
        self._memory = MemoryReturn(reactor)

    def begin(self) -> None:
        """The channel is there."""
        self.channel.tell("hello", number=self.number, pid=os.getpid())
        self._report.start(REPORT_PERIOD, now=False)
        self._memory.startService()

    def tally(self, camera: str, kind: str) -> Tally:
        """Where viewers of a camera and kind are counted together."""
        return self.tallies.setdefault((camera, kind), Tally())

    def left(self, viewer: ViewerConnection) -> None:
        """A viewer's connection is gone."""
        if self.viewers.pop(viewer.id, None) is not None:
            self.channel.tell("gone", id=viewer.id, counts=viewer.counts())

    def refused(self, viewer: ViewerConnection) -> None:
        """There is no file for a viewer's connection."""
        del self.viewers[viewer.id]
        self.channel.tell("full", id=viewer.id)

    def _end(self) -> None:
        if self.reactor.running:
            self.reactor.stop()

    def _received(self, channel: WorkerChannel, message: dict[str, Any]) -> None:
        what = message["what"]
        if what == "frame":
            channel.tell("had", feed=message["feed"], seq=message["seq"])
            if message["fd"] is not None:  # else this process may open no more files
                self._hub(message["feed"]).publish(_frame(message))
        elif what == "clear":
            self._hub(message["feed"]).clear()
        elif what == "view":
            channel.tell("joined", id=message["id"])
            if message["fd"] is None:
                channel.tell("full", id=message["id"])
                return
            hub = self._hub(message["feed"])
            if not message["live"]:
                hub.clear()
            self.viewers[message["id"]] = viewer = ViewerConnection(self, hub, message)
            viewer.adopt(message["fd"], message["family"])
        elif what == "show":
            channel.tell("had", feed=message["feed"], seq=message["seq"])
            if message["fd"] is not None:
                frame = _frame(message)
                if message["id"] in self.viewers:
                    self.viewers[message["id"]].show(frame)
        elif message["id"] in self.viewers:
            viewer = self.viewers[message["id"]]
            if what == "say":
                viewer.send_message(to_bytes(message["data"]))
            elif what == "taken":
                viewer.taken()
            elif what == "ack":
                viewer.acknowledge(message["seq"])
            elif what == "finish":
                viewer.finish()
            elif what == "drop":
                viewer.drop()

    def _hub(self, feed: int) -> Hub:
        return self._hubs.setdefault(feed, Hub())

    def _tell_all(self) -> None:
        viewers = {viewer.id: viewer.counts() for viewer in self.viewers.values()}
        tallies = []
        for (camera, kind), tally in self.tallies.items():
            tallies.append([camera, kind, tally.ages.counts, tally.ages.total])
        self.tallies = {key: Tally() for key in self.tallies}
        for viewer in self.viewers.values():
            viewer.viewer.tally = self.tally(viewer.viewer.camera, viewer.viewer.kind)
        self.channel.tell("report", viewers=viewers, tallies=tallies)


def _frame(message: dict[str, Any]) -> Frame:
    """A frame of which there is only the file."""
    frame = Frame(message["seq"], message["time"], 0, 0, b"")
    frame.share(as_memfd(received_file), Memfd.adopt(message["fd"]))
    return frame


def main(path: str, number: int, logged: str) -> None:
    """Serve until the server is gone."""
    to: Any = LogFile(Path(logged)) if logged else sys.stderr
    observer = text_observer(to)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
    raise_file_limit()
    from twisted.internet import reactor

    there: Any = reactor
    go_by_steady_clock(there)
    worker = Worker(there, number)

    class ChannelFactory(ClientFactory):
        noisy = False

        def buildProtocol(self, addr: Any) -> WorkerChannel:
            there.callLater(0, worker.begin)
            return worker.channel

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
            there.stop()

    there.connectUNIX(path, ChannelFactory())
    # Ctrl-C goes to all processes of a terminal, and the server's end is this one's too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(
        signal.SIGTERM, lambda *_: there.callFromThread(there.callLater, GRACE, worker._end)
    )
    leave_in_peace()
    there.run(installSignalHandlers=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
