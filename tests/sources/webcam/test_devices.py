"""The webcams of a machine whose /sys and /dev are folders of the test."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from twistedcam.errors import CameraFailed
from twistedcam.sources.webcam import devices
from twistedcam.sources.webcam.devices import Holder, InUse, explain, explain_silent

NAME = "USB Webcam: HD"


class Machine:
    """Folders in place of /sys/class/video4linux, /sys/devices and /dev/v4l."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.system = folder / "class"
        self.paths: list[str] = []

    def add_usb(self, number: int, port: str, serial: str = "", name: str = NAME) -> None:
        """Add a device of the camera at that USB port."""
        hardware = self.folder / f"devices/pci0000:00/0000:00:14.0/usb1/1-{port}"
        (hardware / f"1-{port}:1.0").mkdir(parents=True, exist_ok=True)
        (hardware / "devpath").write_text(f"{port}\n")
        if serial:
            (hardware / "serial").write_text(f"{serial}\n")
        self._add(number, hardware / f"1-{port}:1.0", name)

    def add_platform(self, number: int, device: str) -> None:
        """Add a device that is part of the board."""
        hardware = self.folder / f"devices/platform/{device}"
        hardware.mkdir(parents=True, exist_ok=True)
        self._add(number, hardware, device)

    def _add(self, number: int, interface: Path, name: str) -> None:
        node = self.system / f"video{number}"
        node.mkdir(parents=True)
        (node / "name").write_text(f"{name}\n")
        (node / "device").symlink_to(interface)
        self.paths.append(f"/dev/video{number}")

    def link(self, folder: str, name: str, number: int) -> None:
        """Add a stable path of a device."""
        (self.folder / folder).mkdir(exist_ok=True)
        (self.folder / folder / name).symlink_to(f"/dev/video{number}")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(devices, "_SYSTEM", str(machine.system))
    monkeypatch.setattr(devices, "_STABLE", (f"{tmp_path}/by-id", f"{tmp_path}/by-path"))
    monkeypatch.setattr(devices, "device_paths", lambda: machine.paths)
    return machine


def found(**wanted: str) -> list[str]:
    """Return the paths of the cameras that are found."""
    return [each.path for each in devices.find_devices(**wanted)]


def test_devices_are_sorted_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["video10", "null", "video2", "video", "video0", "xvideo1", "video1x"]
    monkeypatch.setattr("twistedcam.sources.webcam.devices.os.listdir", lambda _: names)
    assert devices.device_paths() == ["/dev/video0", "/dev/video2", "/dev/video10"]


def test_the_devices_of_a_usb_camera_are_one_camera(machine: Machine) -> None:
    for number, port in ((0, "2"), (1, "2"), (2, "3.1")):  # two of one camera, one at a hub
        machine.add_usb(number, port, "SN0001")
    assert len(devices.list_devices()) == 3
    cameras = devices.find_devices(name="webcam")
    assert [(each.path, each.serial, each.port) for each in cameras] == [
        ("/dev/video0", "SN0001", "usb-0000:00:14.0-2"),
        ("/dev/video2", "SN0001", "usb-0000:00:14.0-3.1"),
    ]
    assert devices.find_devices(serial="SN0001") == cameras
    assert devices.find_devices(port="usb-0000:00:14.0-3.1") == cameras[1:]
    assert devices.find_devices(name="14.0-3.1") == cameras[1:]


def test_a_device_of_the_board_has_no_port_and_no_serial_number(machine: Machine) -> None:
    machine.add_platform(0, "isp")
    machine.add_platform(1, "codec")
    cameras = devices.find_devices()
    assert [(each.name, each.serial, each.port) for each in cameras] == [
        ("isp", "", ""),
        ("codec", "", ""),
    ]


def test_a_stable_path_is_by_the_camera_before_by_its_port(machine: Machine) -> None:
    for number in (0, 1):
        machine.add_usb(number, str(number))
    for number in (0, 1):
        machine.link("by-path", f"pci-usb-{number}-video-index0", number)
    machine.link("by-id", "usb-Maker_HD_Cam_SN_7-video-index0", 0)
    stable = [each.stable for each in devices.list_devices()]
    assert stable == [
        f"{machine.folder}/by-id/usb-Maker_HD_Cam_SN_7-video-index0",
        f"{machine.folder}/by-path/pci-usb-1-video-index0",
    ]
    assert found(name="maker hd cam") == found(name="Maker_HD") == ["/dev/video0"]
    assert found(serial="SN 7") == ["/dev/video0"]  # udev replaces the space
    assert found(serial="SN") == found(serial="7-video") == []


def test_the_serial_number_is_read_from_the_stable_path_without_sys(machine: Machine) -> None:
    machine.paths = ["/dev/video0"]
    machine.link("by-id", "usb-Maker_Cam_SN7-video-index0", 0)
    (device,) = devices.list_devices()
    assert (device.name, device.serial, device.hardware) == ("/dev/video0", "SN7", "/dev/video0")


def test_all_that_is_wanted_must_match(machine: Machine) -> None:
    machine.add_usb(0, "1", "A", "Front")
    machine.add_usb(1, "2", "A", "Back")
    assert found() == found(serial="A") == ["/dev/video0", "/dev/video1"]
    assert found(name="BACK", serial="A") == ["/dev/video1"]
    assert found(name="back", port="usb-0000:00:14.0-1") == []


def test_the_processes_that_have_a_device_open_are_listed(tmp_path: Path) -> None:
    path, link = tmp_path / "video0", tmp_path / "stable"
    path.touch()
    link.symlink_to(path)
    assert devices.holders(str(path)) == []
    with path.open() as file:
        holders = devices.holders(str(link))
        name = Path("/proc/self/comm").read_text().strip()
        assert holders == [Holder(os.getpid(), name, f"/proc/{os.getpid()}/fd/{file.fileno()}")]


def test_an_error_lists_the_processes_that_use_a_device() -> None:
    others = [Holder(7, "ffmpeg", "/proc/7/fd/3"), Holder(7, "ffmpeg", "/proc/7/fd/4")]
    error = InUse("/dev/video0", [*others, Holder(8, "mpv", "/proc/8/fd/3")])
    assert str(error) == (
        "/dev/video0 is in use by ffmpeg (process 7), mpv (process 8)"  # each once
    )
    assert error.holder == others[0]
    own = InUse("/dev/video0", [Holder(os.getpid(), "python", "")])
    assert "by this server" in str(own)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENODEV, "is it plugged in"),
        (errno.ENOENT, "is it plugged in"),
        (errno.EPERM, "add the user to the group 'video'"),
        (errno.EACCES, "add the user to the group 'video'"),
        (errno.ENOTTY, "V4L2"),
        (errno.EINVAL, "V4L2"),
        (errno.ENOSPC, "the USB bus has no bandwidth left"),
        (errno.EBUSY, "in use by another program, which this user may not see"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_system_error_is_explained_with_what_to_do(code: int, message: str) -> None:
    error = explain("/dev/no-video", OSError(code, os.strerror(code)))
    assert message in str(error) and "/dev/no-video" in str(error)
    assert isinstance(error, InUse) == (code == errno.EBUSY)


def test_a_device_that_opencv_cannot_open_may_be_in_use(tmp_path: Path) -> None:
    path = tmp_path / "video0"
    path.touch()
    error = explain_silent(str(path))
    assert type(error) is CameraFailed and str(path) in str(error)
    with path.open():
        assert isinstance(explain_silent(str(path)), InUse)
