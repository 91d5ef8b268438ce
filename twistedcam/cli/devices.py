"""``twistedcam devices``: lists cameras and microphones of this machine, or network cameras."""

from __future__ import annotations

import argparse
import json
from typing import Any

from twistedcam.errors import CameraFailed
from twistedcam.microphones.devices import list_microphones, microphone_of
from twistedcam.sources.picamera.devices import list_pi_cameras
from twistedcam.sources.webcam.devices import LINUX, holders, list_devices
from twistedcam.sources.webcam.v4l2 import Driver, Mode

EXAMPLE = "Example: twistedcam serve --camera webcam:/dev/v4l/by-id/usb-…-video-index0"
#: Device numbers that are tried on systems without a list of devices.
_TRIED = 5
#: The largest pictures that the encoder of a Raspberry Pi 4 takes.
MAX_H264 = (1920, 1080)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``devices``."""
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--network",
        action="store_true",
        help="instead: twistedcam servers and ONVIF cameras that answer in the local network",
    )
    parser.epilog = EXAMPLE


def run(arguments: argparse.Namespace) -> int:
    """List the cameras and microphones.

    Raises:
        CameraFailed: neither a camera nor a microphone was found.
    """
    if arguments.network:
        # It needs libraries that the list of webcams does not.
        from twistedcam.cli import network_devices

        return network_devices.run(arguments)
    found = [*list_webcams(), *list_picameras(), *list_sound()] if LINUX else _by_trying()
    if arguments.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    if not found:
        raise CameraFailed("no webcam and no microphone was found: is one plugged in?")
    print("\n\n".join(_show(device) for device in found))
    return 0


def list_webcams() -> list[dict[str, Any]]:
    """Return each capture device, and each device that cannot be queried, with the reason."""
    found = []
    for device in list_devices():
        microphone = microphone_of(device.path)
        item: dict[str, Any] = {
            "kind": "webcam",
            "device": device.name,
            "path": device.path,
            "stable": device.stable,
            "serial": device.serial or None,
            "port": device.port or None,
            "source": f"webcam:{device.stable or device.path}",
            "formats": [],
            "in_use_by": [f"{each.name} (process {each.pid})" for each in holders(device.path)],
            "problem": None,
            "microphone": microphone.source if microphone else None,
        }
        try:
            with Driver(device.path) as driver:
                if driver.no_camera():
                    continue  # for example the metadata node of a camera
                item["port"] = item["port"] or driver.bus() or None
                item["formats"] = [_mode(mode) for mode in driver.modes()]
        except OSError as error:
            item["problem"] = error.strerror
        found.append(item)
    return found


def list_sound() -> list[dict[str, Any]]:
    """Return each microphone; its ``source`` is for the setting ``audio`` of a camera."""
    return [
        {
            "kind": "microphone",
            "device": each.name,
            "path": each.path,
            "stable": None,
            "serial": None,
            "port": None,
            "source": each.source,
            "formats": [],
            "in_use_by": [f"{held.name} (process {held.pid})" for held in holders(each.path)],
            "problem": None,
        }
        for each in list_microphones()
    ]


def list_picameras() -> list[dict[str, Any]]:
    """Return each Raspberry Pi camera, or the problem that hides them."""
    found = list_pi_cameras()
    empty: dict[str, Any] = {
        "stable": None,
        "serial": None,
        "port": None,
        "in_use_by": [],
        "microphone": None,
    }
    items = [
        {
            **empty,
            "kind": "picamera",
            "device": f"Raspberry Pi camera {each.model}",
            "path": each.id,
            "source": f"picamera:{each.number}",
            "formats": [
                {"format": format, "width": width, "height": height, "fps": [rate]}
                for (width, height), rate in each.modes
                for format in ("MJPG", "H264")
                if format == "MJPG" or (width <= MAX_H264[0] and height <= MAX_H264[1])
            ],
            "problem": each.problem or None,
        }
        for each in found.cameras
    ]
    if found.problem:
        name = "Raspberry Pi cameras"
        about = {"kind": "picamera", "device": name, "path": "", "source": "picamera:0"}
        items.append({**empty, **about, "formats": [], "problem": found.problem})
    return items


def _mode(mode: Mode) -> dict[str, Any]:
    rates = [round(rate, 3) for rate in mode.rates]
    return {"format": mode.format, "width": mode.width, "height": mode.height, "fps": rates}


def _by_trying() -> list[dict[str, Any]]:
    """Return the devices of the first numbers that can be opened."""
    from twistedcam.sources.webcam.source import WebcamSource

    found = []
    for number in range(_TRIED):
        source = WebcamSource(number)
        try:
            granted = source.open()
        except CameraFailed:
            continue
        finally:
            source.close()
        mode = Mode(granted.format, granted.width, granted.height, (granted.fps,))
        found.append(
            {
                "kind": "webcam",
                "device": f"camera {number}",
                "path": str(number),
                "stable": None,
                "serial": None,
                "port": None,
                "source": f"webcam:{number}",
                "formats": [_mode(mode)],
                "in_use_by": [],
                "problem": None,
            }
        )
    return found


def _show(device: dict[str, Any]) -> str:
    word = "audio" if device["kind"] == "microphone" else "source"
    lines = [f"{device['device']}  {device['path']}", f"  {word:<8} {device['source']}"]
    for key, word in (("serial", "serial"), ("port", "port"), ("microphone", "audio")):
        if device.get(key):
            lines.append(f"  {word:<8} {device[key]}")
    if device["in_use_by"]:
        lines.append(f"  in use   by {', '.join(device['in_use_by'])}")
    if device["problem"]:
        lines.append(f"  problem  {device['problem']}")
    for mode in device["formats"]:
        rates = ", ".join(f"{rate:g}" for rate in mode["fps"])
        lines.append(
            f"  {mode['format']:<8} {mode['width']}x{mode['height']} at {rates or '?'} fps"
        )
    return "\n".join(lines)
