"""The viewer without a window, against a whole server."""

from __future__ import annotations

import json
import os
import sys

from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue

from tests.support.frame_serving import ServingCase


async def run_viewer(*words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of ``python -m client``."""
    command = ["-m", "client", *words]
    out, err, code = await getProcessOutputAndValue(sys.executable, command, env=dict(os.environ))
    return code, out.decode(), err.decode()


class HeadlessTests(ServingCase):
    async def test_it_saves_the_frames_as_they_came_and_says_what_it_saw(self) -> None:
        out = self.folder / "out"
        words = ("--headless", "--frames", "5", "--save", str(out), self.url())
        code, text, _ = await run_viewer(*words)
        self.assertEqual(code, 0)
        files = sorted(out.iterdir())
        self.assertEqual(len(files), 5)
        self.assertTrue(all(f.read_bytes().startswith(b"\xff\xd8") for f in files))
        self.assertIn("cam: 5 frames in ", text)
        self.assertIn("age ", text)

    async def test_statistics_are_one_json_object_a_second(self) -> None:
        words = ("--headless", "--frames", "90", "--stats", "json", self.url())
        code, text, _ = await run_viewer(*words)
        figures = [json.loads(line) for line in text.splitlines()]
        self.assertEqual(code, 0)
        self.assertEqual(figures[0]["state"], "live")
        self.assertFalse(figures[0]["clocks_disagree"])
        self.assertIsNotNone(figures[0]["clock_offset_ms"])

    async def test_two_cameras_are_saved_under_their_names(self) -> None:
        out = self.folder / "out"
        urls = (self.url(), self.url())
        words = ("--headless", "--frames", "2", "--save", str(out), *urls)
        code, _, _ = await run_viewer(*words)
        self.assertEqual(code, 0)
        self.assertTrue(all(each.name.startswith("cam-") for each in out.iterdir()))

    async def test_a_camera_that_is_not_there_is_one_clear_line(self) -> None:
        code, _, err = await run_viewer("--headless", self.url("nope"))
        self.assertEqual(code, 1)
        self.assertEqual(err, "twistedcam: there is no camera 'nope'; there is cam\n")

    async def test_once_ends_with_1_when_the_server_goes(self) -> None:
        running = Deferred.fromCoroutine(run_viewer("--headless", "--once", self.url()))
        await self.watched()
        await self.end_server()
        code, _, err = await running
        self.assertEqual(code, 1)
        self.assertIn("the server has ended the connection", err)

    async def test_it_comes_back_when_the_server_does(self) -> None:
        running = Deferred.fromCoroutine(run_viewer("--headless", "--frames", "100", self.url()))
        await self.watched()
        await self.end_server()
        self.serve()
        code, text, err = await running
        self.assertEqual(code, 0)
        self.assertIn("100 frames", text)
        self.assertIn("lost", err)

    async def test_a_folder_that_cannot_be_made_is_one_clear_line(self) -> None:
        taken = self.folder / "file"
        taken.write_text("")
        words = ("--headless", "--save", str(taken / "out"), self.url())
        code, _, err = await run_viewer(*words)
        self.assertEqual(code, 1)
        self.assertIn("cannot be made", err)
        self.assertEqual(len(err.splitlines()), 1)

    async def test_what_cannot_be_called_so_ends_with_2(self) -> None:
        for words in (
            ("--frames", "0"),
            ("--fps", "-1"),
            ("--fps", "0"),
            ("--fps", "inf"),
            ("--fps", "1e9"),
            ("http://x",),
        ):
            code, _, err = await run_viewer("--headless", *words)
            self.assertEqual((code, len(err.splitlines())), (2, 1), words)

    async def test_figures_are_told_of_the_address_behind_them(self) -> None:
        code, text, err = await run_viewer("--headless", "--frames", "1", "--stats", self.url())
        self.assertEqual((code, "cam: 1 frames in " in text), (0, True), err)

    async def test_the_control_port_is_told_from_that_for_frames(self) -> None:
        url = f"twistedcam://127.0.0.1:{self.control_port}"
        code, _, err = await run_viewer("--headless", url)
        self.assertEqual(code, 1)
        self.assertTrue(err.startswith(f"twistedcam: {url} is not a frame port of twistedcam"), err)
        self.assertEqual(len(err.splitlines()), 1)
