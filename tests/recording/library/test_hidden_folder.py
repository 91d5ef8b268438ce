"""The hidden folder of this program's own files."""

from __future__ import annotations

import os
import shutil
import stat

from tests.support.recordings import OddFolderCase
from twistedcam.core.saved_settings import SavedSettings
from twistedcam.recording import RetentionLimits
from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.sources.spec import parse


class HiddenFolderTests(OddFolderCase):
    def test_nothing_is_written_or_read_through_links_in_place_of_folders(self) -> None:
        for inner in (False, True):
            shutil.rmtree(self.folder / HIDDEN, ignore_errors=True)
            if inner:
                (self.folder / HIDDEN).mkdir()
                (self.folder / HIDDEN / "thumbnails").symlink_to(self.outside)
            else:
                (self.folder / HIDDEN).symlink_to(self.outside)
            before = set(os.listdir(self.outside))
            library = self.open()
            self.assertEqual(len(self.get(library.list())), 1)
            self.assertEqual(self.get(library.thumbnail("a.mp4"))[:2], b"\xff\xd8")
            self.assertEqual(set(os.listdir(self.outside)), before)
            if not inner:
                (self.folder / HIDDEN).unlink()

    def test_settings_and_index_that_are_fifos_links_or_endless_are_as_none(self) -> None:
        configured = parse("pattern:?fps=5")
        hidden = self.folder / HIDDEN
        for put in (
            os.mkfifo,
            lambda path: path.symlink_to("/dev/zero"),
            lambda path: path.mkdir(),
            lambda path: (path.touch(), os.truncate(path, 1 << 40)),
            lambda path: path.write_bytes(b"[" * 900_000),
        ):
            shutil.rmtree(hidden, ignore_errors=True)
            hidden.mkdir()
            for name in ("settings.json", "index.json", "clocks.json"):
                put(hidden / name)  # type: ignore[no-untyped-call]
            self.assertIs(SavedSettings(self.folder).apply("cam", configured), configured)
            self.library = self.open()
            self.assertEqual(self.names(), ["a.mp4"])
            self.assertEqual(self.get(self.library.make_room(RetentionLimits(keep=10**9))), [])

    def test_the_hidden_folder_is_for_its_owner_alone(self) -> None:
        self.names()
        self.get(self.library.thumbnail("a.mp4"))
        hidden = self.folder / HIDDEN
        self.assertEqual(stat.S_IMODE(hidden.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE((hidden / "index.json").stat().st_mode), 0o600)
