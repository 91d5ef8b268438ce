"""Checks for programs and libraries that pip cannot install. Runs before pip.

    python3 tools/preflight.py run|test

Needs only Python's standard library. On Debian and systems based on it, as root, it installs what
is missing; elsewhere it prints the command that installs it. The exit code is 1 if something that a
program needs is missing. What only some tests need may be missing; those tests say so.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

OLDEST = (3, 11)


def library(name: str) -> Callable[[], bool]:
    """True if the dynamic linker finds a library."""

    def found() -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    return found


def program(name: str) -> Callable[[], bool]:
    """True if a program is on the PATH."""
    return lambda: shutil.which(name) is not None


def debian_package(name: str) -> Callable[[], bool]:
    """True if a Debian package is installed, for parts that are neither program nor library."""

    def found() -> bool:
        asked = subprocess.run(["dpkg", "-s", name], capture_output=True, text=True, check=False)
        return "Status: install ok installed" in asked.stdout

    return found


Part = tuple[Callable[[], bool], str, str]

#: What is looked for, the Debian package that has it, and what needs it.
RUN: list[Part] = [
    (library("libGL.so.1"), "libgl1", "OpenCV"),
    (library("libgthread-2.0.so.0"), "libglib2.0-0", "OpenCV"),
]
TEST: list[Part] = [
    (program("cc"), "gcc", "the fake webcam"),
    (lambda: os.path.exists("/usr/include/stdio.h"), "libc6-dev", "the fake webcam"),
    (program("ffmpeg"), "ffmpeg", "tests of recordings"),
    (library("libturbojpeg.so.0"), "libturbojpeg0", "turning pictures without loss"),
    (program("nginx"), "nginx", "tests of publishing"),
    (
        lambda: os.path.exists("/usr/lib/nginx/modules/ngx_rtmp_module.so"),
        "libnginx-mod-rtmp",
        "tests of publishing",
    ),
    (program("apache2"), "apache2-bin", "tests of cameras on the net"),
    *(
        (debian_package(name), name, "tests of cameras on the net")
        for name in (
            "python3-gi",
            "gir1.2-gst-rtsp-server-1.0",
            "gstreamer1.0-plugins-base",
            "gstreamer1.0-plugins-good",
            "gstreamer1.0-plugins-ugly",
        )
    ),
    (program("mosquitto"), "mosquitto", "tests of MQTT"),
    (program("janus"), "janus", "tests of WebRTC"),
    (program("zsh"), "zsh", "tests of completion"),
    (program("fish"), "fish", "tests of completion"),
    (program("man"), "man-db", "tests of the manual page"),
    (program("telnet"), "telnet", "tests of the control port"),
    (program("nc"), "netcat-openbsd", "tests of the control port"),
    (program("curl"), "curl", "tests of the web side"),
    (program("gst-launch-1.0"), "gstreamer1.0-tools", "tests of the web side"),
    (
        debian_package("gstreamer1.0-plugins-good"),
        "gstreamer1.0-plugins-good",
        "tests of the web side",
    ),
    (program("cvlc"), "vlc-bin", "tests of the web side"),
    (debian_package("vlc-plugin-base"), "vlc-plugin-base", "tests of the web side"),
    (program("chromium"), "chromium", "tests of the page"),
    (program("chromedriver"), "chromium-driver", "tests of the page"),
    (program("firefox-esr"), "firefox-esr", "tests of the page"),
    (debian_package("gstreamer1.0-libav"), "gstreamer1.0-libav", "tests of recordings"),
    (program("systemd-analyze"), "systemd", "tests of the systemd units"),
    (program("logrotate"), "logrotate", "tests of the log"),
    (program("v4l2-ctl"), "v4l-utils", "the fake webcam"),
    (program("ustreamer"), "ustreamer", "the fake webcam"),
    (program("Xvfb"), "xvfb", "tests of window and tray"),
    (program("xdotool"), "xdotool", "tests of window and tray"),
    (program("trayer"), "trayer", "tests of the tray"),
    (program("dunst"), "dunst", "tests of the tray"),
    (program("dbus-daemon"), "dbus-daemon", "tests of the tray"),
    (program("gdbus"), "libglib2.0-bin", "tests of the tray"),
    (program("pkg-config"), "pkg-config", "tests of the tray"),
    (debian_package("at-spi2-core"), "at-spi2-core", "tests of the tray"),
    (debian_package("gir1.2-atspi-2.0"), "gir1.2-atspi-2.0", "tests of the tray"),
    (debian_package("gir1.2-gtk-3.0"), "gir1.2-gtk-3.0", "tests of the tray"),
    (
        debian_package("gir1.2-ayatanaappindicator3-0.1"),
        "gir1.2-ayatanaappindicator3-0.1",
        "tests of the tray",
    ),
    (debian_package("librsvg2-common"), "librsvg2-common", "tests of the tray"),
    (debian_package("libgirepository1.0-dev"), "libgirepository1.0-dev", "tests of the tray"),
    (debian_package("libcairo2-dev"), "libcairo2-dev", "tests of the tray"),
    (debian_package("python3-dev"), "python3-dev", "tests of the tray"),
]


def main(purpose: str) -> int:
    """Check, install what may be installed, and print what is still missing."""
    if sys.version_info < OLDEST:
        version = ".".join(map(str, OLDEST))
        print(f"twistedcam needs Python {version} or newer; this is {sys.version.split()[0]}. "
              "Select another one: make PYTHON=python3.12 …")  # fmt: skip
        return 1
    if importlib.util.find_spec("ensurepip") is None:
        print("Python's venv module is not complete: apt-get install python3-venv")
        return 1
    if not sys.platform.startswith("linux"):
        return 0
    parts = RUN if purpose == "run" else RUN + TEST
    missing = look(parts)
    if missing and may_install():
        install([package for _, package, _ in missing])
        missing = look(parts)
    if not missing:
        return 0
    packages = " ".join(dict.fromkeys(package for _, package, _ in missing))
    for _, package, user in missing:
        print(f"missing: {package} (for {user})")
    print(f"install with: sudo apt-get install {packages}")
    needed = {package for _, package, _ in RUN}
    return 1 if any(package in needed for _, package, _ in missing) else 0


def look(parts: list[Part]) -> list[Part]:
    """The parts that are missing."""
    return [part for part in parts if not part[0]()]


def may_install() -> bool:
    """True for root on a Debian-like system."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install Debian packages together; if that fails, one by one."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    print("installing " + " ".join(packages), flush=True)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    quiet = {"env": environment, "stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-qq"], **quiet, check=False)  # type: ignore[call-overload]
    if subprocess.run([*command, *packages], **quiet, check=False).returncode:  # type: ignore[call-overload]
        for package in packages:
            subprocess.run([*command, package], **quiet, check=False)  # type: ignore[call-overload]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "run"))
