"""SourceOpener opens one source at a time, and only for a request that still holds."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import FakeSource, ManualThread
from twistedcam.camera.capture_base import CLOSE_TIMEOUT
from twistedcam.camera.opener import HANGING_MOST, SourceOpener
from twistedcam.camera.retry import RETRY_FIRST, RETRY_LOGIN
from twistedcam.codecs.jpeg_encoder import EncodedPicture, JpegEncoder
from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.sources.base import SourceInfo


class Listener:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_opened(self, granted: SourceInfo) -> None:
        self.heard.append("opened")

    def on_picture(self, picture: EncodedPicture) -> None:
        self.heard.append("picture")

    def on_corrupt(self, reason: str) -> None:
        self.heard.append("corrupt")

    def on_paused(self, reason: str, stalled: bool = False) -> None:
        self.heard.append("paused")

    def on_failed(self, error: CameraFailed) -> None:
        self.heard.append(str(error))


class OpenerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.listener = Listener()
        self.threads: list[ManualThread] = []
        self.sources: list[FakeSource] = []
        self.refusal: CameraFailed | None = None
        self.retries: list[float] = []
        self.opener = SourceOpener(
            self.listener,
            self.make_source,
            lambda: True,
            self.clock,
            self.make_thread,
            lambda: self.retries.append(self.clock.seconds()),
        )

    def make_source(self) -> Any:
        if self.refusal is not None:
            raise self.refusal
        self.sources.append(FakeSource())
        return self.sources[-1]

    def make_thread(self) -> Any:
        self.threads.append(ManualThread())
        return self.threads[-1]

    def begin(self) -> None:
        self.opener.begin(JpegEncoder())

    def test_it_opens_the_source_and_reads_it_until_it_is_ended(self) -> None:
        self.begin()
        self.threads[0].step()
        self.threads[0].step()
        self.assertEqual(self.listener.heard, ["opened", "picture"])
        self.opener.end()
        closed = self.opener.closed()
        self.assertNoResult(closed)
        while self.threads[0].waiting:
            self.threads[0].step()
        self.successResultOf(closed)
        self.assertEqual(self.sources[0].calls[-1], "close")
        self.assertEqual(self.listener.heard, ["opened", "picture"])

    def test_a_second_opening_waits_until_the_first_has_closed(self) -> None:
        self.begin()
        self.opener.end()
        self.begin()
        self.begin()  # asked for twice, opened once
        self.assertEqual(len(self.sources), 1)
        self.threads[0].step()  # the opening
        self.threads[0].step()  # the closing
        self.assertEqual(len(self.sources), 2)

    def test_an_opening_that_was_cancelled_meanwhile_is_not_made(self) -> None:
        self.begin()
        self.opener.end()
        self.begin()
        self.opener.end()
        self.threads[0].step()
        self.threads[0].step()
        self.assertEqual(len(self.sources), 1)
        self.begin()
        self.assertEqual(len(self.sources), 2)

    def test_a_source_that_cannot_be_made_is_a_failure(self) -> None:
        self.refusal = CameraFailed("clip.mp4 is not there")
        self.begin()
        self.assertEqual((self.listener.heard, self.threads), (["clip.mp4 is not there"], []))

    def test_no_more_openings_are_tried_while_too_many_hang(self) -> None:
        for _ in range(HANGING_MOST):
            self.begin()
            self.opener.end()
            self.clock.advance(CLOSE_TIMEOUT)
        self.begin()
        self.assertIn("its driver hangs", self.listener.heard[-1])
        self.assertEqual(len(self.threads), HANGING_MOST)
        self.opener.end()
        for _ in range(2):
            self.threads[0].step()
        self.begin()
        self.assertEqual(len(self.threads), HANGING_MOST + 1)

    def test_a_refused_login_is_tried_again_much_later(self) -> None:
        for error, wait in ((CameraFailed("busy"), RETRY_FIRST), (LoginRefused("no"), RETRY_LOGIN)):
            self.retries.clear()
            self.begin()
            self.opener.end()
            self.threads[-1].step()
            self.threads[-1].step()
            self.opener.succeeded()
            before = self.clock.seconds()
            self.opener.again_later(error)
            self.assertTrue(self.opener.is_waiting)
            self.clock.advance(wait)
            self.assertEqual(self.retries, [before + wait])
            self.assertFalse(self.opener.is_waiting)
