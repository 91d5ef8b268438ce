"""The microphone of a webcam is the sound card that is part of the same USB device."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.microphones import devices
from twistedcam.microphones.devices import list_microphones, microphone_of


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders as in /sys: a webcam with a microphone, one without, and a sound card."""
    sound, video = tmp_path / "sound", tmp_path / "video"
    sound.mkdir()
    video.mkdir()
    for port in ("1-2", "1-3"):
        for interface in ("1.0", "1.2"):
            (tmp_path / "usb1" / port / f"{port}:{interface}").mkdir(parents=True)
        (tmp_path / "usb1" / port / "devpath").write_text(port[2:])
    (tmp_path / "usb1/1-2/product").write_text("HD Pro Webcam C920\n")
    (tmp_path / "pci").mkdir()
    for number, port in ((0, "1-3"), (2, "1-2")):
        (video / f"video{number}").mkdir()
        (video / f"video{number}" / "device").symlink_to(tmp_path / f"usb1/{port}/{port}:1.0")
    for number, id, part in ((0, "PCH", "pci"), (1, "C920", "usb1/1-2/1-2:1.2")):
        card = sound / f"card{number}"
        card.mkdir()
        (card / "id").write_text(f"{id}\n")
        (card / "device").symlink_to(tmp_path / part)
        (sound / f"pcmC{number}D0c").mkdir()
    (sound / "pcmC0D3p").mkdir()
    monkeypatch.setattr(devices, "_SOUND", str(sound))
    monkeypatch.setattr(devices, "_VIDEO", str(video))
    return tmp_path


def test_all_microphones_are_listed(system: Path) -> None:
    found = list_microphones()
    assert [each.source for each in found] == [
        "alsa:plughw:CARD=PCH,DEV=0",
        "alsa:plughw:CARD=C920,DEV=0",
    ]
    assert found[1].name == "HD Pro Webcam C920"
    assert found[1].path == "/dev/snd/pcmC1D0c"


def test_a_webcam_has_its_own_microphone(system: Path) -> None:
    found = microphone_of("/dev/video2")
    assert found is not None and found.source == "alsa:plughw:CARD=C920,DEV=0"
    assert microphone_of("/dev/video0") is None, "a webcam without one"
    assert microphone_of("/dev/video7") is None, "no such device"


def test_without_alsa_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_SOUND", "/nowhere")
    assert list_microphones() == []
