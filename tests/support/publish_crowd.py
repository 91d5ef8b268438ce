"""Many viewers on the frame port who notice if anything happens."""

from __future__ import annotations

import selectors
import socket
import threading

from tests.support.process import PATIENCE
from twistedcam.wire import Decoder, FrameMessage, Join, Ping, Pong


class Crowd:
    """Viewers of a server's first camera, on one thread.

    Arguments:
        address: the frame port.
        count: how many.
    """

    def __init__(self, address: tuple[str, int], count: int) -> None:
        self.frames = [0] * count
        #: Viewers whose connection ended.
        self.lost = 0
        #: Frames of the camera that one of them did not get.
        self.missed = 0
        self._newest = [0] * count
        self._decoders = [Decoder() for _ in range(count)]
        self._selector = selectors.DefaultSelector()
        self._sockets = [socket.create_connection(address, PATIENCE) for _ in range(count)]
        for number, each in enumerate(self._sockets):
            each.sendall(Join("view", window=0).encode())
            self._selector.register(each, selectors.EVENT_READ, number)
        self._is_over = False
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Crowd:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()
        self._selector.close()
        for each in self._sockets:
            each.close()

    def _watch(self) -> None:
        while not self._is_over:
            for key, _ in self._selector.select(0.2):
                assert isinstance(key.fileobj, socket.socket)
                data = key.fileobj.recv(1 << 20)
                if not data:
                    self.lost += 1
                    self._selector.unregister(key.fileobj)
                    continue
                for message in self._decoders[key.data].feed(data):
                    if isinstance(message, FrameMessage):
                        self.frames[key.data] += 1
                        seq, before = message.frame.seq, self._newest[key.data]
                        self.missed += seq - before - 1 if before else 0
                        self._newest[key.data] = seq
                    elif isinstance(message, Ping):
                        key.fileobj.sendall(Pong(message.data).encode())
