"""What a thread reads is sent while the client takes it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import ManualThread
from twistedcam.servers.http.chunk_producer import ChunkProducer


class FakeRequest:
    """A request whose response is collected."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.said: list[str] = []
        self.finished: Deferred[None] = Deferred()
        self.channel: Any = self
        self.write = self.sent.append

    def notifyFinish(self) -> Deferred[None]:
        return self.finished

    def registerProducer(self, *_: Any) -> None:
        self.said.append("registered")

    def unregisterProducer(self) -> None:
        self.said.append("unregistered")

    def finish(self) -> None:
        self.said.append("finished")

    def loseConnection(self) -> None:
        self.said.append("lost")

    def getClientAddress(self) -> None:
        return None


class ChunkProducerTests(SynchronousTestCase):
    def produce(self, *chunks: bytes, size: int) -> None:
        self.request, self.thread, self.closed = FakeRequest(), ManualThread(), list[bool]()

        def made() -> Any:
            try:
                yield from chunks
            finally:
                self.closed.append(True)

        self.producer = ChunkProducer(self.request, made(), size, self.thread, "film")  # type: ignore[arg-type]
        self.producer.start()

    def test_no_more_is_read_while_the_client_takes_nothing(self) -> None:
        self.produce(b"ab", b"cd", size=4)
        self.producer.pauseProducing()
        self.thread.step()
        self.assertEqual(self.request.sent, [b"ab"])
        self.assertEqual(len(self.thread.waiting), 0)
        self.producer.resumeProducing()
        self.thread.step()
        self.assertEqual(self.request.sent, [b"ab", b"cd"])
        self.assertEqual(self.request.said[-1], "finished")

    def test_a_client_that_leaves_ends_the_work(self) -> None:
        self.produce(b"ab", b"cd", size=4)
        self.thread.step()
        self.request.finished.errback(ConnectionError())
        while self.thread.waiting:
            self.thread.step()
        self.assertEqual(self.closed, [True])
        self.assertTrue(self.thread.ended)
        self.assertEqual(self.request.sent, [b"ab"])

    def test_a_file_that_became_shorter_ends_the_connection(self) -> None:
        self.produce(b"ab", size=4)
        self.thread.step()
        self.thread.step()
        self.assertEqual(self.request.said[-1], "lost")
