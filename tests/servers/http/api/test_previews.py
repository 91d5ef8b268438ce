"""Sources are open while their pictures are wanted, and say why they give none."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from twistedcam.core.server import Server
from twistedcam.errors import CameraFailed, NoSuchCamera, TooMany
from twistedcam.servers.http.api import previews
from twistedcam.servers.http.api.previews import Previews
from twistedcam.sources.spec import parse

SOURCE = parse("pattern:?size=128x96&fps=20")


class PreviewTests(TestCase):
    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.previews = Previews(Server(reactor, folder))
        self.addCleanup(self.previews.close)

    async def test_a_source_gives_pictures_until_it_is_closed(self) -> None:
        found = await self.previews.open(SOURCE)
        self.assertEqual((found["width"], found["height"], found["fps"]), (128, 96, 20))
        picture = await self.previews.picture(found["id"])
        self.assertEqual(picture.jpeg[:2], b"\xff\xd8")
        await self.previews.close()
        with self.assertRaises(NoSuchCamera):
            await self.previews.picture(found["id"])

    async def test_a_source_without_pictures_says_why_and_is_closed(self) -> None:
        with self.assertRaisesRegex(CameraFailed, "refused$"):
            await self.previews.open(parse("rtsp://127.0.0.1:1/x"))
        self.patch(previews, "MAX_OPEN", 1)
        await self.previews.open(SOURCE)

    async def test_there_is_a_limit(self) -> None:
        self.patch(previews, "MAX_OPEN", 1)
        found = await self.previews.open(SOURCE)
        with self.assertRaises(TooMany):
            await self.previews.open(SOURCE)
        await self.previews.close(found["id"])
        await self.previews.open(SOURCE)
