"""The forms of the RTP packets of one packet, for connections, datagrams and workers."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.rtsp.test_rtp_stream import packet, stream
from twistedcam.delivery import memfd
from twistedcam.delivery.memfd import Memfd, as_sendable
from twistedcam.rtsp.messages import InterleavedFrame, RtspDecoder
from twistedcam.rtsp.rtp_frame import (
    MAX_CHANNELS,
    datagram_file,
    interleaved,
    parse_datagrams,
    rtp_frame,
)


def test_interleaved_packets_are_made_once_for_each_channel() -> None:
    sender = stream()
    made = packet(1, 0, b"\0\0\0\1\x65" + b"k" * 3000, key=True)
    frame = sender.make(made)
    found = list(RtspDecoder().feed(interleaved(4)(made)))
    assert found == [
        InterleavedFrame(5, frame.report),
        *(InterleavedFrame(4, each) for each in frame.packets),
    ]
    assert interleaved(4) is interleaved(4)
    assert made.shared(interleaved(4)) is made.shared(interleaved(4))


def test_a_packet_keeps_the_forms_of_few_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memfd, "FEW", -1)  # in memory files, as for many viewers
    made = packet(1, 0, b"\0\0\0\1\x65" + b"k" * 40_000, key=True)
    frame = stream().make(made)
    files = [made.shared(as_sendable(interleaved(channel))) for channel in range(0, 254, 2)]
    kept = [form for form in gc.get_referents(made._shared) if isinstance(form, Memfd)]
    assert len(kept) <= MAX_CHANNELS
    assert kept[-1] is files[-1]
    assert made.shared(rtp_frame) is frame
    data = os.pread(files[0].fd, files[0].size, 0)  # a sender keeps what it is sending
    assert data == made.shared(interleaved(0)) == frame.interleaved(0)


def test_a_packet_without_rtp_packets_is_an_error() -> None:
    with pytest.raises(LookupError):
        packet(1, 0).shared(rtp_frame)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=8))
def test_buffers_are_cut_into_the_same_packets_by_the_kernel(sizes: list[int]) -> None:
    data = b"".join(b"\0\0\0\1\x41" + b"x" * size for size in sizes)
    frame = stream().make(packet(1, 0, data))
    cut = [
        buffer[at : at + step] for buffer, step in frame.runs for at in range(0, len(buffer), step)
    ]
    assert cut == frame.packets


def test_a_large_picture_fits_into_the_buffers_of_the_kernel() -> None:
    frame = stream().make(packet(1, 0, b"\0\0\0\1\x65" + b"k" * 300_000, key=True))
    assert all(len(buffer) <= 65_000 and len(buffer) <= 64 * step for buffer, step in frame.runs)
    assert sum(len(buffer) for buffer, _ in frame.runs) == sum(map(len, frame.packets))


def test_a_worker_gets_the_same_datagrams_and_report() -> None:
    big = packet(1, 0, b"\0\0\0\1\x65" + b"k" * 100_000, key=True)
    frame = stream().make(big)
    found = parse_datagrams(datagram_file(big))
    assert frame.report
    assert (found.report, found.runs) == (frame.report, frame.runs)
    small = packet(2, 40_000)
    sender = stream()
    sender.make(packet(1, 0, key=True))
    sender.make(small)
    found = parse_datagrams(datagram_file(small))
    assert (found.report, found.runs) == (b"", small.shared(rtp_frame).runs)
