"""``twistedcam serve``: runs the server in the foreground."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
)

from twistedcam.config.arguments import add_serve_arguments, read_serve_options
from twistedcam.config.options import ServeOptions
from twistedcam.errors import BadArgument, StartupError
from twistedcam.net.addresses import own_address
from twistedcam.processing import check_code
from twistedcam.runtime.clock import use_monotonic_clock
from twistedcam.runtime.file_limits import raise_file_limit
from twistedcam.runtime.log_file import LogFile
from twistedcam.runtime.log_text import WithoutTwisted, json_observer, text_observer
from twistedcam.runtime.memory import freeze_objects, share_one_heap
from twistedcam.runtime.restart import Restart
from twistedcam.runtime.signals import EarlySignals, ignore_repeated_signals, stop_reactor
from twistedcam.runtime.systemd import SystemdNotifier
from twistedcam.runtime.writable_paths import check_folder, check_log

if TYPE_CHECKING:
    from twistedcam.app.service import CameraService
    from twistedcam.net.listener import Listener

#: The configuration in the current folder.
FOLDER_FILE = "twistedcam.toml"
EXAMPLE = "Example: twistedcam serve --camera door=webcam:0 --camera 'test=pattern:?fps=10'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``serve``."""
    add_serve_arguments(parser)
    parser.add_argument("--check", action="store_true", help="check the options and exit")
    parser.usage = "%(prog)s [OPTIONS]"  # the options are listed below it
    parser.epilog = EXAMPLE


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal or a client ends the server."""
    share_one_heap(os.environ)
    options = read_serve_options(arguments, folder_file=Path(FOLDER_FILE))
    if options.processes:
        sys.path.append(os.getcwd())  # user code is often a file in this folder
    check(options)
    if not arguments.check:
        begin_log(options.log_json, options.log_level, options.log)
    raise_file_limit()
    from twisted.internet import reactor

    # Imported late: completion and the manual ask only for the options.
    from twistedcam.app.reload import reload_on_hangup
    from twistedcam.app.service import CameraService

    use_monotonic_clock(reactor)
    notifier = SystemdNotifier(reactor, os.environ)
    service = CameraService(
        reactor,
        options,
        keys_see_log=log_is_in_terminal(options),
        around_reload=notifier.wrap_reload,
    )
    if arguments.check:
        check_writable(options)
        print(f"the options are valid: {', '.join(service.server.cameras)}")
        return 0
    early: EarlySignals = arguments.early
    if early.is_end_requested:
        return 0
    restart = Restart(reactor)
    service.on_restart = restart.request
    service.privilegedStartService()
    service.startService()
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: notifier.end(is_restart=restart.is_wanted)
    )
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    # Before it is announced: from then on, a signal ends the server cleanly.
    reactor.callWhenRunning(ignore_repeated_signals, reactor)
    reactor.callWhenRunning(early.unblock)
    reactor.callWhenRunning(reload_on_hangup, reactor, service.server)
    file = options.file if options.is_of_folder and options.file and options.file.exists() else None
    reactor.callWhenRunning(announce, service, file)
    reactor.callWhenRunning(notifier.startService)
    freeze_objects()
    early.release()
    if early.is_end_requested:
        reactor.callWhenRunning(stop_reactor, reactor)
    reactor.run()
    restart.execute()
    return 0


def announce(service: CameraService, file: Path | None = None) -> None:
    """Print the server's addresses.

    Arguments:
        file: the configuration, if nobody has named it.
    """
    lines = [f"twistedcam serves {', '.join(service.server.cameras)}"]
    for listener in service.listeners["http"]:
        lines.append(f"  page      {page_address(listener)}")
    if service.server.authenticator.is_needed and service.listeners["http"]:
        lines.append("  log in    on the page, with a token: twistedcam token add NAME --qr")
    for listener in service.listeners["frames"]:
        scheme = "twistedcams" if listener.is_tls else "twistedcam"
        where = f"{scheme}://{_reachable_address(listener)}"
        if listener.address.startswith("unix:"):
            where = f"{scheme}+{listener.address}"
        lines.append(f"  watch     twistedcam view {where}")
    for listener in service.listeners["rtsp"]:
        scheme = "rtsps" if listener.is_tls else "rtsp"
        lines.append(f"  rtsp      {scheme}://{_reachable_address(listener)}/CAMERA")
    for listener in service.listeners["control"]:
        host, _, port = _reachable_address(listener).rpartition(":")
        if listener.is_tls or host == "unix":
            where = f"tls:{host}:{port}" if listener.is_tls else listener.address
            lines.append(f"  control   twistedcam ctl --connect {where}")
        else:
            lines.append(f"  control   telnet {host} {port}")
    if file is not None:
        lines.append(f"  settings  {file}")
    lines.append("  stop      Ctrl-C")
    print("\n".join(lines), flush=True)


def page_address(listener: Listener) -> str:
    """Return the address of the page, as other machines can open it if they can reach the port."""
    return f"http{'s' * listener.is_tls}://{_reachable_address(listener)}/"


def _reachable_address(listener: Listener) -> str:
    address = listener.address
    if not address.startswith(("0.0.0.0:", "[::]:")):
        return address
    port = address.rpartition(":")[2]
    return f"{own_address() or 'localhost'}:{port}"


def log_is_in_terminal(options: ServeOptions) -> bool:
    """True if the log is shown in the terminal in which keys are pressed."""
    is_plain = options.log is None and not options.log_json
    return is_plain and options.log_level in ("debug", "info") and sys.stderr.isatty()


def begin_log(log_json: bool, log_level: str, path: Path | None = None) -> None:
    """Log to a file, or to standard error.

    In a terminal, Twisted's own messages below warnings are omitted, except with ``debug``.

    Raises:
        StartupError: the file cannot be written.
    """
    make = json_observer if log_json else text_observer
    level = LogLevel.levelWithName(log_level)
    to: Any = sys.stderr if path is None else LogFile(path)
    filters: list[Any] = [LogLevelFilterPredicate(level)]
    if path is None and not log_json and level > LogLevel.debug and sys.stderr.isatty():
        filters.append(WithoutTwisted())
    observer = FilteringLogObserver(make(to), filters)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)


def check_writable(options: ServeOptions) -> None:
    """Check that recordings and the log can be written, and leave nothing behind.

    A server that cannot record still shows its cameras: this is only a warning.

    Raises:
        StartupError: the log cannot be written.
    """
    try:
        check_folder(options.recordings)
    except StartupError as error:
        print(f"recording is not possible now: {error}", file=sys.stderr)
    if options.log is not None:
        check_log(options.log)


def check(options: ServeOptions) -> None:
    """Check the options before the start.

    Raises:
        BadArgument: there is no port.
        StartupError: user code cannot be imported.
    """
    if not (options.listen or options.control or options.http or options.rtsp):
        raise BadArgument("the server needs at least one port: remove one of the --no-… options")
    for code in {process.code for process in options.processes}:
        check_code(code)
