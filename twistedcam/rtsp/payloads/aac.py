"""AAC in RTP (RFC 3640, modes AAC-hbr and AAC-lbr)."""

from __future__ import annotations

from twistedcam.rtsp.payloads.unit import AccessUnit

#: Samples of an access unit by which each following one of a packet is later.
FRAME_SAMPLES = 1024
#: Bytes of an access unit at most: its header has 13 bits for them (RFC 3640, 3.3.6).
MAX_AAC_UNIT = 2**13 - 1


class AacDepacketizer:
    """Makes raw AAC access units, without ADTS, of packets.

    Arguments:
        size_length, index_length: bits of the fields in each AU header (the ``fmtp`` line).
        frame_samples: samples of an access unit, in units of the timestamp.
    """

    def __init__(
        self, size_length: int = 13, index_length: int = 3, frame_samples: int = FRAME_SAMPLES
    ) -> None:
        if not 1 <= size_length <= 16 or not 0 <= index_length <= 16:
            raise ValueError(f"AAC with headers of {size_length} and {index_length} bits")
        self._size_length = size_length
        self._index_length = index_length
        self._frame_samples = frame_samples
        self._pieces: list[bytes] = []
        self._missing = 0
        self._timestamp = 0

    def push(self, payload: bytes, timestamp: int, marker: bool) -> tuple[AccessUnit, ...]:
        """Take the payload of the next packet; return the access units that are complete now.

        Arguments:
            timestamp, marker: of the packet.
        """
        sizes, at = self._sizes(payload)
        if sizes is None:
            return (AccessUnit(timestamp, b"", False, "a packet with AAC is cut"),)
        data = payload[at:]
        if self._missing and (timestamp != self._timestamp or len(sizes) != 1):
            self._missing, self._pieces = 0, []
            fault = AccessUnit(self._timestamp, b"", False, "a fragment of AAC has no end")
            return (fault, *self.push(payload, timestamp, marker))
        if self._missing or (len(sizes) == 1 and sizes[0] > len(data)):
            return self._join(data, sizes[0], timestamp)
        units: list[AccessUnit] = []
        start = 0
        for number, size in enumerate(sizes):
            unit = data[start : start + size]
            time = (timestamp + number * self._frame_samples) & 0xFFFFFFFF
            if len(unit) < size:
                return (*units, AccessUnit(time, b"", False, "a packet with AAC is cut"))
            if unit:
                units.append(AccessUnit(time, unit))
            start += size
        return tuple(units)

    def lost(self) -> None:
        """Note that packets are missing before the next one."""
        self._missing, self._pieces = 0, []

    def _join(self, piece: bytes, size: int, timestamp: int) -> tuple[AccessUnit, ...]:
        """Take a fragment of an access unit of ``size`` bytes."""
        if not self._missing:
            self._missing, self._timestamp = size, timestamp
        self._pieces.append(piece)
        self._missing -= len(piece)
        if self._missing > 0:
            return ()
        unit = b"".join(self._pieces)
        fault = "" if self._missing == 0 else "a fragment of AAC is too long"
        self._missing, self._pieces = 0, []
        return (AccessUnit(timestamp, b"" if fault else unit, not fault, fault),)

    def _sizes(self, payload: bytes) -> tuple[list[int] | None, int]:
        """Return the sizes in the AU headers, None if they are cut, and where the data begins."""
        if len(payload) < 2:
            return None, 0
        bits = payload[0] << 8 | payload[1]
        end = 2 + (bits + 7) // 8
        each = self._size_length + self._index_length
        if end > len(payload) or bits < each:
            return None, 0
        headers = int.from_bytes(payload[2:end], "big")
        total = (end - 2) * 8
        mask = (1 << self._size_length) - 1
        # AU-Index and AU-Index-Delta have the same length in all modes with AAC.
        return [
            headers >> (total - number * each - self._size_length) & mask
            for number in range(bits // each)
        ], end


def packetize(data: bytes, limit: int) -> list[bytes]:
    """Return the payloads of the RTP packets of an access unit, which has no ADTS header.

    Arguments:
        data: the access unit.
        limit: bytes of a payload at most.

    Raises:
        ValueError: it has more than MAX_AAC_UNIT bytes.
    """
    if len(data) > MAX_AAC_UNIT:
        raise ValueError(f"an AAC frame has {len(data)} bytes: it can have {MAX_AAC_UNIT} at most")
    # The number of bits in the headers; then size (13 bits) and index (3 bits) of the unit. Each
    # fragment has the size of the whole unit (section 3.2.3.1).
    head = b"\x00\x10" + (len(data) << 3).to_bytes(2, "big")
    step = limit - len(head)
    return [head + data[at : at + step] for at in range(0, len(data), step)]
