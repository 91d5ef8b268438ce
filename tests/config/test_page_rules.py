"""The changes of a configuration that a page may make, and those that it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.config.options import OPTIONS
from twistedcam.config.page_rules import OPEN_OPTIONS, check_change
from twistedcam.config.toml_file import FILE_OPTIONS, Tables, read_config
from twistedcam.errors import Forbidden
from twistedcam.sources.spec import parse
from twistedcam.util.schema import settings_of

BEFORE = """
tokens = "tokens.toml"
http = "8080"
recordings = "{folder}/recordings"
[camera.door]
source = "webcam:0"
audio = "alsa:plughw:CARD=cam"
process = "twistedcam.examples.motion:motion"
[camera.film]
source = "file:/srv/film.mp4"
publish = "hls:/srv/www"
[camera.far]
source = "twistedcams://192.0.2.1/x?cafile=/etc/ca.pem"
[[hook]]
on = "recording:finished"
run = ["/usr/local/bin/upload"]
"""


class File:
    """A configuration and its changes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "cam.toml"
        self.text = BEFORE.format(folder=folder)
        self.path.write_text(self.text)
        self.before = read_config(self.path)

    def check(self, old: str, new: str) -> None:
        """Check the change of a part of the text, or the text with more at its end."""
        assert old in self.text
        text = self.text.replace(old, new) if old else self.text + new
        recordings = self.path.parent / "recordings"
        check_change(self.before, read_config(self.path, text), recordings)


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", '[camera.new]\nsource = "rtsp://user:secret@192.0.2.7/stream"\nfps = 5\n'),
        ("", '[camera.new]\nsource = "webcam:/dev/v4l/by-id/usb-cam-index0"\naudio = "auto"\n'),
        ("", '[camera.new]\nsource = "file:{folder}/recordings/x.mp4"\n'),
        ("", '[camera.new]\nsource = "pattern:"\npublish = "rtmp://192.0.2.1/live/key"\n'),
        ("", '[video]\nsubstream = "off"\n[camera.door.video]\nsubstream = "auto"\n'),
        ("", '[camera.door.video]\nsubstream = "rtsp://192.0.2.7/small"\n'),
        ("", '[camera.door.motion]\nsensitivity = 70\n[recording]\nkeep = "5GB"\n'),
        ('source = "webcam:0"', 'source = "webcam:0"\nsize = "1280x720"\ntitle = "Door"'),
        ('tokens = "tokens.toml"', 'tokens = "tokens.toml"\nlog-level = "warn"\nstopped = true'),
        ('process = "twistedcam.examples.motion:motion"\n', ""),
        ('publish = "hls:/srv/www"', 'publish = "hls:{folder}/recordings/www"'),
    ],
)
def test_cameras_and_their_settings_may_change(file: File, old: str, new: str) -> None:
    file.check(old, new.replace("{folder}", str(file.path.parent)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", '[camera.new]\nsource = "file:/etc/passwd"\n', "may only use files in"),
        ("", '[camera.new]\nsource = "folder:{folder}/recordings/../x"\n', "only use files in"),
        ("", '[camera.new]\nsource = "folder:{folder}/recordings/.twistedcam"\n', "files in"),
        ("", '[camera.new]\nsource = "file:%2Fetc/passwd"\n', "may only use files in"),
        ("", '[camera.new]\nsource = "ffmpeg:/etc/passwd"\n', "of the kind ffmpeg:"),
        ("", '[camera.new]\nsource = "twistedcam+unix:/run/x"\n', "of the kind twistedcam"),
        ("", '[camera.new]\nsource = "webcam:/dev/../etc/x"\n', "is no webcam"),
        ("", '[camera.new]\nsource = "webcam:/dev/v4l/by-id/.."\n', "is no webcam"),
        ("", '[camera.new]\nsource = "webcam:0"\naudio = "alsa:tee:hw,\'|rm\',raw"\n', "audio="),
        ("", '[camera.new]\nsource = "twistedcams://h/x?%63afile=/etc/passwd"\n', "'cafile'"),
        ("", '[camera.door.motion]\nsource = "file:/etc/passwd"\n', "may only use files in"),
        ("", '[camera.door.video]\nsubstream = "file:/etc/passwd"\n', "may only use files in"),
        ("", '[video]\nsubstream = "ffmpeg:/etc/passwd"\n', "of the kind ffmpeg:"),
        ("", '[camera.new]\nsource = "pattern:"\npublish = "hls:/srv/other"\n', "use folders in"),
        ("", '[recording]\nrequire_mount = "/mnt/x"\n', "'require_mount'"),
        ("", '[[hook]]\non = "recording:finished"\nurl = "http://192.0.2.1/"\n', "'hook'"),
        ('["/usr/local/bin/upload"]', '["/bin/sh", "-c", "x"]', "'hook'"),
        ("motion:motion", "counter:count", "'process'"),
        ('source = "webcam:0"', 'source = "webcam:0"\naudio_offset_ms = 1\nkey = "/x"', "key"),
        ('tokens = "tokens.toml"', "insecure = true", "'tokens'|'insecure'"),
        ('tokens = "tokens.toml"', 'tokens = "/tmp/mine.toml"', "'tokens'"),
        ('http = "8080"', 'http = "0.0.0.0:8080"', "'http'"),
        ("{folder}/recordings", "/etc", "'recordings'"),
        ('http = "8080"', 'http = "8080"\nlog = "/etc/cron.d/x"', "'log'"),
        ('http = "8080"', 'http = "8080"\nprocess = "door=os:system"', "'process'"),
        ('http = "8080"', 'http = "8080"\nhttp-cors-control = "http://evil.example"', "cors"),
        ('http = "8080"', 'http = "8080"\ntrusted-proxies = "192.0.2.0/24"', "'trusted-proxies'"),
        ('http = "8080"', 'http = "8080"\nmqtt = "mqtt://192.0.2.1"', "'mqtt'"),
    ],
)
def test_programs_paths_and_ports_may_not_change(file: File, old: str, new: str, said: str) -> None:
    folder = str(file.path.parent)
    with pytest.raises(Exception, match=said) as found:
        file.check(old.replace("{folder}", folder), new.replace("{folder}", folder))
    assert isinstance(found.value, Forbidden) or "key" in said


#: A value of each option that the page may not change, which differs from its default.
OTHERS = {
    "process": '"door=os:system"',
    "process-in": '"thread"',
    **dict.fromkeys(("listen", "control", "http", "rtsp"), '"0.0.0.0:9000"'),
    **dict.fromkeys(("no-listen", "no-control", "no-http", "no-rtsp"), "true"),
    "recordings": '"/etc"',
    "http-name": '"evil.example"',
    "http-cors": '"*"',
    "http-cors-control": '"http://evil.example"',
    "trusted-proxies": '"192.0.2.0/24"',
    "tokens": '"/tmp/mine.toml"',
    "no-token-in-url": "true",
    "insecure": "true",
    "push-private": "true",
    "mqtt": '"mqtt://evil.example"',
    "log": '"/etc/cron.d/x"',
}


def test_every_option_is_open_or_tested_here_to_be_closed(tmp_path: Path) -> None:
    path = tmp_path / "cam.toml"
    before = read_config(path, "")
    closed = [key for key, each in FILE_OPTIONS.items() if each.name not in OPEN_OPTIONS]
    assert sorted(closed) == sorted(OTHERS)
    assert settings_of(Tables).keys() == {"camera", "recording", "motion", "video", "hook"}
    for key, value in OTHERS.items():
        with pytest.raises(Forbidden, match=f"'{key}'"):
            check_change(before, read_config(path, f"{key} = {value}"), tmp_path)
        if key != "process":  # which may be removed
            with pytest.raises(Forbidden, match=f"'{key}'"):
                check_change(read_config(path, f"{key} = {value}"), before, tmp_path)
    assert {each.name for each in OPTIONS.values()} >= OPEN_OPTIONS


def test_what_the_command_line_has_may_be_written_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cam.toml"
    after = read_config(path, '[camera.film]\nsource = "file:/srv/film.mp4"\n')
    check_change(read_config(path, ""), after, tmp_path, [parse("file:/srv/film.mp4")])
    with pytest.raises(Forbidden):
        check_change(read_config(path, ""), after, tmp_path, [parse("file:/srv/other.mp4")])
