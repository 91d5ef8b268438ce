"""The configuration file has the options, and tables of cameras."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.config.arguments import options_from
from twistedcam.config.options import ServeOptions
from twistedcam.errors import BadArgument
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings

WHOLE = """
listen = ["tcp:1", "unix:/run/frames"]
control = "tcp:2"
recordings = "/srv/recordings"
stopped = true
log-level = "warn"

[recording]
format = "copy"
keep = "10GB"

[camera.door]
source = "webcam:/dev/v4l/by-id/usb-Door?fps=5"
size = "1280x720"
fps = 15
rotate = 180

[camera.door.recording]
format = "h264"

[camera.test]
source = "file:clip.mp4"
loop = false
"""


def read(*words: str) -> ServeOptions:
    return options_from(words)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "twistedcam.toml"
    path.write_text(WHOLE)
    return path


def test_a_file_can_have_every_option(file: Path) -> None:
    options = read("--config", str(file))
    assert options.listen == ["tcp:1", "unix:/run/frames"]
    assert options.control == ["tcp:2"]
    assert options.recordings == Path("/srv/recordings")
    assert (options.stopped, options.log_level, options.log_json) == (True, "warn", False)


def test_a_camera_s_table_holds_the_settings_of_its_source(file: Path) -> None:
    cameras = read("--config", str(file)).cameras
    assert list(cameras) == ["door", "test"]
    assert cameras["door"].target == "/dev/v4l/by-id/usb-Door"
    assert cameras["door"].settings == {"size": "1280x720", "fps": "15", "rotate": "180"}
    assert cameras["test"].settings == {"loop": "0"}


def test_recording_settings_come_from_the_camera_and_else_from_all(file: Path) -> None:
    recording = read("--config", str(file)).recording
    assert recording["door"] == RecordSettings(format=FORMATS["h264"], keep=10**10)
    assert recording["test"] == RecordSettings(format=FORMATS["copy"], keep=10**10)
    recording = read(
        "--config", str(file), "--record-format", "mkv", "--record", "crf=30"
    ).recording
    assert recording["door"] == RecordSettings(format=FORMATS["mkv"], crf=30, keep=10**10)


def test_privacy_masks_of_a_table_are_a_setting_of_the_source(tmp_path: Path) -> None:
    path = tmp_path / "privacy.toml"
    path.write_text(
        "[camera.door]\nsource = 'pattern:'\nprivacy = [[[0, 0], [0.5, 0], [0.5, 0.25]]]"
    )
    camera = read("--config", str(path)).cameras["door"]
    assert camera.settings["privacy"] == "0,0 0.5,0 0.5,0.25"
    path.write_text("[camera.door]\nsource = 'pattern:'\nprivacy = [[[0, 0], [0.5, 0]]]")
    with pytest.raises(BadArgument, match=r"\[camera.door\]: a polygon of privacy needs 3 to 100"):
        read("--config", str(path))


def test_motion_is_detected_where_there_is_a_table_or_an_option(tmp_path: Path) -> None:
    path = tmp_path / "motion.toml"
    cameras = "[camera.door]\nsource = 'pattern:'\n[camera.yard]\nsource = 'pattern:'\n"
    path.write_text(cameras)
    assert read("--config", str(path)).motion_settings == {}
    given = read("--config", str(path), "--motion", "after=3s", "--motion", "record=off")
    expected = MotionSettings(after=3, record=False)
    assert given.motion_settings == {"door": expected, "yard": expected}
    path.write_text(f"{cameras}[camera.yard.motion]\nsensitivity = 80\nafter = '7s'")
    assert read("--config", str(path)).motion_settings == {
        "yard": MotionSettings(sensitivity=80, after=7)
    }
    path.write_text(f"[motion]\nafter = '1s'\n{cameras}[camera.yard.motion]\nsensitivity = 80")
    found = read("--config", str(path), "--motion", "sensitivity=20").motion_settings
    assert found["door"] == found["yard"] == MotionSettings(sensitivity=20, after=1)


def test_the_encoder_of_viewers_is_set_for_all_cameras_or_for_one(tmp_path: Path) -> None:
    path = tmp_path / "video.toml"
    cameras = "[camera.door]\nsource = 'pattern:'\n[camera.yard]\nsource = 'pattern:'\n"
    path.write_text(
        f"[video]\nbitrate = '3M'\n{cameras}"
        "[camera.yard.video]\nencoder = 'auto'\nbitrate = 800_000"
    )
    assert read("--config", str(path)).video_settings == {
        "door": VideoSettings(bitrate=3_000_000),
        "yard": VideoSettings(bitrate=800_000, encoder="auto"),
    }
    words = "--video", "yard:bitrate=1M", "--video", "bitrate=off", "--video", "preset=veryfast"
    assert read("--config", str(path), *words).video_settings == {
        "door": VideoSettings("off", "veryfast"),
        "yard": VideoSettings(1_000_000, "veryfast", "auto"),
    }
    with pytest.raises(BadArgument, match="no camera 'shed'; there is door, yard"):
        read("--config", str(path), "--video", "shed:bitrate=1M")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[camera.a]\nsource = 'auto:'\nvideo.bitrate = 'much'",
            "[camera.a]: video.bitrate='much' is not a rate",
        ),
        ("lissten = 'tcp:1'", "did you mean 'listen'"),
        ("camera = 'webcam:0'", "camera has to be a table, not a string"),
        ("cameras = {}", "did you mean 'camera'"),
        ("config = 'x'", "no option 'config'"),
        ("stopped = 1", "stopped has to be true or false"),
        ("recordings = ['a']", "not a list"),
        ("recordings = {a = 1}", "recordings has to be a string"),
        ("listen = [1]", "listen has to be a string"),
        ("log-level = 'loud'", "log-level has to be one of debug, info, warn"),
        ("[camera.a]", "[camera.a]: a camera needs a source"),
        ("[camera.a]\nsource = 'camera'", "[camera.a]: 'camera' is not a source"),
        ("[camera.'a:b']\nsource = 'auto:'", "not a valid name for a camera"),
        ("[camera.a]\nsource = 'auto:'\nsize = [1, 2]", "size has to be a string, a number"),
        ("[camera]\na = 'auto:'", "[camera.a]: a camera has to be a table"),
        (
            "[camera.a]\nsource = 'auto:'\nrecording = 1",
            "[camera.a]: recording has to be a table, not 1",
        ),
        ("[recording]\nquota = '1GB'", "no recording setting 'recording.quota': there are format"),
        (
            "[camera.a]\nsource = 'auto:'\nrecording.keep = 'much'",
            "[camera.a]: recording.keep='much' is not a size",
        ),
        (
            "[camera.a]\nsource = 'auto:'\nmotion.sensitivity = 101",
            "[camera.a]: motion.sensitivity has to be a number from 1 to 100, not 101",
        ),
        ("[motion]\nzone = []", "no motion setting 'motion.zone': did you mean 'zones'?"),
        ("a = ", "is not valid TOML"),
        ("workers = 'many'", "workers has to be a whole number from 0 to 64, not 'many'"),
        ("workers = true", "workers has to be a whole number from 0 to 64, not true"),
        ("no-listen = 'yes'", "no-listen has to be true or false, not 'yes'"),
        ("http-name = 'a b'", "http-name a b: this is not a host name"),
        ("trusted-proxies = 'x'", "trusted-proxies x: write an address"),
        ("mqtt = ['mqtt://h']", "mqtt has to be a string, not a list"),
        ("[recording]\nkep = '1GB'", "did you mean 'keep'"),
        (
            "[camera.a]\nsource = 'auto:'\npublish = 3",
            "[camera.a]: publish has to be a string, not 3",
        ),
        (
            "[camera.a]\nsource = 'auto:'\nprocess = 3",
            "[camera.a]: process has to be a string, not 3",
        ),
        ("[camera.a]\nsource = 'auto:'\npublish = ['ftp://x']", "[camera.a]"),
    ],
)
def test_a_mistake_is_named_with_the_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(BadArgument) as error:
        read("--config", str(path))
    assert str(path) in str(error.value)
    assert said in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"gone\.toml cannot be read: No such file"):
        read("--config", str(tmp_path / "gone.toml"))


HOOKS = """
[camera.door]
source = "pattern:"
process = "twistedcam.examples.clock:clock"

[camera."Große Halle"]
source = "pattern:"

[[hook]]
name = "upload"
on = ["recording:finished", "recording:segment"]
run = ["upload", "--to", "remote:"]

[[hook]]
on = "motion:begin"
camera = ["Grosse-Halle", "door.clock"]
url = "https://example.org"
"""


def test_hooks_name_cameras_as_commands_do(tmp_path: Path) -> None:
    path = tmp_path / "hooks.toml"
    path.write_text(HOOKS)
    upload, other = read("--config", str(path)).hooks
    assert (upload.name, upload.camera) == ("upload", [])
    assert upload.run == ["upload", "--to", "remote:"]
    assert (other.name, other.camera) == ("hook2", ["Große Halle", "door.clock"])


def test_a_wrong_hook_is_named_with_its_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "hooks.toml"
    path.write_text(HOOKS.replace("Grosse-Halle", "cellar"))
    with pytest.raises(BadArgument, match=r"hooks\.toml: hook\[2\]\.camera: there is no camera"):
        read("--config", str(path))
    path.write_text(HOOKS.replace("recording:finished", "recording:ended"))
    with pytest.raises(BadArgument, match=r"hooks\.toml: hook\[1\]\.on: there is no event"):
        read("--config", str(path))
