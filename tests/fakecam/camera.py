"""The fake machine that programs are started in, and its cameras."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

from tests.fakecam.build import build, cache_directory
from tests.fakecam.frames import (
    encode_h264,
    encode_jpeg,
    encode_yuyv,
    jpeg_size,
    moving_picture,
    read_album,
    write_album,
)

State = Literal["ok", "stalled", "busy", "hung", "unplugged", "taken", "denied", "crowded"]
Corruption = Literal["truncated", "noeoi", "nohuffman", "garbage", "wrongsize"]

#: The controls, in the order in which the library keeps their values.
CONTROLS: Final = (
    "brightness",
    "contrast",
    "saturation",
    "white_balance_automatic",
    "gain",
    "power_line_frequency",
    "white_balance_temperature",
    "auto_exposure",
    "exposure_time_absolute",
    "focus_absolute",
    "focus_automatic_continuous",
    "zoom_absolute",
    "privacy",
)


@dataclass(frozen=True)
class Format:
    """One size that a camera offers in one format.

    fourcc: ``MJPG``, ``YUYV`` or ``H264``; rates: frames per second, the first is the default;
    frames: the bytes of each frame, an album, or None for a moving picture (60 frames; YUYV: 15),
    made once and kept.
    """

    fourcc: str = "MJPG"
    width: int = 1280
    height: int = 720
    rates: Sequence[int | Fraction] = (30, 15)
    frames: Sequence[bytes] | Path | None = field(default=None, repr=False)

    def album(self, folder: Path) -> Path:
        """The file of this format's frames, made in `folder` when they are given as bytes."""
        if isinstance(self.frames, Path):
            return self.frames.absolute()
        name = f"{self.fourcc}-{self.width}x{self.height}"
        if self.frames is not None:
            write_album(folder / name, self.frames)
            return folder / name
        path = cache_directory() / f"{name}-v1"
        if not path.exists():
            pictures = moving_picture(self.width, self.height, 15 if self.fourcc == "YUYV" else 60)
            if self.fourcc == "H264":
                write_album(path, encode_h264(pictures))
            else:
                encode = encode_yuyv if self.fourcc == "YUYV" else encode_jpeg
                write_album(path, map(encode, pictures))
        return path

    def line(self, album: Path) -> str:
        """This format in the words of the model file."""
        rates = ",".join("{}/{}".format(*Fraction(r).as_integer_ratio()) for r in self.rates)
        return f"mode {self.fourcc} {self.width} {self.height} {rates} {album}\n"


#: What a common webcam offers: MJPEG at all sizes, raw where the bus has room for it.
DEFAULT_FORMATS: Final = (
    Format("MJPG", 1280, 720),
    Format("MJPG", 640, 480),
    Format("YUYV", 640, 480),
    Format("YUYV", 1280, 720, rates=(10, 5)),
)


class Delivered(NamedTuple):
    """A frame that reached a program: the driver's `sequence`, the `frame`'s index in the album,
    `time` of capture in nanoseconds of CLOCK_MONOTONIC. `sequence` 0 begins a stream."""

    sequence: int
    frame: int
    time: int


class FakeBus:
    """A machine with any number of fake cameras; programs started with `env` see these alone.

    directory: where its files go (and stay); None: a temporary folder that goes with it.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._temporary = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="fakecam-")).resolve()
        for folder in ("dev/v4l/by-id", "sys/class/video4linux", "sys/dev/char"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        preload = [str(build()), os.environ.get("LD_PRELOAD", "")]
        self.variables = {
            "LD_PRELOAD": ":".join(filter(None, preload)),
            "FAKECAM": str(self.directory),
        }
        self._cameras: list[FakeCam] = []

    @property
    def env(self) -> dict[str, str]:
        """The environment for programs that shall see the cameras (`variables`: what it adds)."""
        return {**os.environ, **self.variables}

    def plug(
        self,
        formats: Sequence[Format] = DEFAULT_FORMATS,
        *,
        number: int = 0,
        name: str = "Fake Webcam",
        serial: str | None = None,
        stamp: bool = False,
    ) -> FakeCam:
        """A further camera, plugged in as /dev/video`number`."""
        camera = FakeCam(formats, number=number, name=name, serial=serial, stamp=stamp, bus=self)
        camera.replug()
        return camera

    def adopt(self, camera: FakeCam) -> None:
        """Take note of a camera that is to be unplugged at the end."""
        self._cameras.append(camera)

    def close(self) -> None:
        """Unplug all cameras (a program that hangs in one gets ENODEV) and remove the files."""
        for camera in self._cameras:
            camera.unplug()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FakeCam:
    """One camera; as a context manager it brings its own bus and is plugged in from the start.

    formats: what it offers, the first being the default. frames: shorthand for one MJPEG format
    with these JPEGs, at `fps`. stamp: each JPEG carries its sequence and capture time (see
    `stamp_of`).

    Every method takes effect within 50 ms in programs that have the camera open.
    """

    def __init__(
        self,
        formats: Sequence[Format] = DEFAULT_FORMATS,
        *,
        frames: Sequence[bytes] | None = None,
        fps: int | Fraction = 30,
        number: int = 0,
        name: str = "Fake Webcam",
        serial: str | None = None,
        stamp: bool = False,
        bus: FakeBus | None = None,
    ) -> None:
        if frames is not None:
            formats = (Format("MJPG", *jpeg_size(frames[0]), (fps,), frames),)
        self._own_bus = bus is None
        self.bus = bus if bus is not None else FakeBus()
        self.bus.adopt(self)
        self.formats = tuple(formats)
        self.number = number
        self.name = name
        self.serial = serial or f"{number + 1:04d}"
        self.by_id = f"/dev/v4l/by-id/usb-{name.replace(' ', '_')}_{self.serial}-video-index0"
        self._words: dict[str, str] = {}
        self._state: State = "unplugged"
        folder = self.bus.directory / "cameras" / self.serial
        folder.mkdir(parents=True, exist_ok=True)
        self._journal = folder / "journal"
        self._journal.unlink(missing_ok=True)
        self._albums = [fmt.album(folder) for fmt in self.formats]
        lines = [fmt.line(album) for fmt, album in zip(self.formats, self._albums, strict=True)]
        self._model = (
            f"card {name}\nbus usb-fake-{self.serial}\nstamp {int(stamp)}\n"
            f"journal {self._journal}\n{''.join(lines)}"
        )

    @property
    def env(self) -> dict[str, str]:
        """The environment for programs that shall see this camera (and the bus's others)."""
        return self.bus.env

    @property
    def path(self) -> str:
        """The device as programs see it."""
        return f"/dev/video{self.number}"

    @property
    def control_file(self) -> Path:
        """Holds the camera's mood: what the methods write there can be written by hand, too."""
        return self.bus.directory / "dev" / f"video{self.number}"

    @property
    def _system(self) -> Path:
        return self.bus.directory / "sys/class/video4linux" / f"video{self.number}"

    @property
    def _link(self) -> Path:
        return self.bus.directory / self.by_id[1:]

    @property
    def _device_link(self) -> Path:
        return self.bus.directory / "sys/dev/char" / f"81:{self.number}"

    def replug(self, number: int | None = None) -> None:
        """In again, as /dev/video`number` if given; its controls are back at their defaults.

        Programs that had it open before have to open it again."""
        if self._state != "unplugged":
            self.unplug()
        self.number = self.number if number is None else number
        self._system.mkdir(parents=True)
        (self._system / "name").write_text(f"{self.name}\n")
        (self._system / "index").write_text("0\n")
        (self._system / "dev").write_text(f"81:{self.number}\n")
        (self._system / "uevent").write_text(
            f"MAJOR=81\nMINOR={self.number}\nDEVNAME=video{self.number}\n"
        )
        (self._system / "model").write_text(self._model)
        self._state = "ok"
        fresh = self.control_file.with_name(f".video{self.number}")
        fresh.write_text(self._mood())
        fresh.replace(self.control_file)
        self._link.symlink_to(f"../../video{self.number}")
        self._device_link.symlink_to(f"../../class/video4linux/video{self.number}")

    def unplug(self) -> None:
        """Out: open programs get ENODEV and a hang-up, its names are gone."""
        if self._state == "unplugged":
            return
        self._become("unplugged")
        self._link.unlink(missing_ok=True)
        self._device_link.unlink(missing_ok=True)
        self.control_file.unlink(missing_ok=True)
        shutil.rmtree(self._system, ignore_errors=True)

    def ok(self) -> None:
        """Plugged in and well: pictures flow, unspoiled, at the granted rate."""
        self._words.clear()
        self._become("ok")

    def stall(self) -> None:
        """No picture comes any more; the driver answers as before."""
        self._become("stalled")

    def busy(self) -> None:
        """Another program has the stream: S_FMT, S_PARM, REQBUFS and STREAMON give EBUSY."""
        self._become("busy")

    def taken(self) -> None:
        """Another program has the device for itself: open gives EBUSY."""
        self._become("taken")

    def deny(self) -> None:
        """open gives EACCES, for root, too."""
        self._become("denied")

    def crowd(self) -> None:
        """The USB bus has no bandwidth left: STREAMON gives ENOSPC."""
        self._become("crowded")

    def hang(self) -> None:
        """open, ioctl and close do not return, and let no signal but SIGKILL in, until changed."""
        self._become("hung")

    def rate(self, fps: float | None) -> None:
        """Another pace than the granted one (None: the granted one), at once."""
        self._word("rate", None if fps is None else str(float(fps)))

    def corrupt(self, kind: Corruption | None, every: int = 1) -> None:
        """Spoil each frame whose sequence is divisible by `every`; None: no longer.

        truncated: the second half is missing; noeoi: the end marker is; nohuffman: the Huffman
        tables are; garbage: random bytes; wrongsize: the header speaks of half the width and
        height."""
        self._words["every"] = str(every)
        self._word("corrupt", kind)

    def delivered(self) -> list[Delivered]:
        """Every frame that a program got so far, in order, over all streams."""
        try:
            lines = self._journal.read_text().split("\n")[:-1]
        except FileNotFoundError:
            return []
        return [Delivered(*map(int, line.split())) for line in lines]

    def frames(self, index: int = 0) -> list[bytes]:
        """The frames of format `index` as the camera hands them out, unstamped."""
        return read_album(self._albums[index])

    def controls(self) -> dict[str, int]:
        """The controls' present values, by name; empty before a program has opened the camera."""
        try:
            data = (self._system / "controls").read_bytes()
        except FileNotFoundError:
            return {}
        return dict(zip(CONTROLS, struct.unpack(f"={len(CONTROLS)}i", data), strict=True))

    def _word(self, key: str, value: str | None) -> None:
        self._words.pop(key, None)
        if value is not None:
            self._words[key] = value
        self._become(self._state)

    def _become(self, state: State) -> None:
        if self._state == "unplugged":
            return  # the words wait for replug()
        self._state = state
        fd = os.open(self.control_file, os.O_WRONLY)
        try:
            os.pwrite(fd, self._mood().encode(), 0)
        finally:
            os.close(fd)

    def _mood(self) -> str:
        # Of one length, so that a change is one write and no reader sees an empty file.
        words = [self._state, *(f"{key}={value}" for key, value in self._words.items())]
        return " ".join(words).ljust(200) + "\n"

    def __enter__(self) -> Self:
        self.replug()
        return self

    def __exit__(self, *exc: object) -> None:
        self.unplug()
        if self._own_bus:
            self.bus.close()
