"""The program can be imported where the modules of POSIX are missing, as on Windows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.process import PATIENCE, ROOT

#: Imports all modules as on another system: Python's own modules and those of other projects first,
#: as they are on this one, then those of this project without what the other system lacks.
PROGRAM = """
import importlib, importlib.util, os, pkgutil, select, signal, socket, sys

system, *missing = sys.argv[1:]
for name in os.environ["FIRST"].split():
    importlib.import_module(name)

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in missing:
            raise ImportError(f"{system} has no module {name}")

sys.meta_path.insert(0, Missing())
for name in missing:
    sys.modules.pop(name, None)
sys.platform = system
if system == "win32":
    gone = {
        os: "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK fchmod fork geteuid getuid killpg"
        " memfd_create mkfifo pread pwrite sendfile setsid statvfs WNOHANG",
        select: "poll epoll EPOLLIN EPOLLOUT EPOLLHUP EPOLLRDHUP POLLIN POLLOUT POLLHUP",
        signal: "SIGHUP SIGKILL SIGQUIT SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGTSTP SIGCONT SIGWINCH",
        socket: "AF_UNIX",
    }
else:
    gone = {os: "memfd_create sendfile", select: "epoll EPOLLIN EPOLLOUT EPOLLHUP EPOLLRDHUP"}
for module, names in gone.items():
    for name in names.split():
        vars(module).pop(name, None)

count = 0
for package in ("twistedcam", "client"):
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, package + "."):
        if not found.name.endswith("__main__") and found.name not in os.environ["LEFT"].split():
            importlib.import_module(found.name)
            count += 1
print(count)
"""
#: Imported before, with all that they import.
FIRST = (
    *("asyncio", "concurrent.futures", "multiprocessing.connection", "subprocess", "tempfile"),
    *("selectors", "http.server", "cv2", "av", "PIL.Image", "PIL.ImageFont", "requests", "wsproto"),
    *("pywebpush",),
    *("twisted.internet.reactor", "twisted.internet.ssl", "twisted.web.server"),
    *("twisted.conch.telnet", "twisted.internet.stdio", "twisted.internet.endpoints"),
    *("twisted.application.service", "twisted.application.strports", "twisted.python.usage"),
    *("prometheus_client", "msgspec", "automat", "simplejpeg", "cryptography.x509"),
)
#: Modules that only programs of one system import.
LEFT = ("client.x11", "client.terminal")
POSIX = ("fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")


@pytest.mark.parametrize(
    ("system", "missing"), [("win32", POSIX), ("darwin", ())], ids=["Windows", "macOS"]
)
def test_every_module_can_be_imported(system: str, missing: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, system, *missing],
        env={"PYTHONPATH": str(ROOT), "FIRST": " ".join(FIRST), "LEFT": " ".join(LEFT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 300
