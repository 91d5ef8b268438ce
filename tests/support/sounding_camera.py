"""A publisher of a ``push:`` camera with a picture and a tone, in step with the clock."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np

from tests.support.films import jpeg
from tests.support.process import PATIENCE
from twistedcam import wire
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track

#: Seconds of a packet, and packets of the tone, which is repeated.
PIECE, PIECES = 0.02, 50


@cache
def tone() -> tuple[bytes, list[bytes]]:
    """The OpusHead and the packets of a second of 440 Hz."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout = 48_000, "s16", "mono"
    encoder.time_base = Fraction(1, 48_000)
    encoder.open()
    samples = np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000) * 10_000
    frame = av.AudioFrame.from_ndarray(samples.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    made = [bytes(each) for each in encoder.encode(frame)]
    return bytes(encoder.extradata), made[2:PIECES]


@contextmanager
def sounding_camera(address: tuple[str, int], camera: str) -> Iterator[threading.Event]:
    """Publish ten pictures and fifty packets of sound a second.

    Yields an event: while it is set, the camera sends nothing.
    """
    head, packets = tone()
    track, picture = sound_track("opus", head), jpeg()
    ended, paused = threading.Event(), threading.Event()
    connection = socket.create_connection(address, PATIENCE)
    connection.sendall(wire.Join("publish", camera, window=0).encode())
    connection.sendall(wire.configuration_message(track))

    def run() -> None:
        begin, count = time.time(), 0
        while not ended.wait(max(0.0, begin + count * PIECE - time.time())):
            time_us = round((begin + count * PIECE) * 1e6)
            count += 1
            if paused.is_set():
                continue
            if count % 5 == 1:
                connection.sendall(wire.frame_message(Frame(count, time_us, 160, 120, picture)))
            data = packets[count % len(packets)]
            connection.sendall(wire.frame_message(Packet(track, count, time_us, 0, data)))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield paused
    finally:
        ended.set()
        thread.join()
        connection.close()
