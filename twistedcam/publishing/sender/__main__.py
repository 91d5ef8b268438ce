"""Sends until its input ends, or until the target will not have it."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from fractions import Fraction

import av
import av.error
import av.logging

from twistedcam.publishing.sender.muxer import Outlet
from twistedcam.publishing.sender.protocol import Order, Sent, frames

CLOCK = Fraction(1, 90_000)
#: Between two reports: seconds, or video in steps of CLOCK.
_PERIOD, _STRIDE = 0.2, 45_000
#: Characters of a reason: FFmpeg quotes whole conversations.
_MAX_REASON = 240


def main() -> int:
    """Send; ends with 1 if the target will not have it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's: it ends the input
    av.logging.set_level(av.logging.ERROR)
    order: Order = json.loads(sys.stdin.buffer.readline())
    outlet = Outlet(order)
    try:
        _send(outlet, frames(sys.stdin.buffer))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        _say("error " + " ".join(outlet.reason(error).split())[:_MAX_REASON])
        outlet.abandon()
        os._exit(1)  # or PyAV would end the stream, which can take as long as FFmpeg likes
    outlet.close()
    return 0


def _send(outlet: Outlet, given: Iterator[Sent]) -> None:
    first = next(given, None)
    if first is None:
        return
    with av.open(io.BytesIO(first.data), format="h264") as headers:
        stream = outlet.open(headers.streams.video[0], CLOCK)
    _say("live")
    count = size = told_pts = 0
    told = 0.0
    for frame in _with(first, given):
        packet = av.Packet(frame.data)
        packet.stream, packet.time_base = stream, CLOCK
        packet.pts = packet.dts = frame.pts - first.pts
        packet.is_keyframe = frame.is_keyframe
        outlet.mux(packet)
        count, size = count + 1, size + len(frame.data)
        # Who has caught up in no time, or after a gap, says so: the server waits for it to go on.
        if time.monotonic() - told >= _PERIOD or frame.pts - told_pts >= _STRIDE:
            told, told_pts = time.monotonic(), frame.pts
            _say(f"at {frame.pts} {count} {size}")


def _with(first: Sent, rest: Iterator[Sent]) -> Iterator[Sent]:
    yield first
    yield from rest


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
