"""Executes commands on a server and prints the answers, for ``ctl``."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TextIO

from twistedcam.cli.colours import Styler
from twistedcam.cli.watch import query_status, watch_live
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.control.dialogue import Message
from twistedcam.errors import (
    BadArgument,
    CameraNeeded,
    NoServer,
    TwistedcamError,
    UnknownCommand,
)
from twistedcam.runtime.extras import how_to_install
from twistedcam.servers.control.line_format import show
from twistedcam.tls.client import Trust

#: Exit codes: success, failure, wrong arguments.
SUCCESS, FAILED, WRONG = 0, 1, 2


class Console:
    """Connects when first needed, and again after the connection was lost.

    Arguments:
        endpoint, token: the control port (see BlockingClient).
        as_json: print answers and events as the server's JSON.
        out: the output; standard output by default.
        styler: formats answers and events.
        trust: for ``tls:``, the certificates to accept.
    """

    def __init__(
        self,
        endpoint: str,
        token: str | None = None,
        as_json: bool = False,
        out: TextIO | None = None,
        styler: Styler | None = None,
        trust: Trust | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._token = token
        self.as_json = as_json
        self.styler = styler or Styler()
        self._trust = trust
        self._out = out or sys.stdout
        self._client: BlockingClient | None = None

    @property
    def client(self) -> BlockingClient:
        """The connection; it is made if there is none.

        Raises:
            BadArgument, NoServer: it cannot be made.
        """
        if self._client is None:
            self._client = self.connect()
        return self._client

    def connect(self) -> BlockingClient:
        """Make another connection to the same server; raises as ``client`` does."""
        return BlockingClient(self.endpoint, token=self._token, trust=self._trust)

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def run(self, words: list[str]) -> int:
        """Execute a command, print the answer, return the exit code. Raises no TwistedcamError."""
        try:
            self._run(words)
        except (BadArgument, UnknownCommand, CameraNeeded) as error:
            return self._show_error(error, WRONG)
        except NoServer as error:
            self.close()
            return self._show_error(error, FAILED)
        except TwistedcamError as error:
            return self._show_error(error, FAILED)
        except KeyboardInterrupt:
            self.close()  # a late answer must not be taken for the next one
            raise
        return SUCCESS

    def _run(self, words: list[str]) -> None:
        if self._client is not None and self._client.has_ended():
            self.close()  # for example because no token was sent in time
        if words[0] == "json":
            raise BadArgument("use 'ctl --json' to get answers as JSON")
        if words[0] == "watch":
            self._watch(words)
            return
        fields = self.client.ask(*words)
        if self.as_json:
            self._print(json.dumps({"ok": True, **fields}, ensure_ascii=False))
        else:
            self._print("\n".join(self.styler.answer(fields)) or "OK")

    def _watch(self, words: list[str]) -> None:
        if len(words) > 2:
            raise BadArgument(f"{words[2]!r} is one argument too many: watch [CAMERA]")
        if self._watch_live(*words[1:]):
            return
        events = self.client.watch(*words[1:])
        shows_time = self._out.isatty()
        try:
            for event in events:
                self._print(self._event(event, shows_time))
        except KeyboardInterrupt:
            self.close()  # the way to end a watch

    def _watch_live(self, camera: str | None = None) -> bool:
        """Show the full-screen view; return False if the terminal cannot."""
        is_terminal = self._out is sys.stdout and sys.stdin.isatty() and sys.stdout.isatty()
        if self.as_json or not is_terminal or os.environ.get("TERM") == "dumb":
            return False
        query_status(self.client, camera)  # to report an error before the screen is taken
        try:
            watch_live(self.connect, self.endpoint, camera, self.styler)
        except ImportError:
            print(f"for a live view: {how_to_install('prompt')}", file=sys.stderr)
            return False
        return True

    def _event(self, event: Message, shows_time: bool) -> str:
        if self.as_json:
            return json.dumps(event, ensure_ascii=False)
        return self.styler.event(event, time.strftime("%H:%M:%S") if shows_time else "")

    def _show_error(self, error: TwistedcamError, code: int) -> int:
        if self.as_json:
            body = {"ok": False, "code": error.code, "message": str(error)}
            self._print(json.dumps(body, ensure_ascii=False))
        print(self.styler.error(f"twistedcam: {show(str(error))}"), file=sys.stderr, flush=True)
        return code

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)
