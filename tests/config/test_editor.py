"""The configuration file: shown, checked, replaced and applied, or left as it is."""

from __future__ import annotations

import argparse
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.auth import Grant, TokenFile
from twistedcam.auth.users import ROLES
from twistedcam.config.arguments import (
    add_serve_arguments,
    options_from,
    read_serve_options,
)
from twistedcam.config.editor import MAX_BYTES, ConfigEditor
from twistedcam.errors import (
    BadArgument,
    CameraFailed,
    Conflict,
    Forbidden,
    NotSupported,
)
from twistedcam.sources.spec import parse

TEXT = '# mine\n[camera.door]\nsource = "pattern:"\n'


class EditorTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.path = folder / "twistedcam.toml"
        self.path.write_text(TEXT)
        self.path.chmod(0o640)
        self.reloads = 0
        self.failure: Exception | None = None
        self.has_tokens = True
        options = options_from(["--config", str(self.path)])
        self.editor = ConfigEditor(options, self.reload, lambda: self.has_tokens)

    async def reload(self) -> dict[str, Any]:
        self.reloads += 1
        if self.failure is not None:
            raise self.failure
        return {"changed": "door"}

    def change(self, text: str, version: str | None = None) -> dict[str, Any]:
        wanted = self.editor.show()["version"] if version is None else version
        return self.successResultOf(Deferred.fromCoroutine(self.editor.change(text, wanted)))

    def refuse(self, kind: type[Exception], text: str, version: str | None = None) -> str:
        wanted = self.editor.show()["version"] if version is None else version
        changing = Deferred.fromCoroutine(self.editor.change(text, wanted))
        return str(self.failureResultOf(changing, kind).value)

    def test_a_change_is_written_with_the_same_mode_and_applied(self) -> None:
        new = TEXT + 'title = "Küche"\n'
        done = self.change(new)
        self.assertEqual((done["changed"], self.reloads), ("door", 1))
        self.assertEqual(self.path.read_text(encoding="utf-8"), new)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o640)
        self.assertEqual(self.editor.show()["version"], done["version"])

    def test_two_pages_do_not_overwrite_each_other(self) -> None:
        version = self.editor.show()["version"]
        self.change(TEXT + "fps = 5\n")
        self.assertIn("changed meanwhile", self.refuse(Conflict, TEXT + "fps = 6\n", version))
        self.assertEqual(self.path.read_text(), TEXT + "fps = 5\n")

    def test_what_is_not_valid_or_not_allowed_changes_nothing(self) -> None:
        for kind, text, said in (
            (BadArgument, "[camera", "not valid TOML"),
            (BadArgument, TEXT + 'fps = "many"\n', "fps"),
            (BadArgument, TEXT.replace("pattern:", "nothing:"), "there is no source"),
            (BadArgument, "#" * (MAX_BYTES + 1), "more than 48 KB"),
            (Forbidden, TEXT + '[[hook]]\non = "state:live"\nurl = "http://x/"\n', "'hook'"),
        ):
            self.assertIn(said, self.refuse(kind, text))
            self.assertIn(said, self.editor.check(text)["error"])
        self.assertEqual((self.path.read_text(), self.reloads), (TEXT, 0))

    def test_what_the_command_line_overrides_now_is_checked_too(self) -> None:
        words = ["--camera", "cam=pattern:", "--http", "8080", "--record", "require_mount=off"]
        options = options_from(["--config", str(self.path), *words])
        self.editor = ConfigEditor(options, self.reload)
        for more in (
            '[camera.x]\nsource = "ffmpeg:/etc/passwd"\n',
            '[camera.x]\nsource = "pattern:"\nprocess = "os:system"\n',
            '[camera.x]\nsource = "pattern:"\npublish = "hls:/etc"\n',
            '[recording]\nrequire_mount = "/mnt"\n',
        ):
            self.refuse(Forbidden, TEXT + more)
        self.refuse(Forbidden, 'http = "0.0.0.0:8080"\n' + TEXT)
        self.refuse(BadArgument, TEXT + '[camera.x]\nsource = "pattern:?fps=0"\n')
        self.assertEqual((self.path.read_text(), self.reloads), (TEXT, 0))

    def test_errors_tell_nothing_about_files_that_the_page_may_not_use(self) -> None:
        folder = self.path.parent
        for name in ("there", "not-there"):
            (folder / "there").touch()
            for more in (
                f'[camera.x]\nsource = "file:{folder}/{name}"\n',
                f'[camera.x]\nsource = "pattern:"\nmotion.source = "file:{folder}/{name}"\n',
                f'[camera.x]\nsource = "pattern:"\npublish = "hls:https://h/x#ca={folder}/{name}"\n',
                f'[[hook]]\non = "state"\nurl = "http://h/${{file:{folder}/{name}}}"\n',
            ):
                error = self.editor.check(TEXT + more)["error"]
                self.assertRegex(error, "page")
                self.assertNotIn("there is no", error)

    def test_options_are_set_and_each_error_has_its_path(self) -> None:
        found = self.editor.set_options(
            TEXT,
            [
                {"path": ["log-level"], "value": "warn"},
                {"path": ["camera", "door", "fps"], "value": 0},
                {"path": ["http"], "value": "0.0.0.0:80"},
                {"path": ["camera", "door", "source"], "value": "ffmpeg:x"},
                {"path": ["camera", "door", "sizee"], "value": "x"},
            ],
        )
        self.assertEqual(found["text"], 'log-level = "warn"\n\n' + TEXT)
        self.assertIn('+log-level = "warn"', found["difference"])
        self.assertIsNone(found["error"])
        said = {".".join(each["path"]): each["message"] for each in found["errors"]}
        self.assertEqual(
            said.keys(), {"camera.door.fps", "http", "camera.door.source", "camera.door.sizee"}
        )
        self.assertTrue(said["camera.door.fps"].startswith("fps='0' in pattern is not valid"))
        self.assertIn("has no setting 'sizee'", said["camera.door.sizee"])
        self.assertEqual((self.path.read_text(), self.reloads), (TEXT, 0))
        with self.assertRaises(BadArgument):
            self.editor.set_options(TEXT, [{"path": ["keys"], "value": True}] * 21)

    def test_an_error_that_is_there_already_is_not_that_of_another_option(self) -> None:
        broken = TEXT + "fps = 0\n"
        found = self.editor.set_options(broken, [{"path": ["stopped"], "value": True}])
        self.assertEqual(found["errors"], [])
        self.assertIn("fps", found["error"])
        mended = self.editor.set_options(broken, [{"path": ["camera", "door", "fps"], "value": 5}])
        self.assertEqual((mended["errors"], mended["error"]), ([], None))

    def test_the_second_of_two_pages_merges_its_change(self) -> None:
        version = self.editor.show()["version"]
        mine = self.editor.set_options(TEXT, [{"path": ["stopped"], "value": True}])["text"]
        self.path.write_text(TEXT + "fps = 5 # theirs\n")
        self.refuse(Conflict, mine, version)
        found = self.editor.merge(mine, version)
        self.assertEqual((found["conflicts"], found["error"]), ([], None))
        self.change(found["text"], found["version"])
        self.assertEqual(self.path.read_text(), "stopped = true\n\n" + TEXT + "fps = 5 # theirs\n")
        with self.assertRaises(Conflict):
            self.editor.merge(mine, "unknown")

    def test_a_copy_has_neither_targets_nor_user_code(self) -> None:
        text = TEXT + 'publish = "rtmp://h/live/key"\nprocess = "os:system"\ntitle = "Door" # x\n'
        found = self.editor.edit(text, "copy", name="door", new="yard")
        self.assertTrue(found.startswith(text))
        self.assertEqual(found[len(text) :].strip().splitlines()[0], "[camera.yard]")
        self.assertNotIn("publish", found[len(text) :])
        self.assertIn('title = "Door" # x', found[len(text) :])

    def test_forms_are_those_of_the_file_or_of_a_text(self) -> None:
        self.assertEqual(self.editor.form(None)["cameras"], ["door"])
        self.assertEqual(self.editor.form("")["cameras"], [])
        self.assertEqual(self.editor.form(TEXT, "door")["camera"], "door")

    def test_a_check_shows_the_difference(self) -> None:
        found = self.editor.check(TEXT + "fps = 5\n")
        self.assertIsNone(found["error"])
        self.assertIn("\n+fps = 5", found["difference"])
        self.assertEqual(self.editor.check(TEXT)["difference"], "")

    def test_a_change_that_cannot_be_applied_is_taken_back(self) -> None:
        self.failure = CameraFailed("no")
        self.refuse(CameraFailed, TEXT + "fps = 5\n")
        self.assertEqual(self.path.read_text(), TEXT)
        self.assertFalse(self.editor.show()["can_undo"])

    def test_changes_can_be_taken_back_one_after_the_other(self) -> None:
        texts = [TEXT, TEXT + "fps = 5\n", TEXT + "fps = 6\n"]
        for each in texts[1:]:
            self.change(each)
        for each in reversed(texts[:-1]):
            version = self.editor.show()["version"]
            self.successResultOf(Deferred.fromCoroutine(self.editor.undo(version)))
            self.assertEqual(self.path.read_text(), each)
        self.assertFalse(self.editor.show()["can_undo"])
        undoing = Deferred.fromCoroutine(self.editor.undo(self.editor.show()["version"]))
        self.failureResultOf(undoing, Conflict)

    def test_what_somebody_has_edited_since_is_not_taken_back(self) -> None:
        self.change(TEXT + "fps = 5\n")
        self.path.write_text(TEXT + "fps = 7\n")
        self.assertFalse(self.editor.show()["can_undo"])
        undoing = Deferred.fromCoroutine(self.editor.undo(self.editor.show()["version"]))
        self.failureResultOf(undoing, Conflict)
        self.assertEqual(self.path.read_text(), TEXT + "fps = 7\n")

    def test_a_file_that_cannot_be_written_is_said(self) -> None:
        self.patch(ConfigEditor, "_read_only", lambda editor, text: "the disk is read-only")
        self.assertEqual(self.editor.show()["read_only"], "the disk is read-only")
        self.refuse(NotSupported, TEXT + "fps = 5\n")
        self.assertEqual(self.path.read_text(), TEXT)

    def test_a_server_without_a_file_says_so(self) -> None:
        editor = ConfigEditor(options_from([]), self.reload)
        self.assertIn("start it with --config FILE", editor.show()["read_only"])
        for call in (lambda: editor.check(""), lambda: editor.check_source(parse("pattern:"))):
            self.assertRaises(NotSupported, call)

    def test_without_tokens_a_private_file_is_not_shown(self) -> None:
        self.has_tokens = False
        self.assertRaisesRegex(Forbidden, "other users cannot read", self.editor.show)
        self.assertRaises(Forbidden, self.editor.check, TEXT)
        self.path.chmod(0o644)
        self.assertEqual(self.editor.show()["text"], TEXT)

    def test_a_source_is_checked_before_it_is_tried(self) -> None:
        self.editor.check_source(parse("rtsp://192.0.2.1/x"))
        self.assertRaises(Forbidden, self.editor.check_source, parse("file:/etc/passwd"))
        self.assertRaises(BadArgument, self.editor.check_source, parse("pattern:?fps=many"))

    def test_edits_change_a_text_and_not_the_file(self) -> None:
        text = self.editor.edit(TEXT, "add", name="yard", source="pattern:", settings={})
        self.assertIn("[camera.yard]", text)
        self.assertEqual(self.path.read_text(), TEXT)

    def test_the_file_of_a_folder_is_created_and_removed_again(self) -> None:
        self.path.unlink()
        parser = argparse.ArgumentParser()
        add_serve_arguments(parser)
        options = read_serve_options(parser.parse_args([]), folder_file=self.path)
        self.assertTrue(options.is_new)
        self.has_tokens = False
        self.editor = ConfigEditor(options, self.reload, lambda: self.has_tokens)
        self.assertEqual((self.editor.show()["text"], self.editor.show()["read_only"]), ("", None))
        self.change(TEXT)
        self.assertEqual(self.path.read_text(), TEXT)
        self.assertEqual(self.editor.show()["text"], TEXT)
        undoing = self.editor.undo(self.editor.show()["version"])
        self.successResultOf(Deferred.fromCoroutine(undoing))
        self.assertFalse(self.path.exists())
        self.has_tokens = True
        tokens = self.path.with_name("tokens.toml")
        TokenFile(tokens).add_user(Grant("a", ROLES["admin"]), "long enough")
        self.change(f"tokens = '{tokens}'\n{TEXT}")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
