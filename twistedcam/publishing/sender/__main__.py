"""The main program: it sends until its input ends or the target reports an error."""

from __future__ import annotations

import io
import itertools
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

from twistedcam.publishing.sender.muxer import Muxer
from twistedcam.publishing.sender.protocol import EncodedFrame, SenderConfig, read_frames, report

CLOCK = Fraction(1, 90_000)
#: The interval of progress reports: in seconds, and in steps of CLOCK.
_PERIOD, _STRIDE = 0.2, 45_000
#: The most characters of a reason: FFmpeg may quote a whole dialogue.
_MAX_REASON = 240


def main() -> int:
    """Send; return the exit status, which is 1 after an error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at Ctrl-C the server ends the input
    av.logging.set_level(av.logging.ERROR)
    config: SenderConfig = json.loads(sys.stdin.buffer.readline())
    muxer = Muxer(config)
    try:
        _send(muxer, read_frames(sys.stdin.buffer))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        report("error " + " ".join(muxer.reason(error).split())[:_MAX_REASON])
        os._exit(1)  # a normal exit would end the stream first, which may block
    muxer.close()
    return 0


def _send(muxer: Muxer, frames: Iterator[EncodedFrame]) -> None:
    first = next(frames, None)
    if first is None:
        return
    with av.open(io.BytesIO(first.data), format="h264") as template:
        stream = muxer.open(template.streams.video[0], CLOCK)
    report("live")
    count = size = reported_pts = 0
    reported = 0.0
    for frame in itertools.chain([first], frames):
        packet = av.Packet(frame.data)
        packet.stream, packet.time_base = stream, CLOCK
        packet.pts = packet.dts = frame.pts - first.pts
        packet.is_keyframe = frame.is_keyframe
        muxer.mux(packet)
        count, size = count + 1, size + len(frame.data)
        # StepResult after a gap is reported at once, because the server waits for it.
        if time.monotonic() - reported >= _PERIOD or frame.pts - reported_pts >= _STRIDE:
            reported, reported_pts = time.monotonic(), frame.pts
            report(f"at {frame.pts} {count} {size}")


if __name__ == "__main__":
    sys.exit(main())
