"""A configuration that says all that there is to say means today what it has always meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.process import ROOT
from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.config.arguments import options_from
from twistedcam.config.options import ServeOptions
from twistedcam.net.connection_limits import ConnectionLimits
from twistedcam.processing import Code, Process
from twistedcam.recording import RecordSettings
from twistedcam.recording.containers import FORMATS
from twistedcam.servers.mqtt.address import Broker

#: Each key of an option, each of a recording, and cameras with all that a table can have.
WHOLE = """
listen = ["9000", "unix:/run/frames"]
control = "tcp:9001:interface=127.0.0.1"
http = ["127.0.0.1:8081", "[::1]:8081"]
no-listen = false
no-control = false
no-http = false
http-name = "Cam.Example.org."
http-cors = ["http://printer.local:80", "*"]
http-cors-control = "HTTPS://printer.local"
trusted-proxies = ["127.0.0.1", "10.0.0.0/8", "unix"]
no-token-in-url = true
recordings = "/srv/recordings"
record-format = "mkv"
mqtt = "mqtts://me:p%40ss@broker:8884/house/cams?discovery=ha&every=2.5&ca=/etc/ca.pem"
process = ["door=a:b", "Küche=c.d:e"]
process-in = "thread"
workers = "2"
stopped = true
keys = false
tokens = "/etc/tokens.toml"
max-connections = 1000
max-per-address = "100"
max-unjoined = 50
max-snapshots = 1000000
insecure = true
log = "/var/log/twistedcam.log"
log-json = true
log-level = "warn"

[recording]
crf = 23.9
preset = "veryfast"
segment = "100MB"
preroll = 10
preroll_memory = "64MiB"
keep = "20GB"
keep_days = "7"
keep_free = 1000000000
at_start = "yes"
require_mount = "on"

[camera.door]
source = "webcam:/dev/video0?fps=5&quality=70"
size = "1280x720"
fps = 12.5
rotate = 180
timestamp = true
title = "Front door"
publish = ["rtmp://h/live/KEY#name=show&bitrate=4M&encoder=auto&crf=30&preset=fast"]
process = "x.y:z"

[camera."Küche"]
source = 0
publish = "whip:https://h/whip#token=T0K&verify=0"
process = ["f:g"]

[camera."Küche".recording]
format = "copy"
crf = "30"
segment = "10m"
keep = "off"
keep_days = "none"
at_start = false
require_mount = "/mnt/disk"

[camera.garden]
source = "rtsp://user:password@10.0.0.7/stream?key=1#fps=4"
idle = "close"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "twistedcam.toml"
    path.write_text(WHOLE)
    return path


@pytest.fixture
def found(file: Path) -> ServeOptions:
    return options_from(["--config", str(file)])


def test_every_option_has_the_value_that_it_had(found: ServeOptions) -> None:
    assert found.listen == ["tcp:9000:interface=127.0.0.1", "unix:/run/frames"]
    assert found.control == ["tcp:9001:interface=127.0.0.1"]
    assert found.http == ["tcp:8081:interface=127.0.0.1", "tcp6:8081:interface=\\:\\:1"]
    assert found.http_names == ["cam.example.org"]
    assert found.http_cors == ["http://printer.local", "*"]
    assert found.http_cors_control == ["https://printer.local"]
    assert found.trusted_proxies == ["127.0.0.1", "10.0.0.0/8", "unix"]
    assert found.recordings == Path("/srv/recordings")
    assert found.mqtt == Broker(
        host="broker",
        port=8884,
        is_tls=True,
        user="me",
        password="p@ss",
        base="house/cams",
        discovery="ha",
        every=2.5,
        ca="/etc/ca.pem",
    )
    assert found.tokens == Path("/etc/tokens.toml")
    assert found.log == Path("/var/log/twistedcam.log")
    assert (found.workers, found.log_level) == (2, "warn")
    assert found.limits == ConnectionLimits(1000, 100, 50, 1_000_000)
    switches = (found.no_token_in_url, found.stopped, found.insecure, found.log_json)
    assert switches == (True, True, True, True)


def test_every_camera_has_what_its_table_says(found: ServeOptions) -> None:
    assert list(found.cameras) == ["door", "Küche", "garden"]
    door, kitchen, garden = found.cameras.values()
    assert (door.scheme, door.target) == ("webcam", "/dev/video0")
    assert door.settings == {
        "fps": "12.5",
        "quality": "70",
        "size": "1280x720",
        "rotate": "180",
        "timestamp": "1",
        "title": "Front door",
    }
    assert (kitchen.text, kitchen.settings) == ("webcam:0", {})
    assert garden.target == "//user:password@10.0.0.7/stream?key=1"
    assert garden.settings == {"fps": "4", "idle": "close"}
    [show], [whip], none = (found.publish[name] for name in found.cameras)
    assert (show.name, show.url) == ("show", "rtmp://h/live/KEY")
    assert show.encoding == H264Settings("auto", 30, "fast", 4_000_000)
    assert (whip.token, whip.verify, none) == ("T0K", False, [])


def test_user_code_is_what_the_options_and_then_the_tables_say(found: ServeOptions) -> None:
    assert found.processes == [
        *(Process("door", Code("a:b"), "thread"), Process("Küche", Code("c.d:e"), "thread")),
        *(Process("door", Code("x.y:z"), "thread"), Process("Küche", Code("f:g"), "thread")),
    ]


def test_every_camera_records_as_the_tables_say(found: ServeOptions) -> None:
    whole = RecordSettings(
        format=FORMATS["mkv"],
        crf=23,
        preset="veryfast",
        segment_size=100_000_000,
        preroll=10,
        preroll_memory=64 * 2**20,
        keep=20_000_000_000,
        keep_days=7,
        keep_free=1_000_000_000,
        at_start=True,
        require_mount="on",
    )
    assert found.record_settings == found.recording["door"] == found.recording["garden"] == whole
    assert found.recording["Küche"] == RecordSettings(
        format=FORMATS["mkv"],  # the option wins over every table
        crf=30,
        preset="veryfast",
        segment=600,
        preroll=10,
        preroll_memory=64 * 2**20,
        keep_free=1_000_000_000,
        require_mount="/mnt/disk",
    )


def test_words_of_the_command_line_win_one_by_one(file: Path) -> None:
    words = "--listen 1 --no-control --http-name x --workers 0 --log-level debug --record keep=1GB"
    publish, code = "--publish door=hls:/srv/www", "--process garden=a:b --process-in process"
    found = options_from(
        ["--config", str(file), *words.split(), *publish.split(), *code.split(), "--recordings=r"]
    )
    assert (found.listen, found.control) == (["tcp:1:interface=127.0.0.1"], [])
    assert (found.http_names, found.workers, found.log_level) == (["x"], 0, "debug")
    assert found.recordings == Path("r").absolute()
    assert {each.keep for each in found.recording.values()} == {10**9}
    assert [each.url for each in found.publish["door"]] == ["/srv/www/live.m3u8"]
    assert [each.scheme for each in found.publish["Küche"]] == ["whip"]
    assert [each.name for each in found.processes] == ["garden.b", "door.z", "Küche.g"]
    assert {each.runs_in for each in found.processes} == {"process"}


def test_a_camera_of_the_command_line_keeps_what_its_table_says_beside_the_source(
    file: Path,
) -> None:
    words = "--camera Küche=pattern: --camera pattern: --process Küche=a:b"
    found = options_from(["--config", str(file), *words.split()])
    assert list(found.cameras) == ["Küche", "cam2"]
    assert found.cameras["Küche"].settings == {}
    assert found.recording["Küche"].segment == 600
    assert found.recording["cam2"] == found.record_settings
    assert [each.scheme for each in found.publish["Küche"]] == ["whip"]
    assert [each.name for each in found.processes] == ["Küche.b", "Küche.g"]


@pytest.mark.parametrize("name", sorted(each.name for each in ROOT.glob("docs/examples/*.toml")))
def test_the_examples_of_the_documents_are_read(name: str) -> None:
    options_from(["--config", str(ROOT / "docs/examples" / name)])
