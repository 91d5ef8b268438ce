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
from twistedcam.publishing.sender.protocol import SenderConfig, SentFrame, read_frames, report

CLOCK = Fraction(1, 1_000_000)
#: The interval of progress reports: in seconds, and in steps of CLOCK.
_PERIOD, _STRIDE = 0.2, 500_000
#: The most characters of a reason: FFmpeg may quote a whole dialogue.
_MAX_REASON = 240


def main() -> int:
    """Send; return the exit status, which is 1 after an error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at Ctrl-C the server ends the input
    av.logging.set_level(av.logging.ERROR)
    config: SenderConfig = json.loads(sys.stdin.buffer.readline())
    muxer = Muxer(config)
    try:
        _send(muxer, config["codec"], read_frames(sys.stdin.buffer))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        report("error " + " ".join(muxer.reason(error).split())[:_MAX_REASON])
        os._exit(1)  # a normal exit would end the stream first, which may block
    muxer.close()
    return 0


def _send(muxer: Muxer, codec: str, frames: Iterator[SentFrame]) -> None:
    first = next(frames, None)
    if first is None:
        return
    with av.open(io.BytesIO(first.data), format=codec) as template:
        stream, sound = muxer.open(template.streams.video[0], CLOCK)
    report("live")
    count = size = reported_dts = 0
    reported = 0.0
    for frame in itertools.chain([first], frames):
        if frame.is_sound and (sound is None or frame.dts < first.dts):
            continue
        packet = av.Packet(frame.data)
        packet.stream, packet.time_base = sound if frame.is_sound else stream, CLOCK
        packet.dts = frame.dts - first.dts
        packet.pts = packet.dts + frame.reorder
        packet.is_keyframe = frame.is_keyframe or frame.is_sound
        muxer.mux(packet)
        size += len(frame.data)
        if frame.is_sound:
            continue
        count += 1
        # A frame after a gap is reported at once, because the server waits for it.
        if time.monotonic() - reported >= _PERIOD or frame.dts - reported_dts >= _STRIDE:
            reported, reported_dts = time.monotonic(), frame.dts
            report(f"at {frame.dts} {count} {size}")


if __name__ == "__main__":
    sys.exit(main())
