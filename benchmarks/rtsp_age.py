"""One more RTSP viewer, which measures the age of each picture, and prints it as JSON.

    python -m benchmarks.rtsp_age URL SECONDS tcp|udp CLIP CLOCK

The pictures are those of ``rtsp_camera.py``, with its files CLIP and CLOCK: a picture is as old as
the time since the camera has sent it. It prints a line when it plays. The server sends each picture
to the viewer that has come last after all others, so this one has the oldest pictures.
"""

from __future__ import annotations

import json
import select
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.rtsp_crowd import Watcher
from benchmarks.rtsp_reader import Ages, percentile
from twistedcam.rtsp.messages import InterleavedFrame

#: Seconds before the measurement: a new viewer begins with pictures that are not new.
WARM_UP = 1.0
#: Seconds between two signs of life.
_PERIOD = 10.0
_MARKER = 0x80


class AgeViewer:
    """A viewer that knows when each picture was sent.

    Arguments:
        url: the stream.
        over_udp: True to take packets over UDP.
        ages: takes the pictures.
    """

    def __init__(self, url: str, over_udp: bool, ages: Ages) -> None:
        self._watcher = Watcher(url, over_udp)
        self._ages = ages

    def watch(self, seconds: float) -> None:
        """Take packets for that long."""
        watcher = self._watcher
        sock = watcher.media[0] if watcher.media else watcher.sock
        sock.setblocking(False)
        now = time.monotonic()
        end, due = now + seconds, now + _PERIOD
        while now < end:
            if select.select([sock], [], [], end - now)[0]:
                data = sock.recv(1 << 20)
                self._take([data] if watcher.media else self._cut(data))
            now = time.monotonic()
            if now >= due:
                watcher.stay()
                due = now + _PERIOD

    def _cut(self, data: bytes) -> Iterable[bytes]:
        """Return the RTP packets that have come on the connection."""
        if not data:
            raise SystemExit("the server has closed the connection")
        messages = self._watcher.decoder.feed(data)
        return [
            each.data
            for each in messages
            if isinstance(each, InterleavedFrame) and each.channel == 0
        ]

    def _take(self, packets: Iterable[bytes]) -> None:
        for packet in packets:
            if packet[1] & _MARKER:  # the last packet of a picture has the end of its data
                self._ages.take(packet, None)


def main(url: str, seconds: str, protocol: str, clip: str, clock: str) -> None:
    """Watch, measure, print."""
    ages = Ages(Path(clip), Path(clock))
    viewer = AgeViewer(url, protocol == "udp", ages)
    print("all play", flush=True)
    viewer.watch(WARM_UP)
    ages.is_measuring = True
    viewer.watch(float(seconds))
    found = {f"age_p{percent}": percentile(ages.ages, percent) for percent in (50, 99)}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
