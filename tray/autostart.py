"""The entry that starts the tray with the desktop session, in each system's own way."""

from __future__ import annotations

import plistlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tray.errors import TrayError
from twistedcam.runtime.atomic_file import write_atomically

LABEL = "org.twistedcam.tray"


def entry_path(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where the entry is, or would be."""
    home = Path.home()
    if platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        programs = roaming / "Microsoft" / "Windows" / "Start Menu" / "Programs"
        return programs / "Startup" / "twistedcam-tray.cmd"
    if platform == "darwin":
        return home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return config / "autostart" / "twistedcam-tray.desktop"


def entry(words: Sequence[str], platform: str = sys.platform) -> bytes:
    """The entry's content.

    Arguments:
        words: the tray's command line, the program first.
    """
    if platform == "win32":
        return f'@start "" {subprocess.list2cmdline(words).replace("%", "%%")}\r\n'.encode()
    if platform == "darwin":
        return plistlib.dumps({"Label": LABEL, "ProgramArguments": list(words), "RunAtLoad": True})
    return (
        "[Desktop Entry]\n"
        "Type=Application\n"
        "Name=twistedcam tray\n"
        "Comment=The camera in a corner of the screen\n"
        f"Exec={' '.join(map(_quote, words))}\n"
        "Icon=camera-web\n"
        "Terminal=false\n"
        "X-GNOME-Autostart-enabled=true\n"
    ).encode()


def command(words: Sequence[str], platform: str = sys.platform) -> list[str]:
    """The tray's command line with this Python, on Windows the one without a console."""
    python = Path(sys.executable)
    silent = python.with_name("pythonw.exe")
    program = silent if platform == "win32" and silent.exists() else python
    return [str(program), "-m", "tray", *words]


def install(path: Path, content: bytes) -> None:
    """Write the entry, for its owner alone: there may be a token in it.

    Raises:
        TrayError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content, 0o600)
    except OSError as error:
        raise TrayError(f"{path} cannot be written: {error.strerror}") from None


def remove(path: Path) -> bool:
    """Delete the entry; False if there was none.

    Raises:
        TrayError: it cannot be deleted.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise TrayError(f"{path} cannot be deleted: {error.strerror}") from None
    return True


def _quote(word: str) -> str:
    """A word of ``Exec`` (Desktop Entry Specification 1.5, "The Exec key").

    Quoted with backslashes inside, these once more for a value of type string, and ``%%`` for
    a percent sign.
    """
    for each in '\\"`$':
        word = word.replace(each, "\\" + each)
    return f'"{word}"'.replace("\\", "\\\\").replace("%", "%%")
