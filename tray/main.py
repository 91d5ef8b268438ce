"""``twistedcam tray``: reads the command line and shows the icon."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterator

from tray import autostart
from tray.address import Address, read_endpoint
from twistedcam.clients.control.dialogue import DEFAULT_ENDPOINT
from twistedcam.errors import BadArgument
from twistedcam.runtime.home import expand_home
from twistedcam.tls.fingerprint import read_fingerprint
from twistedcam.tls.known_servers import users_known_servers

SUMMARY = "the camera in a corner of the screen"
EXAMPLE = "Example: twistedcam tray --connect tls:cellar.local:9531 --token-file ~/.cellar"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Make the parser of ``tray``."""
    add = parser.add_argument
    add(
        "--connect",
        metavar="ENDPOINT",
        default=DEFAULT_ENDPOINT,
        help="the control port: HOST:PORT, tls:HOST:PORT or unix:PATH (%(default)s)",
    )
    add("--fingerprint", metavar="SHA256", help="with tls: the only certificate to accept")
    add("--ca", metavar="FILE", help="with tls: the certificates to trust")
    add("--token", help="token for the control port (or the variable TWISTEDCAM_TOKEN)")
    add("--token-file", metavar="FILE", help="file with the token in it")
    add("--view", metavar="URL", help="where viewers watch, if not where the server says")
    add("--page", metavar="URL", help="where the web page is, if not where the server says")
    add("--serve", metavar="OPTIONS", default="", help="options for 'Start a server here'")
    add("--keep-server", action="store_true", help="a server started here continues after the tray")
    add("--install-autostart", action="store_true", help="start with the desktop from now on")
    add("--remove-autostart", action="store_true", help="do not start with the desktop any more")
    parser.epilog = EXAMPLE


def run(found: argparse.Namespace) -> int:
    """Show the icon until it is quit, or change the autostart entry."""
    if found.install_autostart or found.remove_autostart:
        return _autostart(found)
    address = _address(found)
    serve = tuple(_words(found.serve))
    if address.listening is not None and "--control" not in serve:
        serve = (*serve, "--control", address.listening)

    from tray import backend

    make_icon = backend.load(os.environ)
    from tray.app import Autostart, TrayApp, TrayOptions  # pystray has its back end now

    entry = Autostart(autostart.entry_path(os.environ), _entry(found))
    options = TrayOptions(address, found.view, found.page, serve, found.keep_server, entry)
    TrayApp(options, make_icon, backend.call_in_main_thread(), os.environ).run()
    return 0


def _address(found: argparse.Namespace) -> Address:
    endpoint = read_endpoint(found.connect)
    fingerprint = None if found.fingerprint is None else read_fingerprint(found.fingerprint)
    if (fingerprint or found.ca) and not endpoint.startswith("tls:"):
        raise BadArgument(f"a certificate needs TLS: use --connect tls:{found.connect}")
    known_servers = users_known_servers(os.environ)
    return Address(endpoint, _token(found), fingerprint, found.ca, known_servers)


def _token(found: argparse.Namespace) -> str | None:
    if found.token is not None and found.token_file is not None:
        raise BadArgument("--token and --token-file cannot be used together")
    if found.token_file is None:
        token: str | None = found.token or os.environ.get("TWISTEDCAM_TOKEN")
        return token
    try:
        with expand_home(found.token_file).open(encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadArgument(f"the token cannot be read from {found.token_file}: {error}") from None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BadArgument(f"--serve {text!r}: {error}") from None


def _autostart(found: argparse.Namespace) -> int:
    if found.install_autostart and found.remove_autostart:
        raise BadArgument("--install-autostart and --remove-autostart cannot be used together")
    path = autostart.entry_path(os.environ)
    if found.remove_autostart:
        print(f"{path} is gone" if autostart.remove(path) else f"{path}: there was none")
        return 0
    _address(found)  # errors are reported now and not at the next login
    _words(found.serve)
    autostart.install(path, _entry(found))
    print(f"{path} starts the tray with the desktop from now on")
    return 0


def _entry(found: argparse.Namespace) -> bytes:
    """Return the entry that starts the tray with these options."""
    return autostart.entry(autostart.command(list(_given(found))))


def _given(found: argparse.Namespace) -> Iterator[str]:
    """Return the given options without those about the entry itself."""
    for name in ("connect", "fingerprint", "ca", "token", "token_file", "view", "page", "serve"):
        value = getattr(found, name)
        if value:
            if name in ("ca", "token_file"):
                value = os.path.abspath(expand_home(value))
            yield f"--{name.replace('_', '-')}={value}"
    if found.keep_server:
        yield "--keep-server"
