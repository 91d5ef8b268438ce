"""The options of a server, one field each.

The command line, ``--help``, the configuration file, the errors, the table in
docs/configuration.md, and the effect of a reload are derived from these fields.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from twistedcam.automation.hooks import Hook
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.net.connection_limits import ConnectionLimits
from twistedcam.net.endpoint_text import expand_endpoint
from twistedcam.net.proxies import check_network
from twistedcam.net.web_names import parse_name, parse_origin
from twistedcam.notifications.contact import parse_contact
from twistedcam.processing import Process
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.publishing.target import PublishTarget, parse_publish
from twistedcam.recording.containers import FORMATS, Format, parse_format
from twistedcam.recording.settings import RecordSettings
from twistedcam.runtime.home import expand_home
from twistedcam.servers.mqtt.address import Broker, parse_broker
from twistedcam.sources.spec import SourceSpec
from twistedcam.util.schema import Option, Read, settings_of

FRAME_ENDPOINT = "tcp:9530:interface=127.0.0.1"
CONTROL_ENDPOINT = "tcp:9531:interface=127.0.0.1"
HTTP_ENDPOINT = "tcp:8080:interface=127.0.0.1"
RTSP_ENDPOINT = "tcp:8554:interface=127.0.0.1"
MAX_WORKERS = 64


def _path(text: str) -> Path:
    return expand_home(text).absolute()


# Lambdas are outside the classes, because msgspec evaluates annotations without their names.
Endpoints = Annotated[list[str], Read(lambda text, _: expand_endpoint(text), "ENDPOINT")]
Origins = Annotated[list[str], Read(parse_origin, "ORIGIN")]
Folder = Annotated[Path, Read(lambda text, _: _path(text or "recordings"), "DIR")]
OptionalFile = Annotated[Path | None, Read(lambda text, _: _path(text), "FILE")]
ConfigFile = Annotated[Path | None, Read(lambda text, _: expand_home(text), "FILE")]
Count = Annotated[int, Meta(ge=1, le=1_000_000), Read(metavar="N")]
Published = Annotated[
    list[tuple[str | None, PublishTarget]],
    Read(lambda text, _: parse_publish(text), "[CAMERA=]URL"),
]
_limit = partial(Option, page="security.md#limits", in_help=False)
LogLevelName = Literal["debug", "info", "warn", "error", "critical"]


class PlainOptions(Struct, kw_only=True, rename="kebab"):
    """Options that a server uses unchanged."""

    recordings: Annotated[Folder, Option("folder for recordings and snapshots", "recording.md")] = (
        Path("recordings")
    )
    http_names: Annotated[
        list[str],
        Read(parse_name, "NAME"),
        Option("host name of the page behind a proxy: `cam.example.org`"),
    ] = field(name="http-name", default_factory=list)
    http_cors: Annotated[
        Origins, Option("site whose pages may read: `http://HOST:PORT` or `*`")
    ] = []
    http_cors_control: Annotated[
        Origins, Option("site whose pages may also give commands; never `*`")
    ] = []
    trusted_proxies: Annotated[
        list[str],
        Read(check_network, "NETWORK"),
        Option(
            "proxy that may name its clients: an address, a network (`10.0.0.0/8`) or `unix`",
            "http.md#behind-nginx",
            flag="trusted-proxy",
        ),
    ] = []
    tokens: Annotated[OptionalFile, Option("file of tokens and their rights", "security.md")] = None
    no_token_in_url: Annotated[
        bool, Option("accept no token in an address (`?token=`)", "security.md#tokens-in-addresses")
    ] = False
    insecure: Annotated[bool, Option("let other machines connect without tokens")] = False
    max_connections: Annotated[Count, _limit("connections on all ports together")] = (
        ConnectionLimits.connections
    )
    max_per_address: Annotated[Count, _limit("connections from one other machine")] = (
        ConnectionLimits.per_address
    )
    max_unjoined: Annotated[Count, _limit("connections to the frame port that have not joined")] = (
        ConnectionLimits.unjoined
    )
    max_snapshots: Annotated[
        Count, _limit("snapshots a second: to one address, into files of one camera")
    ] = ConnectionLimits.snapshots
    mqtt: Annotated[
        Broker | None,
        Read(parse_broker, "URL", kind="address"),
        Option("MQTT broker that gets the server's state: `mqtt://HOST`", "scale.md"),
    ] = None
    discovery: Annotated[
        bool,
        Option("announce this server: DNS-SD, ONVIF", "discovery.md"),
    ] = False
    push_contact: Annotated[
        str,
        Read(parse_contact, "URL"),
        Option(
            "contact for push services: `mailto:me@example.org`",
            "phone.md#notifications",
        ),
    ] = "mailto:twistedcam@example.org"
    push_private: Annotated[
        bool,
        Option("allow a push service of your own, at a private address", "phone.md#notifications"),
    ] = False
    workers: Annotated[
        int,
        Meta(ge=0, le=MAX_WORKERS),
        Read(metavar="N"),
        Option("additional processes that send to viewers (Linux)", "delivery.md"),
    ] = 0
    stopped: Annotated[
        bool, Option("begin with stopped cameras, and wait for `start`", is_live=True)
    ] = False
    log: Annotated[
        OptionalFile,
        Option("log file, in place of standard error", "operations.md#without-systemd"),
    ] = None
    log_json: Annotated[bool, Option("log as JSON lines")] = False
    log_level: Annotated[LogLevelName, Option("`debug`, `info`, `warn`, `error` or `critical`")] = (
        "info"
    )


class GivenOptions(PlainOptions, kw_only=True, rename="kebab"):
    """All options of the command line and the configuration file."""

    camera: Annotated[
        list[str],
        Read(metavar="[NAME=]SOURCE"),
        Option("camera: `0`, `/dev/video0`, `rtsp://…`", "cameras.md", in_file=False),
    ] = field(default_factory=lambda: ["auto:"])
    process: Annotated[
        list[str],
        Read(metavar="[CAMERA=]MODULE:FUNCTION"),
        Option("user code on a camera's pictures", "processing.md", is_live=True),
    ] = []
    process_in: Annotated[
        Literal["process", "thread"],
        Read(metavar="WHERE"),
        Option("where user code runs: `process` or `thread`", is_live=True),
    ] = "process"
    publish: Annotated[
        Published,
        Option(
            "target that a camera's video is sent to: `rtmp://…`, `rtsp://…`, `hls:FOLDER`, "
            "`hls:https://…`, `whip:https://…`",
            "scale.md",
            in_file=False,
            is_live=True,
        ),
    ] = []
    config: Annotated[
        ConfigFile,
        Option("TOML file: these options, cameras, hooks", in_file=False),
    ] = None
    keys: Annotated[
        bool, Option("single keys in the server's terminal, if it has one: `?` lists them")
    ] = True
    listen: Annotated[Endpoints, Option("frame port; other machines can reach `0.0.0.0:9530`")] = (
        field(default_factory=lambda: [FRAME_ENDPOINT])
    )
    control: Annotated[Endpoints, Option("control port")] = field(
        default_factory=lambda: [CONTROL_ENDPOINT]
    )
    http: Annotated[Endpoints, Option("web page, MJPEG, API")] = field(
        default_factory=lambda: [HTTP_ENDPOINT]
    )
    rtsp: Annotated[Endpoints, Option("RTSP port", "rtsp.md")] = field(
        default_factory=lambda: [RTSP_ENDPOINT]
    )
    no_listen: Annotated[bool, Option("no frame port")] = False
    no_control: Annotated[bool, Option("no control port")] = False
    no_http: Annotated[bool, Option("no web page")] = False
    no_rtsp: Annotated[bool, Option("no RTSP port")] = False
    record_format: Annotated[
        Format | None,
        Read(parse_format, "FORMAT", kind="choice", choices=tuple(FORMATS)),
        Option(
            "`auto` (default), `h264`, `copy`, `mp4`, `mkv`, `avi`, `mov`, `h264.mkv`", is_live=True
        ),
    ] = None
    record: Annotated[
        list[str],
        Read(metavar="NAME=VALUE"),
        Option("setting of recordings: `segment=10m`, `keep=20GB`, …", in_file=False),
    ] = []
    audio: Annotated[
        list[str],
        Read(metavar="[CAMERA=]SOURCE"),
        Option(
            "sound: `auto`, `off`, or a microphone: `alsa:default`",
            "sound.md",
            in_file=False,
        ),
    ] = []
    video: Annotated[
        list[str],
        Read(metavar="[CAMERA:]NAME=VALUE"),
        Option(
            "setting of viewers' H.264: `bitrate=2M`, …",
            "delivery.md#h264-that-is-encoded-here",
            in_file=False,
        ),
    ] = []
    motion: Annotated[
        list[str],
        Read(metavar="NAME=VALUE"),
        Option(
            "detect motion; a setting: `sensitivity=70`, …",
            "motion.md",
            in_file=False,
        ),
    ] = []


_PLAIN = settings_of(PlainOptions)
#: All options by their keys, in the order of ``--help`` and of the documentation.
OPTIONS = {k: each for k, each in settings_of(GivenOptions).items() if k not in _PLAIN} | _PLAIN


class ServeOptions(PlainOptions):
    """The checked options of a server. Without endpoints it has no ports.

    Arguments:
        cameras: sources by the cameras' names.
        recording: recording settings of each camera.
        publish: publish targets of each camera.
        record_settings: recording settings of cameras that are added later.
        motion_settings: settings of motion detection by camera, of those that have any.
        video_settings: settings of the viewers' video by camera.
        processes: user code on the cameras' pictures.
        hooks: programs and addresses that are told of events.
        listen, control, http, rtsp: endpoints of the ports.
        keys: True to read keys from standard input, if that is a terminal.
        read_again: reads the configuration again, or the given text in place of the file's; None if
            there is no file.
        file: the configuration file; None if there is none.
        is_of_folder: True if that is the file of the folder, which nobody has named, and which need
            not exist.
        is_new: True if neither the command line nor the file has a camera.
        command_line: what the command line has given, by the options' attributes.
    """

    cameras: dict[str, SourceSpec] = {}
    recording: dict[str, RecordSettings] = {}
    publish: dict[str, list[PublishTarget]] = {}
    record_settings: RecordSettings = RecordSettings()
    motion_settings: dict[str, MotionSettings] = {}
    video_settings: dict[str, VideoSettings] = {}
    processes: list[Process] = []
    hooks: list[Hook] = []
    listen: list[str] = []
    control: list[str] = []
    http: list[str] = []
    rtsp: list[str] = []
    keys: bool = False
    read_again: Callable[..., ServeOptions] | None = None
    file: Path | None = None
    is_of_folder: bool = False
    is_new: bool = False
    command_line: dict[str, Any] = {}

    @property
    def limits(self) -> ConnectionLimits:
        """The limits on connections and snapshots."""
        return ConnectionLimits(
            self.max_connections, self.max_per_address, self.max_unjoined, self.max_snapshots
        )
