"""The autostart entry of the tray, in the form of each system."""

from __future__ import annotations

import configparser
import importlib
import plistlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tray.errors import TrayError
from twistedcam.runtime.atomic_file import write_atomically
from twistedcam.runtime.home import home_folder

LABEL = "org.twistedcam.tray"
#: Where Windows keeps which startup programs are turned off: an odd first byte.
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\StartupFolder"


def entry_path(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return the path of the entry."""
    home = home_folder()
    if platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        programs = roaming / "Microsoft" / "Windows" / "Start Menu" / "Programs"
        return programs / "Startup" / "twistedcam-tray.cmd"
    if platform == "darwin":
        return home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return config / "autostart" / "twistedcam-tray.desktop"


def entry(words: Sequence[str], platform: str = sys.platform) -> bytes:
    """Return the entry's content. The tray starts in the user's folder, and so do its servers.

    Arguments:
        words: the tray's command line, the program first.
    """
    if platform == "win32":
        command = subprocess.list2cmdline(words).replace("%", "%%")
        return f'@start "" /D "%USERPROFILE%" {command}\r\n'.encode()
    if platform == "darwin":
        return plistlib.dumps(
            {
                "Label": LABEL,
                "ProgramArguments": list(words),
                "RunAtLoad": True,
                "WorkingDirectory": str(home_folder()),
            }
        )
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
    """Return the tray's command line, on Windows with the Python without a console."""
    python = Path(sys.executable)
    silent = python.with_name("pythonw.exe")
    program = silent if platform == "win32" and silent.exists() else python
    return [str(program), "-m", "tray", *words]


def install(path: Path, content: bytes, platform: str = sys.platform) -> None:
    """Write the entry. Only its owner can read it, because it can contain a token.

    Raises:
        TrayError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content, 0o600)
        if platform == "win32":
            _approve_on_windows(path.name)
    except OSError as error:
        raise TrayError(f"{path} cannot be written: {error.strerror}") from None


def is_on(path: Path, platform: str = sys.platform) -> bool:
    """True if the tray starts with the desktop: there is an entry that is not turned off."""
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    if platform == "win32":
        return not _is_off_on_windows(path.name)
    if platform == "darwin":
        return True
    found = configparser.RawConfigParser(strict=False, comment_prefixes=("#",), delimiters=("=",))
    try:
        found.read_string(content)
    except configparser.Error:
        return False
    values = dict(found["Desktop Entry"]) if "Desktop Entry" in found else {"hidden": "true"}
    is_hidden = values.get("hidden") == "true"  # how desktops turn an entry off
    return not is_hidden and values.get("x-gnome-autostart-enabled") != "false"


def remove(path: Path) -> bool:
    """Delete the entry. Return False if there was none.

    Raises:
        TrayError: the file cannot be deleted.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise TrayError(f"{path} cannot be deleted: {error.strerror}") from None
    return True


def _is_off_on_windows(name: str) -> bool:
    """True if the entry is turned off in the Task Manager or in the settings."""
    winreg = importlib.import_module("winreg")
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, APPROVED) as key:
            value = winreg.QueryValueEx(key, name)[0]
    except OSError:  # it was never turned off
        return False
    return bool(value and value[0] & 1)


def _approve_on_windows(name: str) -> None:
    winreg = importlib.import_module("winreg")
    try:
        key = winreg.OpenKey(winreg.HKEY_CURRENT_USER, APPROVED, 0, winreg.KEY_SET_VALUE)
        with key:
            winreg.DeleteValue(key, name)
    except FileNotFoundError:  # it was never turned off
        pass


def _quote(word: str) -> str:
    """Quote a word of ``Exec`` (Desktop Entry Specification 1.5, "The Exec key").

    Special characters get a backslash, backslashes again for a value of type string, and a
    percent sign becomes ``%%``.
    """
    for each in '\\"`$':
        word = word.replace(each, "\\" + each)
    return f'"{word}"'.replace("\\", "\\\\").replace("%", "%%")
