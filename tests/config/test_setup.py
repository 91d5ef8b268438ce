"""The choices of the first setup become a text of the configuration, or are refused."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.auth import TokenFile
from twistedcam.config.arguments import add_serve_arguments, read_serve_options
from twistedcam.config.editor import ConfigEditor
from twistedcam.config.setup import Setup
from twistedcam.errors import BadArgument, CameraFailed, Forbidden

PASSWORD = "long enough"


class SetupTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "twistedcam.toml"
        self.has_tokens = False
        self.failure: Exception | None = None
        self.make()

    def make(self, *words: str) -> None:
        parser = argparse.ArgumentParser()
        add_serve_arguments(parser)
        options = read_serve_options(parser.parse_args(words), folder_file=self.file)
        editor = ConfigEditor(options, self.reload, lambda: self.has_tokens)
        self.setup_ = Setup(editor, lambda call: succeed(call()))

    async def reload(self) -> dict[str, Any]:
        if self.failure is not None:
            raise self.failure
        self.has_tokens = (self.folder / "tokens.toml").exists()
        return {}

    def show(self) -> dict[str, Any]:
        return self.successResultOf(Deferred.fromCoroutine(self.setup_.show()))

    def apply(self, **wanted: Any) -> Any:
        version = self.show()["file"]["version"]
        return Deferred.fromCoroutine(self.setup_.apply(wanted, version))

    def test_a_new_server_is_set_up_in_one_step(self) -> None:
        self.assertTrue(self.show()["is_new"])
        camera = {"name": "front", "source": "webcam:0", "settings": {"size": "640x480"}}
        wanted = {"cameras": [camera], "keep": "20GB", "reachable": True}
        wanted |= {"user": "anna", "password": PASSWORD}
        checked = self.setup_.check(wanted)
        self.assertIsNone(checked["error"])
        self.assertIn('+http = "0.0.0.0:8080"', checked["difference"])
        self.assertNotIn(PASSWORD, checked["difference"])
        self.assertFalse(self.file.exists())
        self.successResultOf(self.apply(**wanted))
        found = self.show()
        self.assertFalse(found["is_new"])
        self.assertEqual(found["recordings"]["keep"], 20_000_000_000)
        self.assertEqual(found["network"]["ports"], [8080, 8554, 9530])
        self.assertTrue(found["network"]["is_reachable"])
        users = TokenFile(self.folder / "tokens.toml").read_all().users
        self.assertIn("admin", users["anna"].grant.rights)

        self.successResultOf(self.apply(reachable=False))
        self.assertNotIn("0.0.0.0", self.file.read_text())
        self.assertFalse(self.show()["network"]["is_reachable"])

    def test_without_a_password_the_network_stays_closed(self) -> None:
        for refuse in (lambda: self.setup_.check({"reachable": True}), self._open_by_hand):
            self.assertRaisesRegex(Forbidden, "not opened to the network without", refuse)

    def _open_by_hand(self) -> None:
        found = self.setup_._editor.check("http = '0.0.0.0:8080'\n")
        raise Forbidden(found["error"])

    def test_what_is_wrong_changes_nothing(self) -> None:
        for wanted, said in (
            ({"cameras": [{"name": "a b/", "source": "webcam:0"}]}, "name"),
            ({"cameras": [{"name": "a"}]}, "source"),
            ({"colour": 1}, "colour"),
            ({"user": "anna"}, "a name and a password"),
            ({"user": "anna", "password": "short"}, "8 to 200"),
            ({"folder": "films"}, "the whole path"),
            ({"folder": "/etc/films"}, "choose a folder in the home folder"),
            ({"keep": "many"}, "keep"),
        ):
            with self.subTest(wanted):
                failure = self.failureResultOf(self.apply(**wanted), BadArgument)
                self.assertIn(said, str(failure.value))
        self.assertFalse(self.file.exists())
        self.assertFalse((self.folder / "tokens.toml").exists())

    def test_a_port_of_the_command_line_cannot_be_switched(self) -> None:
        self.make("--http", "8081")
        self.assertIn("command line", self.show()["network"]["fixed"])
        wanted = {"reachable": True, "user": "anna", "password": PASSWORD}
        self.assertRaisesRegex(Forbidden, "command line", self.setup_.check, wanted)

    def test_a_user_whose_setup_cannot_be_applied_is_removed_again(self) -> None:
        self.failure = CameraFailed("no")
        self.failureResultOf(self.apply(user="anna", password=PASSWORD), CameraFailed)
        self.assertEqual(TokenFile(self.folder / "tokens.toml").read_all().users, {})
        self.failure = None
        self.successResultOf(self.apply(user="anna", password=PASSWORD))
        self.assertRaises(BadArgument, self.setup_.check, {"user": "b", "password": PASSWORD})
