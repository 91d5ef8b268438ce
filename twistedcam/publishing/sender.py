"""The program that sends one camera's H.264 to one target; started by the server (link.py).

It is a process of its own because FFmpeg connects, writes headers and ends streams in calls that
nobody can interrupt. It stands alone, so that it starts at once: it needs nothing but PyAV.

Standard input: a line of JSON (``url``, ``muxer``, ``options``, ``tidy``), then frames: HEAD and
H.264 in Annex B, the first a keyframe. Standard output: lines ``live``, ``at PTS FRAMES BYTES``
and, as the last, ``error REASON``.
"""

from __future__ import annotations

import io
import json
import re
import signal
import struct
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import av.error
import av.logging

#: Time in steps of CLOCK, 1 for a keyframe, bytes that follow.
HEAD = struct.Struct(">QBI")
CLOCK = Fraction(1, 90_000)
#: Seconds between two reports.
_PERIOD = 0.2
#: Characters of a reason: FFmpeg quotes whole conversations.
_MAX_REASON = 200

_Packet = tuple[int, bool, bytes]


def main() -> int:
    """Send until the input ends; 1 if the target will not have it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's: it ends the input
    av.logging.set_level(av.logging.ERROR)
    order = json.loads(sys.stdin.buffer.readline())
    try:
        _send(order, _packets(sys.stdin.buffer))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        _say("error " + _reason(error))
        return 1
    return 0


def _send(order: dict[str, Any], packets: Iterator[_Packet]) -> None:
    first = next(packets, None)
    if first is None:
        return
    if order["tidy"]:
        _tidy(Path(order["url"]))
    container: Any = av.open(order["url"], "w", format=order["muxer"], options=order["options"])
    try:
        with av.open(io.BytesIO(first[2]), format="h264") as headers:
            stream = container.add_stream_from_template(headers.streams.video[0])
        stream.time_base = CLOCK
        container.start_encoding()
        _say("live")
        frames = size = 0
        told = 0.0
        for pts, keyframe, data in _with(first, packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, CLOCK
            packet.pts = packet.dts = pts - first[0]
            packet.is_keyframe = keyframe
            container.mux(packet)
            frames, size = frames + 1, size + len(data)
            if time.monotonic() - told >= _PERIOD:
                told = time.monotonic()
                _say(f"at {pts} {frames} {size}")
    finally:
        container.close()


def _packets(read: BinaryIO) -> Iterator[_Packet]:
    while len(head := read.read(HEAD.size)) == HEAD.size:
        pts, keyframe, length = HEAD.unpack(head)
        data = read.read(length)
        if len(data) < length:
            return
        yield pts, bool(keyframe), data


def _with(first: _Packet, rest: Iterator[_Packet]) -> Iterator[_Packet]:
    yield first
    yield from rest


def _tidy(playlist: Path) -> None:
    """Remove segments that an earlier run, which was killed, has left beside a playlist."""
    playlist.parent.mkdir(parents=True, exist_ok=True)
    ours = re.compile(re.escape(playlist.stem) + r"\d+\.ts")
    for each in playlist.parent.iterdir():
        if ours.fullmatch(each.name):
            each.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """What FFmpeg says, and what it logged last: that is often the better half."""
    text = getattr(error, "strerror", None) or str(error)
    log = getattr(error, "log", None)
    if log:
        text += f" ({log[2].strip()})"
    return " ".join(text.split())[:_MAX_REASON]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
