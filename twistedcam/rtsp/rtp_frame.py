"""The RTP packets of one packet, in the forms in which transports send them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import cache

from twistedcam.media.packet import Packet
from twistedcam.rtsp.messages import interleaved_head

#: Datagrams and bytes that the kernel cuts one buffer into at most (UDP_MAX_SEGMENTS).
_MAX_SEGMENTS, _MAX_BUFFER = 64, 65_000
#: The channels for which a packet keeps a form of its own. Clients choose their channels, and
#: nearly all take the same; if each took another, a group would be kept a hundred times.
MAX_CHANNELS = 4
#: The sizes of a sender report and of the number of runs; the length and the step of a run.
_HEAD, _RUN = struct.Struct("!HH"), struct.Struct("!IH")

#: A buffer of datagrams, and the size at which the kernel cuts it.
Run = tuple[bytes, int]


class RtpFrame:
    """The RTP packets of one packet, and its forms for the transports.

    Arguments:
        packets: whole RTP packets.
        sequence, timestamp: of the first.
        report: a sender report that goes before them, or nothing.
    """

    __slots__ = ("_channels", "_runs", "packets", "report", "sequence", "timestamp")

    def __init__(
        self, packets: list[bytes], sequence: int, timestamp: int, report: bytes = b""
    ) -> None:
        self.packets = packets
        self.sequence = sequence
        self.timestamp = timestamp
        self.report = report
        #: The channels whose forms the packet keeps.
        self._channels: set[int] = set()
        self._runs: list[Run] | None = None

    def interleaved(self, channel: int) -> bytes:
        """Return all packets with their interleaved heads (RFC 2326, section 10.12).

        Arguments:
            channel: of RTP; RTCP has the next one.
        """
        parts = [interleaved_head(channel + 1, len(self.report)), self.report]
        if not self.report:
            parts.clear()
        for packet in self.packets:
            parts += interleaved_head(channel, len(packet)), packet
        return b"".join(parts)

    def note_channel(self, channel: int) -> bool:
        """Note that a form for a channel is made. Return False if there are too many already.

        The forms of the other channels are to be forgotten then.
        """
        if len(self._channels) >= MAX_CHANNELS and channel not in self._channels:
            self._channels = {channel}
            return False
        self._channels.add(channel)
        return True

    @property
    def runs(self) -> list[Run]:
        """The datagrams in buffers, each with the size at which the kernel cuts it (GSO).

        All datagrams of a buffer have that size, but for the last one, which may be shorter.
        """
        if self._runs is None:
            self._runs = [(b"".join(run), len(run[0])) for run in _equal_runs(self.packets)]
        return self._runs


def _equal_runs(packets: list[bytes]) -> Iterator[list[bytes]]:
    run: list[bytes] = []
    for packet in packets:
        size = len(run[0]) if run else 0
        is_full = len(run) >= _MAX_SEGMENTS or (len(run) + 1) * size > _MAX_BUFFER
        if run and (len(packet) > size or len(run[-1]) < size or is_full):
            yield run
            run = []
        run.append(packet)
    if run:
        yield run


def rtp_frame(packet: Packet) -> RtpFrame:
    """Return the RTP packets that RtpStream has made of a packet, for ``packet.shared``."""
    raise LookupError(f"{packet!r} has no RTP packets")


@cache
def interleaved(channel: int) -> Callable[[Packet], bytes]:
    """Return the function that serializes a packet for a channel: the same one each time."""

    def serialize(packet: Packet) -> bytes:
        frame: RtpFrame = packet.shared(rtp_frame)
        if not frame.note_channel(channel):
            packet.keep_only(rtp_frame)
        return frame.interleaved(channel)

    return serialize


def datagram_file(packet: Packet) -> bytes:
    """Serialize the datagrams of a packet for a process that sends them (``parse_datagrams``)."""
    frame: RtpFrame = packet.shared(rtp_frame)
    runs = frame.runs
    parts = [_HEAD.pack(len(frame.report), len(runs)), frame.report]
    parts += (_RUN.pack(len(buffer), step) for buffer, step in runs)
    parts += (buffer for buffer, _ in runs)
    return b"".join(parts)


class Datagrams:
    """The datagrams of one packet.

    Arguments:
        report: a sender report that goes before them, or nothing.
        runs: as of RtpFrame.
    """

    __slots__ = ("report", "runs")

    def __init__(self, report: bytes, runs: list[Run]) -> None:
        self.report = report
        self.runs = runs


def parse_datagrams(data: bytes) -> Datagrams:
    """Return the datagrams of ``datagram_file``."""
    report_size, count = _HEAD.unpack_from(data)
    at = _HEAD.size + report_size
    report = data[_HEAD.size : at]
    begin, runs = at + count * _RUN.size, []
    for size, step in _RUN.iter_unpack(data[at:begin]):
        runs.append((data[begin : begin + size], step))
        begin += size
    return Datagrams(report, runs)
