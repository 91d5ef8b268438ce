"""``twistedcam doctor``: what this machine can do, and what is missing."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec

from twistedcam.errors import BadArgument, NotSupported
from twistedcam.runtime.extras import how_to_install
from twistedcam.runtime.file_limits import file_limit, raise_file_limit
from twistedcam.version import __version__

EXAMPLE = """examples:
  twistedcam doctor
  twistedcam doctor --json --seconds 2 --size 1920x1080"""

#: Modules of libraries that can be missing: the extra that has them, and their use.
_EXTRAS = {
    "paho.mqtt": ("mqtt", "MQTT and Home Assistant (--mqtt)"),
    "zeroconf": ("discovery", "announcements in the local network (--discovery)"),
    "prompt_toolkit": ("prompt", "history and completion in 'twistedcam ctl'"),
    "pywebpush": ("push", "notifications of phones and browsers"),
    "sounddevice": ("sound", "sound in the viewer's window"),
    "gi": ("tray", "the icon in the system tray ('twistedcam tray' says what it needs)"),
}
_FPS = 30
#: The most pictures that are different; they are encoded repeatedly.
_PICTURES = 30
#: The number of files below which a server with many viewers would reach the limit.
_FEW_FILES = 4096


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Arguments:
        subject: its name.
        state: ``ok``, ``missing`` if something does not work without it, or ``note``.
        text: a description for people.
        cores: processor time of an encoder in seconds a second; None if it was not measured.
    """

    subject: str
    state: str
    text: str
    cores: float | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``doctor``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    add = parser.add_argument
    add("--json", action="store_true", help="as JSON")
    add("--size", default="1280x720", metavar="WxH", help="pictures to encode (1280x720)")
    add(
        "--seconds",
        type=float,
        default=10.0,
        help=f"seconds of video at {_FPS} frames a second to encode with each encoder (10)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; return 1 if something that every server needs is missing."""
    width, x, height = arguments.size.partition("x")
    if not (x and width.isdigit() and height.isdigit()) or not 0 < arguments.seconds <= 600:
        raise BadArgument("--size must be as 1280x720, and --seconds more than 0, at most 600")
    size = int(width), int(height)
    findings: list[Finding] = []
    for each in (
        *_program(),
        *_system(),
        *_webcams(),
        *_picameras(),
        *_encoders(size, arguments.seconds),
    ):
        findings.append(each)
        if not arguments.json:
            print(f"{each.state:<8} {each.subject:<18} {each.text}", flush=True)
    if arguments.json:
        print(json.dumps([asdict(each) for each in findings], indent=2, ensure_ascii=False))
    return int(any(each.state == "missing" for each in findings))


def _program() -> Iterator[Finding]:
    where = f"Python {platform.python_version()} on {platform.platform()}"
    yield Finding("twistedcam", "ok", f"{__version__}, {where}")
    for name, module in (("OpenCV", "cv2"), ("PyAV", "av"), ("numpy", "numpy"), ("Pillow", "PIL")):
        try:
            yield Finding(name, "ok", str(import_module(module).__version__))
        except ImportError as error:  # a part of the system that the package needs
            yield Finding(name, "missing", f"it cannot be imported: {error}")
    for module, (extra, use) in _EXTRAS.items():
        is_there, text = _has_module(module), use
        if not is_there:
            text = f"not installed, for {use}: {how_to_install(extra)}"
        elif module == "sounddevice" and not _has_portaudio():
            is_there = False
            text = (
                f"its library is not installed (Debian: apt-get install libportaudio2), for {use}"
            )
        yield Finding(module.partition(".")[0], "ok" if is_there else "note", text)


def _system() -> Iterator[Finding]:
    from twistedcam.media.turbojpeg import load_library

    if load_library() is not None:
        yield Finding("libturbojpeg", "ok", "JPEGs are turned without loss, checked without numpy")
    else:
        hint = " (Debian: apt-get install libturbojpeg0)" if sys.platform == "linux" else ""
        yield Finding(
            "libturbojpeg",
            "note",
            f"not installed{hint}: to turn a picture, it is decoded and encoded again",
        )
    yield Finding("processors", "ok", f"{os.cpu_count()}")
    raise_file_limit()  # as the server does
    limit = file_limit()
    if limit is None:
        yield Finding("open files", "ok", "no limit")
    else:
        few = "" if limit >= _FEW_FILES else ": each viewer needs one, see 'ulimit -n'"
        yield Finding("open files", "note" if few else "ok", f"{limit} at most{few}")


def _webcams() -> Iterator[Finding]:
    from twistedcam.cli import devices
    from twistedcam.sources.webcam.devices import LINUX

    if not LINUX:
        yield Finding("webcams", "note", "'twistedcam devices' opens each to list it")
        return
    found = devices.list_webcams()
    for each in found:
        formats = dict.fromkeys(mode["format"] for mode in each["formats"])
        text = f"{each['device']}: {', '.join(formats)}"
        if each["in_use_by"]:
            text += f"; in use by {', '.join(each['in_use_by'])}"
        if each["problem"]:
            text = f"{each['device']}: {each['problem']}"
            if not os.access(each["path"], os.R_OK | os.W_OK):
                text += ": add the user to the group 'video'"
        yield Finding(each["path"], "note" if each["problem"] else "ok", text)
    if not found:
        yield Finding("webcams", "note", "none was found: is one plugged in?")


def _picameras() -> Iterator[Finding]:
    """Look for Raspberry Pi cameras; nothing is said on other computers."""
    from twistedcam.sources.picamera.devices import list_pi_cameras

    found = list_pi_cameras()
    for each in found.cameras:
        largest = "{}x{}".format(*each.modes[0][0]) if each.modes else ""
        text = f"{each.model}: {each.problem or f'up to {largest}'}"
        yield Finding(f"picamera:{each.number}", "note" if each.problem else "ok", text)
    if found.problem:
        yield Finding("picamera", "note", found.problem)


def _encoders(size: tuple[int, int], seconds: float) -> Iterator[Finding]:
    """Encode with each encoder of H.264."""
    from twistedcam.codecs.h264_encoder import HARDWARE

    pictures = list(_pictures(size, max(1, min(_PICTURES, round(seconds * _FPS)))))
    for name in ("libx264", *HARDWARE):
        try:
            cores, speed = _measure(name, pictures, size, seconds)
        except NotSupported as error:
            yield Finding(name, "missing" if name == "libx264" else "note", str(error))
            continue
        text = (
            f"{size[0]}x{size[1]} at {_FPS} fps takes {cores:.2f} of a processor"
            f" ({speed:.1f} times as fast as the camera)"
        )
        yield Finding(name, "ok" if speed > 1 else "note", text, round(cores, 3))


def _pictures(size: tuple[int, int], count: int) -> Iterable[bytes]:
    """Moving test pictures, as JPEG."""
    from twistedcam.codecs.jpeg_encoder import JpegEncoder
    from twistedcam.sources.pattern import MIN_SIZE, PatternSource

    if size[0] < MIN_SIZE[0] or size[1] < MIN_SIZE[1]:
        raise BadArgument("--size must be at least {}x{}".format(*MIN_SIZE))
    source, encoder = PatternSource(size, _FPS), JpegEncoder()
    source.open()
    for _ in range(count):
        picture = source.read()
        assert picture is not None
        made = encoder.finish(picture)
        assert isinstance(made.jpeg, bytes)
        yield made.jpeg


def _measure(
    name: str, pictures: list[bytes], size: tuple[int, int], seconds: float
) -> tuple[float, float]:
    """Encode with one encoder; return its cores, and its speed as a multiple of the camera's.

    Raises:
        NotSupported: it does not work here; the message says why.
    """
    from twistedcam.codecs.h264_encoder import CLOCK, H264Encoder, H264Settings
    from twistedcam.util.libraries import av

    encoder = H264Encoder(H264Settings(name), *size)
    if encoder.name != name:
        reason = (encoder.note or "").partition("because of ")[2]
        raise NotSupported(reason.removeprefix(f"{name}: ") or "it does not work")
    count, packets = max(1, round(seconds * _FPS)), 0
    began, cpu = time.monotonic(), time.process_time()
    try:
        for number in range(count):
            pts = number * CLOCK // _FPS
            made = encoder.encode(pictures[number % len(pictures)], pts, number == 0)
            packets += len(made or ())
    except av.error.FFmpegError as error:
        raise NotSupported(f"it opens, and then fails: {error.strerror}") from None
    if not packets:
        raise NotSupported("it opens, and then gives no video")
    took, used = time.monotonic() - began, time.process_time() - cpu
    return used * _FPS / count, count / _FPS / took


def _has_portaudio() -> bool:
    """True if sounddevice finds its library: its packages for macOS and Windows have it inside."""
    return sys.platform != "linux" or find_library("portaudio") is not None


def _has_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of its parent
        return False
