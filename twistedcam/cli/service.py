"""``twistedcam service``: runs the server as a service of systemd or launchd."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from twistedcam.cli.service_files import ServicePlace, is_ours, service_file, service_place
from twistedcam.errors import BadArgument, StartupError
from twistedcam.runtime.atomic_file import write_atomically
from twistedcam.runtime.home import expand_home, home_folder

EXAMPLE = """examples:
  twistedcam service install --serve '--camera door=webcam:0 --http 8080'
  twistedcam service install --serve '--config ~/twistedcam.toml'
  sudo twistedcam service install --system --serve '--config /etc/twistedcam/twistedcam.toml'
  twistedcam service show --serve '--camera pattern:'        prints the file, changes nothing
  twistedcam service uninstall"""

#: Options of ``serve`` whose values are paths; a service starts in another folder.
_PATHS = frozenset({"--config", "--recordings", "--tokens", "--log"})
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
#: Seconds that the check of the options, or a command of the system, may take.
_PATIENCE = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``service``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    add = parser.add_argument
    add("action", choices=("install", "uninstall", "show"))
    add("--system", action="store_true", help="a service of the machine: starts at boot (as root)")
    add(
        "--user", action="store_true", help="a service of this user: runs while logged in (default)"
    )
    add("--name", default="twistedcam", help="name of the service (twistedcam)")
    add("--serve", default="", metavar="OPTIONS", help="options of 'twistedcam serve', as one text")


def run(arguments: argparse.Namespace) -> int:
    """Install, remove or show the service.

    Raises:
        BadArgument: an option is wrong.
        StartupError: it cannot be installed or removed; the message says why.
    """
    if arguments.system and arguments.user:
        raise BadArgument("--system and --user cannot be combined")
    if not _NAME.fullmatch(arguments.name):
        raise BadArgument("--name must be small letters, digits and hyphens")
    if sys.platform != "darwin" and not sys.platform.startswith("linux"):
        raise StartupError("services are installed by systemd or launchd, which this system lacks")
    user_id, home = os.getuid(), home_folder()
    place = service_place(sys.platform, arguments.name, arguments.system, home, user_id, os.environ)
    if arguments.action == "uninstall":
        if arguments.serve:
            raise BadArgument("uninstall takes no options of 'serve'")
        _uninstall(place)
        print(f"removed: {place.path}")
        print(f"kept:    {place.folder}")
        return 0
    options = _absolute(_split(arguments.serve))
    command = [sys.executable, "-P", "-m", "twistedcam", "serve", *options]
    content = service_file(
        sys.platform, arguments.name, arguments.system, home, place.folder, command
    )
    if arguments.action == "show":
        print(content.decode(), end="")
        return 0
    if arguments.system:
        _check_readable()
    _install(place, content, command, arguments.system)
    print(f"installed: {place.path}")
    print(f"folder:    {place.folder}")
    print(f"log:       {place.log}")
    if not arguments.system and sys.platform != "darwin" and not _is_lingering(user_id):
        print("note:      it ends when you log out, unless you enter: loginctl enable-linger")
    return 0


def _split(options: str) -> list[str]:
    try:
        return shlex.split(options)
    except ValueError as error:
        raise BadArgument(f"--serve: {error}") from None


def _absolute(options: Sequence[str]) -> list[str]:
    """Return the options with absolute paths."""
    found: list[str] = []
    for option in options:
        name, equals, value = option.partition("=")
        if found and found[-1] in _PATHS:
            found.append(_absolute_path(option))
        elif name in _PATHS and equals:
            found.append(f"{name}={_absolute_path(value)}")
        else:
            found.append(option)
    return found


def _absolute_path(path: str) -> str:
    return os.path.abspath(expand_home(path))


def _install(place: ServicePlace, content: bytes, command: Sequence[str], is_system: bool) -> None:
    _check_tool(place)
    before = _read_own(place.path)
    try:
        # For a service of the machine systemd makes the folder (StateDirectory).
        if not is_system or sys.platform == "darwin":
            place.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        _check_options(command, place.folder)
        place.path.parent.mkdir(parents=True, exist_ok=True)
        if before is not None and sys.platform == "darwin":  # it does not read a changed file
            _run_all(place.stop)
        write_atomically(place.path, content, 0o644)
    except OSError as error:
        hint = ": use sudo" if isinstance(error, PermissionError) and is_system else ""
        raise StartupError(f"{error.filename}: {error.strerror}{hint}") from None
    begun = time.time()
    try:
        _run_all(place.start)
    except StartupError as error:
        reason = _logged_reason(place, begun)
        _restore(place, before)
        if reason is None:
            raise
        raise StartupError(f"the service does not start: {reason}") from error


def _is_lingering(user_id: int) -> bool:
    """True if systemd runs the services of a user who is not logged in."""
    try:
        done = _run(["loginctl", "show-user", str(user_id), "--property=Linger", "--value"])
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == "yes"


def _logged_reason(place: ServicePlace, since: float) -> str | None:
    """Return the reason why the server ended, from systemd's journal; None if there is none.

    Arguments:
        since: the time of the start, in seconds since the epoch.
    """
    if sys.platform == "darwin":
        return None
    command = [*place.log.split(), "--quiet", "--no-pager", "--output=cat", f"--since=@{since:.0f}"]
    try:
        done = _run(command)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [line for line in done.stdout.splitlines() if line.startswith("twistedcam: ")]
    return lines[-1].removeprefix("twistedcam: ") if lines else None


def _restore(place: ServicePlace, before: bytes | None) -> None:
    """Leave the machine as it was before an installation that failed.

    Arguments:
        before: the contents of the service's earlier file; None if there was none.
    """
    if before is None:
        with suppress(StartupError):
            _run_all(place.stop)
        place.path.unlink(missing_ok=True)
        with suppress(StartupError):
            _run_all(place.forget)
    else:
        write_atomically(place.path, before, 0o644)
        with suppress(StartupError):
            _run_all(place.start)


def _uninstall(place: ServicePlace) -> None:
    _check_tool(place)
    if _read_own(place.path) is None:
        raise StartupError(f"there is no {place.path}: the service is not installed")
    if not os.access(place.path.parent, os.W_OK):
        raise StartupError(f"{place.path.parent}: Permission denied: use sudo")
    _run_all(place.stop)
    place.path.unlink()
    _run_all(place.forget)


def _read_own(path: Path) -> bytes | None:
    """Return the contents of the service's file; None if there is none.

    Raises:
        StartupError: it was not made by this program.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartupError(f"{path}: {error.strerror}") from None
    if not is_ours(sys.platform, content):
        raise StartupError(f"{path} was not made by this program: it is not touched. Use --name")
    return content


def _check_tool(place: ServicePlace) -> None:
    tool = place.start[0][0]
    if shutil.which(tool) is None:
        raise StartupError(f"there is no {tool} on this machine")


def _check_options(command: Sequence[str], folder: Path) -> None:
    """Check the options as the server would.

    Raises:
        BadArgument: they are wrong.
    """
    where = folder if folder.is_dir() else None
    done = subprocess.run(
        [*command, "--check"],
        cwd=where,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2].removeprefix("twistedcam: ")
        raise BadArgument(reason or f"'serve --check' ended with {done.returncode}")


def _check_readable() -> None:
    """Check that another user can run this program.

    Raises:
        StartupError: it is in a folder that only its owner can read.
    """
    import twistedcam

    for path in (Path(sys.executable).absolute(), Path(str(twistedcam.__file__))):
        for folder in path.resolve().parents:
            if folder.stat().st_mode & 0o005 != 0o005:
                raise StartupError(
                    f"{folder} cannot be read by the service's user: install twistedcam outside"
                    " of it, such as in /opt, or use --user"
                )


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the system, and return its exit code and what it has printed.

    Raises:
        OSError: it cannot be started.
        subprocess.TimeoutExpired: it takes too long.
    """
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


def _run_all(commands: Sequence[Sequence[str]]) -> None:
    """Run commands of the system.

    Raises:
        StartupError: one failed; the message has its last line.
    """
    for command in commands:
        try:
            done = _run(command)
        except subprocess.TimeoutExpired:
            raise StartupError(f"'{' '.join(command)}' takes too long") from None
        if done.returncode:
            reason = (done.stderr or done.stdout).strip().rpartition("\n")[2]
            raise StartupError(f"'{' '.join(command)}' failed: {reason or done.returncode}")
