"""Reloads that come at once, and those of a configuration with a mistake in it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial import unittest

from tests.support.process import PATIENCE
from twistedcam.app.reload import _changed_fixed_options
from twistedcam.app.service import CameraService
from twistedcam.config.options import ServeOptions
from twistedcam.config.toml_file import FILE_OPTIONS
from twistedcam.errors import BadArgument, DiskError, StartupError

CAMERA = "[camera.{}]\nsource = 'pattern:?size=160x120&fps=5'\n"


class ReloadCase(unittest.TestCase):
    """A server that runs, with the cameras ``a`` and ``b``, and its configuration."""

    timeout = PATIENCE

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "twistedcam.toml"
        self.write("a", "b")
        words = (
            "--config",
            str(self.file),
            "--no-listen",
            "--no-control",
            "--no-http",
            "--no-rtsp",
        )
        self.service = CameraService.of(*words, "--recordings", folder.name)
        self.server = self.service.server
        self.service.privilegedStartService()
        self.service.startService()
        self.addCleanup(self.service.stopService)

    def write(self, *cameras: str, more: str = "") -> None:
        """Let the configuration have these cameras."""
        self.file.write_text("".join(map(CAMERA.format, cameras)) + more)

    def reload(self) -> Deferred[dict[str, Any]]:
        """Fires with what was done."""
        return Deferred.fromCoroutine(self.server.reload())


class OrderTests(ReloadCase):
    async def test_two_at_once_make_a_new_camera_once(self) -> None:
        self.write("a", "c")
        with patch.object(self.server, "add_camera", wraps=self.server.add_camera) as add:
            first, second = await gatherResults([self.reload(), self.reload()])
        self.assertEqual([call.args[0] for call in add.call_args_list], ["c"])
        self.assertEqual((first["added"], first["removed"]), ("c", "b"))
        self.assertEqual((second["added"], second["removed"]), (None, None))

    async def test_one_that_waits_reads_what_the_file_says_then(self) -> None:
        self.write("a", "c")
        first = self.reload()
        self.write("a", "c", "d")
        second = self.reload()
        self.assertEqual((await first)["added"], "c")
        self.assertEqual((await second)["added"], "d")
        self.assertEqual(list(self.server.cameras), ["a", "c", "d"])

    async def test_after_one_that_failed_the_next_is_carried_out(self) -> None:
        self.write("a", more="process = 'nowhere_at_all:function'\n")
        failed = self.assertFailure(self.reload(), StartupError)
        self.write("a")
        self.assertEqual((await self.reload())["removed"], "b")
        await failed


class MistakeTests(ReloadCase):
    async def test_a_setting_that_will_not_do_changes_nothing(self) -> None:
        changed = CAMERA.format("a").replace("fps=5", "fps=3")
        for name, mistake in (
            ("b", "quality = 999"),
            ("b", "rotate = 45"),
            ("b", "idle = 'x'"),
            ("b", "timestamp = 9"),
            ("b", "brightness = 5"),
            ("z", "quality = 999"),
            ("z", "idle = 'x'"),
            ("z", "recording = {format = 'x'}"),
            ("z", "publish = 'x://y'"),
        ):
            with self.subTest(name=name, mistake=mistake):
                self.file.write_text(changed + CAMERA.format(name) + mistake)
                await self.assertFailure(self.reload(), BadArgument)
                self.assertEqual(list(self.server.cameras), ["a", "b"])
                self.assertEqual(self.server.cameras["a"].spec.settings["fps"], "5")
                self.assertEqual(self.server.cameras["b"].spec.settings.get("idle"), None)
        self.write("a", "b")
        self.assertEqual(set((await self.reload()).values()), {None})

    async def test_what_failed_half_way_is_made_up_for_by_the_next(self) -> None:
        self.file.write_text(CAMERA.format("a").replace("fps=5", "fps=3") + "recording.crf = 9")
        failing = patch.object(
            self.server.channels["a"].outputs, "change", side_effect=DiskError("full")
        )
        with failing:
            await self.assertFailure(self.reload(), DiskError)
        self.assertEqual(self.server.cameras["a"].spec.settings["fps"], "3")
        self.write("a")
        self.assertEqual((await self.reload())["changed"], "a")
        self.assertEqual(self.server.cameras["a"].spec.settings["fps"], "5")
        self.assertEqual(self.server.channels["a"].recorder.settings.crf, 23)


class RecordingTests(ReloadCase):
    async def test_what_is_kept_of_all_is_what_the_file_says_now(self) -> None:
        code = "process-in = 'thread'\nprocess = 'a=twistedcam.examples.motion:motion'\n"
        for keep, changed in (("1GB", "a, b"), ("2GB", "a, b, a.motion")):
            self.write("a", "b", more=f"[recording]\nkeep = '{keep}'\n")
            self.file.write_text(code + self.file.read_text())
            self.assertEqual((await self.reload())["changed"], changed)
        [(limits, cameras)] = self.server._limits()
        self.assertEqual((limits.keep, cameras), (2 * 10**9, None))


class UserCodeTests(ReloadCase):
    async def test_a_name_goes_from_user_code_to_a_camera_and_back(self) -> None:
        code = "process-in = 'thread'\nprocess = 'a=twistedcam.examples.motion:motion'\n"
        for _ in range(2):
            self.write("a", "b")
            self.file.write_text(code + self.file.read_text())
            self.assertEqual((await self.reload())["added"], "a.motion")
            self.assertEqual(list(self.server.processors), ["a.motion"])
            self.write("a", "b", "'a.motion'")
            told = await self.reload()
            self.assertEqual((told["added"], told["removed"]), ("a.motion", "a.motion"))
            self.assertEqual(list(self.server.processors), [])
            self.assertEqual(self.server.cameras["a.motion"].spec.scheme, "pattern")


class RestartTests(ReloadCase):
    async def test_what_needs_a_new_start_is_named_by_its_key_until_there_is_one(self) -> None:
        as_it_was = self.file.read_text()
        keys = "max-connections = 99\nmax-per-address = 9\nhttp-name = 'x'\nlog-level = 'warn'\n"
        self.file.write_text(keys + as_it_was)
        told = "http-name, max-connections, max-per-address, log-level"
        for _ in range(2):
            self.assertEqual((await self.reload())["needs_restart"], told)
        self.file.write_text(as_it_was)
        self.assertEqual((await self.reload())["needs_restart"], None)

    def test_all_that_may_be_named_are_keys(self) -> None:
        mine, theirs = ServeOptions(), ServeOptions()
        for name in ServeOptions.__struct_fields__:
            setattr(theirs, name, object())
        keys = set(_changed_fixed_options(mine, theirs))
        self.assertLessEqual({"listen", "http-name", "max-snapshots", "trusted-proxies"}, keys)
        self.assertLessEqual(keys, FILE_OPTIONS.keys() - {"stopped", "publish"})
