"""Where a camera's sound comes from, by its settings."""

from __future__ import annotations

import pytest

from twistedcam.errors import BadArgument
from twistedcam.sources.sound_settings import SoundSettings
from twistedcam.sources.spec import parse


def settings(text: str) -> SoundSettings:
    return SoundSettings.from_spec(parse(text))


@pytest.mark.parametrize("source", ["webcam:0", "auto:", "pattern:", "folder:/tmp"])
def test_a_microphone_is_off_unless_it_is_asked_for(source: str) -> None:
    assert settings(source).is_off


@pytest.mark.parametrize(
    "source", ["rtsp://door/1", "file:clip.mp4", "push:", "http://door/", "twistedcam://other/door"]
)
def test_the_sound_of_other_cameras_is_on(source: str) -> None:
    assert settings(source) == SoundSettings(takes_own=True, microphone=None)
    assert settings(f"{source}{'#' if '//' in source else '?'}audio=off").is_off


def test_auto_is_the_microphone_of_a_webcam_and_the_sound_of_others() -> None:
    assert settings("webcam:0?audio=auto") == SoundSettings(False, "auto")
    assert settings("rtsp://door/1#audio=auto") == SoundSettings(True, None)
    with pytest.raises(BadArgument, match="name a microphone, such as alsa:default"):
        settings("pattern:?audio=auto")


def test_a_microphone_takes_the_place_of_a_camera_s_own_sound() -> None:
    assert settings("rtsp://door/1#audio=alsa:hw:1,0") == SoundSettings(False, "alsa:hw:1,0")
    assert settings("pattern:?audio=pulse:cam.monitor").microphone == "pulse:cam.monitor"


def test_offset_and_muted_are_read() -> None:
    found = settings("webcam:0?audio_offset_ms=-120.5&muted=1")
    assert (found.offset_ms, found.is_muted) == (-120.5, True)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("audio=loud", "audio='loud' is not valid: write auto, off, alsa:default or alsa:NAME"),
        ("audio=alsa:", "audio='alsa:' is not valid"),
        ("audio=alsa:a%00b", "is not valid"),
        ("audio=alsa:file:/tmp/x,raw", "is not valid"),
        ("audio=alsa:plug:SLAVE=file:x", "is not valid"),
        ("audio=alsa:tee:default", "is not valid"),
        ("audio=alsa:x'|touch%20y'", "is not valid"),
        ("audio=alsa:{type%20null}", "is not valid"),
        ("audio=pulse:a%0Ab", "is not valid"),
        ("audio_offset_ms=x", "audio_offset_ms='x' is not valid: it is a number of milliseconds"),
        ("audio_offset_ms=10001", "from -10000 to 10000"),
        ("muted=yes", "muted='yes' is not valid: it is 0 or 1"),
    ],
)
def test_bad_settings_are_refused(setting: str, said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        settings(f"webcam:0?{setting}")
