"""The options of a server, one field each.

The command line, the configuration file, ``--help``, the errors, the table in docs/configuration.md
and what a reload applies are all made from these fields.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from twistedcam.net.connection_limits import ConnectionLimits
from twistedcam.net.listener import expand_endpoint
from twistedcam.net.proxies import check_network
from twistedcam.net.web_names import parse_name, parse_origin
from twistedcam.processing import Process
from twistedcam.publishing.target import PublishTarget, parse_publish
from twistedcam.recording.containers import Format, parse_format
from twistedcam.recording.settings import RecordSettings
from twistedcam.servers.mqtt.address import Broker, parse_broker
from twistedcam.sources.spec import SourceSpec
from twistedcam.util.schema import Option, Read, settings_of

FRAME_ENDPOINT = "tcp:9530:interface=127.0.0.1"
CONTROL_ENDPOINT = "tcp:9531:interface=127.0.0.1"
HTTP_ENDPOINT = "tcp:8080:interface=127.0.0.1"
MOST_WORKERS = 64


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


# Functions without a name have to stand here: in a field msgspec takes them out of this module.
Endpoints = Annotated[list[str], Read(lambda text, _: expand_endpoint(text), "ENDPOINT")]
Sites = Annotated[list[str], Read(parse_origin, "ORIGIN")]
Folder = Annotated[Path, Read(lambda text, _: _path(text or "recordings"), "DIR")]
OptionalFile = Annotated[Path | None, Read(lambda text, _: _path(text), "FILE")]
ConfigFile = Annotated[Path | None, Read(lambda text, _: Path(text).expanduser(), "FILE")]
Count = Annotated[int, Meta(ge=1, le=1_000_000), Read(metavar="N")]
Published = Annotated[
    list[tuple[str | None, PublishTarget]],
    Read(lambda text, _: parse_publish(text), "[CAMERA=]URL"),
]
LogLevelName = Literal["debug", "info", "warn", "error", "critical"]


class PlainOptions(Struct, kw_only=True, rename="kebab"):
    """The options that need no others to be understood, with their defaults on the command line."""

    listen: Annotated[
        Endpoints, Option("ports", "frame port; `0.0.0.0:9530` is open to other machines")
    ] = field(default_factory=lambda: [FRAME_ENDPOINT])
    control: Annotated[Endpoints, Option("ports", "control port")] = field(
        default_factory=lambda: [CONTROL_ENDPOINT]
    )
    http: Annotated[Endpoints, Option("ports", "web page, MJPEG, API")] = field(
        default_factory=lambda: [HTTP_ENDPOINT]
    )
    http_names: Annotated[
        list[str],
        Read(parse_name, "NAME"),
        Option("web page", "name of the page behind a proxy: `cam.example.org`"),
    ] = field(name="http-name", default_factory=list)
    http_cors: Annotated[
        Sites, Option("web page", "site whose pages may read: `http://HOST:PORT` or `*`")
    ] = []
    http_cors_control: Annotated[
        Sites, Option("web page", "site whose pages may give commands, too; never `*`")
    ] = []
    trusted_proxies: Annotated[
        list[str],
        Read(check_network, "NETWORK"),
        Option(
            "web page",
            "proxy that may name its clients: an address, a network (`10.0.0.0/8`) or `unix`",
            "http.md#behind-nginx",
            flag="trusted-proxy",
        ),
    ] = []
    recordings: Annotated[
        Folder, Option("recordings", "folder for recordings and snapshots", "recording.md")
    ] = Path("recordings")
    tokens: Annotated[
        OptionalFile, Option("access", "file of tokens: who may do what", "security.md")
    ] = None
    no_token_in_url: Annotated[
        bool,
        Option(
            "access", "take no token from an address (`?token=`)", "security.md#tokens-in-addresses"
        ),
    ] = False
    insecure: Annotated[
        bool, Option("access", "allow ports beyond this machine without tokens")
    ] = False
    max_connections: Annotated[
        Count, Option("limits", "connections on all ports together", "security.md#limits")
    ] = ConnectionLimits.connections
    max_per_address: Annotated[
        Count, Option("limits", "connections from one other machine", "security.md#limits")
    ] = ConnectionLimits.per_address
    max_unjoined: Annotated[
        Count, Option("limits", "connections to the frame port that have not joined")
    ] = ConnectionLimits.unjoined
    max_snapshots: Annotated[
        Count, Option("limits", "snapshots a second: to one address, into files of one camera")
    ] = ConnectionLimits.snapshots
    mqtt: Annotated[
        Broker | None,
        Read(parse_broker, "URL"),
        Option("servers", "MQTT broker to tell of this server: `mqtt://HOST`", "scale.md"),
    ] = None
    workers: Annotated[
        int,
        Meta(ge=0, le=MOST_WORKERS),
        Read(metavar="N"),
        Option("program", "processes that deliver beside this one, on Linux", "delivery.md"),
    ] = 0
    stopped: Annotated[
        bool,
        Option("program", "begin with the stream stopped, waiting for `start`", is_live=True),
    ] = False
    keys: Annotated[
        bool, Option("program", "keys in the server's own terminal: `?` lists them")
    ] = True
    log: Annotated[
        OptionalFile,
        Option("program", "file to log to, not standard error", "operations.md#without-systemd"),
    ] = None
    log_json: Annotated[bool, Option("program", "log as JSON lines")] = False
    log_level: Annotated[
        LogLevelName,
        Option("program", "`debug`, `info`, `warn`, `error` or `critical`"),
    ] = "info"


class GivenOptions(PlainOptions, kw_only=True, rename="kebab"):
    """All options, as the command line and the configuration file give them."""

    camera: Annotated[
        list[str],
        Read(metavar="[NAME=]SOURCE"),
        Option("cameras", "camera: `0`, `/dev/video0`, `rtsp://…`", "cameras.md", in_file=False),
    ] = field(default_factory=lambda: ["auto:"])
    process: Annotated[
        list[str],
        Read(metavar="[CAMERA=]MODULE:FUNCTION"),
        Option("cameras", "user code on a camera's pictures", "processing.md"),
    ] = []
    process_in: Annotated[
        Literal["process", "thread"],
        Read(metavar="WHERE"),
        Option("cameras", "where user code runs: `process` or `thread`"),
    ] = "process"
    no_listen: Annotated[bool, Option("ports", "no frame port")] = False
    no_control: Annotated[bool, Option("ports", "no control port")] = False
    no_http: Annotated[bool, Option("ports", "no web page")] = False
    record_format: Annotated[
        Format | None,
        Read(parse_format, "FORMAT"),
        Option("recordings", "`h264` (usual), `copy`, `mp4`, `mkv`, `avi`, `mov`, `h264.mkv`"),
    ] = None
    record: Annotated[
        list[str],
        Read(metavar="NAME=VALUE"),
        Option("recordings", "setting of recordings: `segment=10m`, `keep=20GB`, …", in_file=False),
    ] = []
    publish: Annotated[
        Published,
        Option(
            "servers",
            "target that a camera's video is sent to: `rtmp://…`, `rtsp://…`, `hls:FOLDER`, "
            "`hls:https://…`, `whip:https://…`",
            in_file=False,
        ),
    ] = []
    config: Annotated[
        ConfigFile,
        Option("program", "TOML file with these options, and more for each camera", in_file=False),
    ] = None


#: The order of the options in ``--help``, which leaves the limits to the documentation.
_GROUPS = ("cameras", "ports", "web page", "recordings", "access", "limits", "servers", "program")
#: All options by their keys, in that order.
OPTIONS = dict(
    sorted(settings_of(GivenOptions).items(), key=lambda item: _GROUPS.index(item[1].option.group))
)


class ServeOptions(PlainOptions):
    """A server's options, checked. A server that a program makes has the ports that it says.

    Arguments:
        cameras: sources by the cameras' names.
        recording: how each camera records.
        publish: where each camera's video goes.
        record_settings: how cameras record that are added later.
        processes: user code on the cameras' pictures.
        listen, control, http: endpoints of the ports.
        keys: take keys from standard input, where that is a terminal.
        again: reads the configuration once more; None where there is no file.
    """

    cameras: dict[str, SourceSpec] = {}
    recording: dict[str, RecordSettings] = {}
    publish: dict[str, list[PublishTarget]] = {}
    record_settings: RecordSettings = RecordSettings()
    processes: list[Process] = []
    listen: list[str] = []
    control: list[str] = []
    http: list[str] = []
    keys: bool = False
    again: Callable[[], ServeOptions] | None = None

    @property
    def limits(self) -> ConnectionLimits:
        """How many connections there may be."""
        return ConnectionLimits(
            self.max_connections, self.max_per_address, self.max_unjoined, self.max_snapshots
        )
