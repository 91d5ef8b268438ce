"""The options of ``serve``, as the command line and the configuration have them."""

from __future__ import annotations

import argparse

from twistedcam.processing import RUNS_IN

FRAME_ENDPOINT = "tcp:9530:interface=127.0.0.1"
CONTROL_ENDPOINT = "tcp:9531:interface=127.0.0.1"
HTTP_ENDPOINT = "tcp:8080:interface=127.0.0.1"
RECORDINGS = "recordings"
LOG_LEVEL = "info"
MOST_WORKERS = 64
LOG_LEVELS = ("debug", "info", "warn", "error", "critical")


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``serve``. One that is not given is None: the configuration may have it."""
    add = parser.add_argument
    add(
        "--camera",
        metavar="[NAME=]SOURCE",
        action="append",
        help="a camera: 0, rtsp://…; repeatable (auto:)",
    )
    add(
        "--listen",
        metavar="ENDPOINT",
        action="append",
        help="frame port (9530; other machines: 0.0.0.0:9530)",
    )
    add("--control", metavar="ENDPOINT", action="append", help="control port (9531)")
    add("--http", metavar="ENDPOINT", action="append", help="page, MJPEG, API (8080)")
    add("--no-listen", action="store_true", help="no frame port")
    add("--no-control", action="store_true", help="no control port")
    add("--no-http", action="store_true", help="no web page")
    add(
        "--http-name",
        metavar="NAME",
        action="append",
        help="a host name of the page, behind a proxy; repeatable",
    )
    add(
        "--http-cors",
        metavar="ORIGIN",
        action="append",
        help="a site whose pages may read here, or *; repeatable",
    )
    add(
        "--http-cors-control",
        metavar="ORIGIN",
        action="append",
        help="a site whose pages may read and control; repeatable",
    )
    add(
        "--trusted-proxy",
        metavar="NETWORK",
        action="append",
        help="a proxy that may name its clients: 10.0.0.0/8, unix",
    )
    add("--no-token-in-url", action="store_true", help="take no token from an address (?token=)")
    add("--recordings", metavar="DIR", help=f"folder for recordings ({RECORDINGS})")
    add("--record-format", metavar="FORMAT", help="h264, copy, mp4, mkv, avi, mov, h264.mkv (h264)")
    add(
        "--record",
        metavar="NAME=VALUE",
        action="append",
        help="how it records: segment=10m, preroll=10s, keep=20GB, keep_free=1GB, …",
    )
    add(
        "--process",
        metavar="[CAMERA=]MODULE:FUNCTION",
        action="append",
        help="user code on its pictures: camera CAMERA.FUNCTION",
    )
    add("--process-in", choices=RUNS_IN, help="where user code runs (process)")
    add(
        "--publish",
        metavar="[CAMERA=]URL",
        action="append",
        help="send its video to rtmp://…, rtsp://…, hls:FOLDER, hls:https://…, whip:https://…",
    )
    add("--mqtt", metavar="URL", help="tell an MQTT broker, and Home Assistant: mqtt://HOST")
    add("--workers", metavar="N", type=int, help="processes that deliver beside this one (0)")
    add("--stopped", action="store_true", help="begin with the stream stopped")
    add(
        "--tokens",
        metavar="FILE",
        help="who may do what (see 'token --help')",
    )
    add(
        "--keys",
        action=argparse.BooleanOptionalAction,
        help="single keys in the server's own terminal: ? lists them (on, in a terminal)",
    )
    add("--insecure", action="store_true", help="allow ports beyond this machine without tokens")
    for name in ("connections", "per-address", "unjoined", "snapshots"):  # see docs/security.md
        add(f"--max-{name}", metavar="N", type=_count, help=argparse.SUPPRESS)
    add("--config", metavar="FILE", help="TOML with all of this, and more for each camera")
    add("--log", metavar="FILE", help="log to a file, which may be rotated (standard error)")
    add("--log-json", action="store_true", help="log as JSON lines")
    add("--log-level", choices=LOG_LEVELS, help=f"least level to log ({LOG_LEVEL})")
    for action in parser._actions:
        if action.default is False:
            action.default = None


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000000")
    return int(text)


def serve_actions() -> list[argparse.Action]:
    """All options of ``serve``, as argparse keeps them."""
    parser = argparse.ArgumentParser(add_help=False)
    add_serve_arguments(parser)
    return parser._actions
