"""The microphones of this machine (Linux), and which of them belongs to a webcam."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_SOUND = "/sys/class/sound"
_VIDEO = "/sys/class/video4linux"
_CAPTURE = re.compile(r"pcmC(\d+)D(\d+)c")


@dataclass(frozen=True)
class MicrophoneDevice:
    """A microphone.

    Arguments:
        name: its own name.
        source: the text of the setting ``audio`` for it, such as ``alsa:plughw:CARD=C920,DEV=0``.
        hardware: the folder of the USB device or the card in ``/sys``; a webcam has the same.
        path: the path of its device's file.
    """

    name: str
    source: str
    hardware: str
    path: str


def list_microphones() -> list[MicrophoneDevice]:
    """Return the devices that capture sound; none where there is no ALSA."""
    try:
        names = os.listdir(_SOUND)
    except OSError:
        return []
    found = sorted(
        (int(match[1]), int(match[2])) for name in names if (match := _CAPTURE.fullmatch(name))
    )
    return [_device(card, device) for card, device in found]


def microphone_of(video: str) -> MicrophoneDevice | None:
    """Return the microphone that is part of a webcam; None if it has none.

    Arguments:
        video: the path of the webcam's device, such as ``/dev/video0``.
    """
    name = os.path.basename(os.path.realpath(video))
    hardware = _hardware(f"{_VIDEO}/{name}")
    if hardware is None:
        return None
    return next((each for each in list_microphones() if each.hardware == hardware), None)


def _device(card: int, device: int) -> MicrophoneDevice:
    folder = f"{_SOUND}/card{card}"
    id = _text(f"{folder}/id") or str(card)
    hardware = _hardware(folder) or os.path.realpath(folder)
    name = _text(f"{hardware}/product") or _text(
        f"/proc/asound/card{card}/pcm{device}c/info", "name"
    )
    source = f"alsa:plughw:CARD={id},DEV={device}"
    return MicrophoneDevice(name or id, source, hardware, f"/dev/snd/pcmC{card}D{device}c")


def _hardware(folder: str) -> str | None:
    """Return the folder of the USB device that a part belongs to, else that of its own device."""
    part = os.path.realpath(f"{folder}/device")
    if not os.path.isdir(part):
        return None
    above = os.path.dirname(part)  # a part of a USB device is one of its interfaces
    return above if os.path.exists(f"{above}/devpath") else part


def _text(path: str, key: str = "") -> str:
    """Return the text of a file; with a key the value of its line ``key: value``."""
    try:
        text = Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""
    if not key:
        return text
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for name, _, value in lines if name == key), "")
