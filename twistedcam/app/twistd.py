"""The options and the service of the twistd plugin."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from twisted.application.service import IService
from twisted.logger import Logger

from twistedcam.config.arguments import add_serve_arguments, read_serve_options
from twistedcam.config.options import ServeOptions
from twistedcam.errors import BadArgument, StartupError, TwistedcamError
from twistedcam.runtime.clock import use_monotonic_clock
from twistedcam.runtime.file_limits import raise_file_limit
from twistedcam.runtime.memory import share_one_heap

log = Logger()


class CannotStart(SystemExit, Exception):
    """Ends twistd with status 1 and a line of text.

    It is an Exception, so that twistd reports it to the terminal that has started a daemon, and
    removes its PID file; and a SystemExit, so that no traceback is shown.
    """


class Options:
    """The options of ``serve`` with the interface of twisted.python.usage.Options."""

    def __init__(self) -> None:
        self.parent: Any = None
        self.serve = ServeOptions()

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse the arguments; end the program with status 2 if they are not valid."""
        parser = argparse.ArgumentParser("twistd twistedcam", description="A camera server.")
        add_serve_arguments(parser)
        try:
            self.serve = read_serve_options(parser.parse_args(options))
        except TwistedcamError as error:
            parser.exit(2, f"twistedcam: {error}\n")

    def postOptions(self) -> None:
        """Do nothing (twisted.python.usage.Options)."""


def makeService(options: Options) -> IService:
    """Make the service, or end the program with a line of text."""
    from twisted.internet import reactor

    from twistedcam.app.reload import reload_on_hangup
    from twistedcam.app.service import CameraService
    from twistedcam.runtime.signals import ignore_repeated_signals

    class PluginService(CameraService):
        """A service that ends twistd with a line of text instead of a traceback."""

        def privilegedStartService(self) -> None:
            raise_file_limit()
            reactor.callWhenRunning(ignore_repeated_signals, reactor)
            reactor.callWhenRunning(reload_on_hangup, reactor, self.server)
            try:
                super().privilegedStartService()
            except StartupError as error:
                raise CannotStart(f"twistedcam: {error}") from None

    share_one_heap(os.environ)
    given = options.serve
    if given.log is not None or given.log_json or given.log_level != ServeOptions().log_level:
        log.warn("twistd writes the log: --log, --log-json and --log-level have no effect")
    use_monotonic_clock(reactor)
    try:
        return PluginService(reactor, given)
    except TwistedcamError as error:
        print(f"twistedcam: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, BadArgument) else 1)
