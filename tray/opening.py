"""Opens the viewer, a page, a folder or a file on this desktop."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from tray.address import is_loopback
from tray.errors import TrayError
from twistedcam.runtime.child_process import last_line

#: Endings of recordings and snapshots.
MEDIA = frozenset({".mp4", ".m4v", ".mkv", ".mov", ".avi", ".webm", ".ts", ".jpg", ".jpeg", ".png"})


def open_viewer(url: str, camera: str, token: str | None, tell: Callable[[str], None]) -> None:
    """Start the viewer as a separate program.

    Arguments:
        url: ``twistedcam://HOST:PORT``.
        token: the token for the server.
        tell: called with the reason if it fails.
    """
    target = f"{url.rstrip('/')}/{quote(camera)}"
    # In its environment, because other users can see command lines.
    env = None if token is None else {**os.environ, "TWISTEDCAM_TOKEN": token}
    _start([sys.executable, "-m", "twistedcam", "view", target], tell, env)


def open_page(url: str, tell: Callable[[str], None]) -> None:
    """Show a page in the browser. ``tell`` is called if there is none."""

    def show() -> None:
        if not webbrowser.open(url):
            tell(f"No browser was found; the page is at {url}")

    threading.Thread(target=show, name="tray page", daemon=True).start()  # some browsers take time


def open_folder(path: str, tell: Callable[[str], None], platform: str = sys.platform) -> None:
    """Show a folder in the file manager.

    Raises:
        TrayError: the folder or the file manager is missing.
    """
    if not Path(path).is_dir():
        raise TrayError(f"There is no folder {path} on this machine")
    _open(path, tell, platform)


def recording_path(folder: str | None, name: str) -> str | None:
    """Return the path of a recording or a snapshot that this desktop can open, or None.

    A server that is reached through a tunnel seems to be on this machine. So its names are not
    trusted: neither one that leads out of the folder, nor one that would start a program.
    """
    if folder is None or Path(name).name != name or "\\" in name:
        return None
    path = Path(folder) / name
    return str(path) if path.suffix.lower() in MEDIA and path.is_file() else None


def open_file(path: str, tell: Callable[[str], None], platform: str = sys.platform) -> None:
    """Open a file with the program that the system has for its kind.

    Raises:
        TrayError: there is none that could be started.
    """
    _open(path, tell, platform)


def _open(path: str, tell: Callable[[str], None], platform: str) -> None:
    if platform == "win32":
        try:
            os.startfile(path)  # type: ignore[attr-defined, unused-ignore]
        except OSError as error:
            raise TrayError(f"Windows cannot open {path}: {error.strerror}") from None
    else:
        _start(["open" if platform == "darwin" else "xdg-open", path], tell)


def reachable(url: str, host: str) -> str:
    """Return a URL with a host that this machine can reach.

    A server reports its own address. ``0.0.0.0`` and ``127.0.0.1`` are useless on another
    machine, so the host of the control port replaces them.

    >>> reachable("http://0.0.0.0:8080/", "192.168.1.5")
    'http://192.168.1.5:8080/'
    """
    parts = urlsplit(url)
    found = parts.hostname or ""
    everywhere = found in ("0.0.0.0", "::")
    if not everywhere and (is_loopback(host) or not is_loopback(found)):
        return url
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=f"{shown}:{parts.port}"))


def _start(
    command: list[str], tell: Callable[[str], None], env: Mapping[str, str] | None = None
) -> None:
    """Start a program that continues after the tray. ``tell`` is called if it fails."""
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - the thread that waits closes it
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=env,
            start_new_session=True,
        )
    except OSError as error:
        errors.close()
        program = Path(command[0]).name
        raise TrayError(f"The program {program} cannot be started: {error.strerror}") from None

    def wait() -> None:
        with errors:
            if process.wait() != 0:
                errors.seek(0)
                tell(last_line(errors.read()) or f"The program {Path(command[0]).name} has failed")

    threading.Thread(target=wait, name="tray program", daemon=True).start()
