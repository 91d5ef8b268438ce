"""Access units, and how depacketizers of NAL units join them."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from twistedcam.media.nal import START_CODE, NalCodec, join_units

#: The longest access unit, in bytes.
MAX_UNIT = 32 << 20
_MAX_SETS = 64
#: Bytes of memory that a NAL unit or a fragment takes beside its own.
_OVERHEAD = 64
_LOST = "packets were lost"


class AccessUnit(NamedTuple):
    """A picture or a piece of sound, as its packets carried it.

    Arguments:
        timestamp: of RTP, 32 bits, in units of the format's clock.
        data: H.264 and H.265 in Annex B; empty if there is a fault.
        is_keyframe: True if a decoder can begin here.
        fault: the reason why the unit cannot be used.
    """

    timestamp: int
    data: bytes
    is_keyframe: bool = True
    fault: str = ""


class NalDepacketizer:
    """Joins the NAL units of one picture by RTP time and marker; the base of H.264 and H.265.

    Cameras may send parameter sets before each slice. They are allowed only before the first slice
    of a picture, so later ones are left out of its access unit.

    Arguments:
        parameter_sets: NAL units that the session description has, without start codes.
    """

    codec: NalCodec

    def __init__(self, parameter_sets: tuple[bytes, ...] = ()) -> None:
        self._sets: dict[tuple[int, int], bytes] = {}
        self._extradata: bytes | None = None
        #: The RTP timestamp of the picture under way, or of the last one.
        self.timestamp: int | None = None
        #: NAL units of the picture under way.
        self._nals: list[bytes] = []
        self._size = 0
        self._fault = ""
        #: True if packets are missing before the next one.
        self._has_gap = False
        #: True if the last packet had the marker, and if the camera also sets it within a picture.
        self._has_ended = self._ignores_marker = False
        #: Pieces of a fragmented NAL unit; None between fragmented ones. And how the payloads of
        #: its next ones begin, but for the last.
        self._pieces: list[bytes] | None = None
        self._continuation = b""
        for nal in parameter_sets:
            self._note_set(nal)

    @property
    def extradata(self) -> bytes:
        """The parameter sets known so far, in Annex B; a new object when they have changed."""
        if self._extradata is None:
            order = self.codec.set_types.index
            keys = sorted(self._sets, key=lambda key: (order(key[0]), key[1]))
            self._extradata = join_units(self._sets[key] for key in keys)
        return self._extradata

    @property
    def is_complete(self) -> bool:
        """True if a parameter set of each type is known, so that a decoder can begin."""
        return {kind for kind, _ in self._sets}.issuperset(self.codec.set_types)

    @property
    def continuation(self) -> bytes:
        """The bytes before the piece in the next fragment; empty if none is expected.

        The first and the last fragment of a NAL unit begin in another way.
        """
        return b"" if self._pieces is None else self._continuation

    def push_pieces(self, pieces: list[bytes]) -> None:
        """Take the pieces of the next fragments: all of them began with ``continuation``."""
        assert self._pieces is not None
        self._size += sum(map(len, pieces)) + _OVERHEAD * len(pieces)
        if self._size <= MAX_UNIT:  # else the next packet finds that it is too large
            self._pieces += pieces

    def push(self, payload: bytes, timestamp: int, marker: bool) -> tuple[AccessUnit, ...]:
        """Take the payload of the next packet; return the access units that are complete now.

        Arguments:
            timestamp, marker: of the packet.
        """
        done: tuple[AccessUnit, ...] = ()
        if timestamp != self.timestamp:
            done = self._next_picture(payload, timestamp)
        elif self._has_ended or self._has_gap:
            self._check_continuation(payload)
        if self._size > MAX_UNIT:
            self._damage(f"a picture is larger than {MAX_UNIT >> 20} MiB")
        elif payload:
            self._size += len(payload) + _OVERHEAD
            self._take(payload)
        if not marker or self._ignores_marker:
            return done
        self._has_ended = True
        return (*done, *self._finish()) if done else self._finish()

    def lost(self) -> None:
        """Note that packets are missing before the next one."""
        self._has_gap = True

    def _next_picture(self, payload: bytes, timestamp: int) -> tuple[AccessUnit, ...]:
        """Return the picture under way, and begin the next one."""
        if self._has_gap and self._nals:  # its end may be missing
            self._damage(_LOST)
        done = self._finish()
        last, self.timestamp, self._has_ended = self.timestamp, timestamp, False
        if self._has_gap:
            self._has_gap = False
            if not payload or not self._begins(payload):
                self._damage(_LOST)
            elif not done and last is not None:  # whole pictures are missing
                done = (AccessUnit(last, b"", False, _LOST),)
        return done

    def _check_continuation(self, payload: bytes) -> None:
        """Check a packet that follows a gap or a marker, and has the time of the one before."""
        if self._has_gap:
            self._has_gap, self._pieces = False, None
            self._damage(_LOST)
        if self._has_ended and payload and not self._begins(payload):
            self._ignores_marker = True
            self._damage("the camera marks an end within a picture")
        self._has_ended = False

    def _take(self, payload: bytes) -> None:
        """Take the NAL units of a payload, or a piece of one."""
        raise NotImplementedError

    def _begins(self, payload: bytes) -> bool:
        """True if the first NAL unit of a payload can begin a picture."""
        raise NotImplementedError

    def _set_id(self, kind: int, nal: bytes) -> int:
        """The number of a parameter set; ValueError if it is cut."""
        raise NotImplementedError

    def _damage(self, reason: str) -> None:
        if not self._fault:
            self._fault = reason

    def _fragment(
        self, head: bytes, piece: bytes, is_first: bool, is_last: bool, continuation: bytes = b""
    ) -> None:
        """Take a piece of a fragmented NAL unit.

        Arguments:
            continuation: how its next fragments begin; empty if each one is another.
        """
        if is_first:
            if self._pieces is not None:
                self._damage("a fragment of a picture has no end")
            self._pieces = [head]
            self._continuation = continuation
        if self._pieces is None:
            self._damage("a fragment of a picture has no beginning")
            return
        self._pieces.append(piece)
        if is_last:
            self._nals.append(b"".join(self._pieces))
            self._pieces = None

    def _aggregate(self, payload: bytes, at: int) -> None:
        """Take several NAL units, each with its length in two bytes before it."""
        size = len(payload)
        while at + 2 < size:
            end = at + 2 + (payload[at] << 8 | payload[at + 1])
            if end > size or end == at + 2:
                self._damage("an aggregated packet is cut")
                return
            self._nals.append(payload[at + 2 : end])
            self._size += _OVERHEAD
            at = end

    def _note_set(self, nal: bytes) -> None:
        kind = self.codec.unit_type(nal)
        if kind not in self.codec.set_types:
            return
        key = (kind, 0)
        with suppress(ValueError):
            key = (kind, self._set_id(kind, nal))
        if self._sets.get(key) != nal and (key in self._sets or len(self._sets) < _MAX_SETS):
            self._sets[key] = nal
            self._extradata = None

    def _finish(self) -> tuple[AccessUnit, ...]:
        """Return the picture under way, if there is any."""
        nals, fault, timestamp = self._nals, self._fault, self.timestamp
        if self._pieces is not None:
            fault = fault or "a fragment of a picture has no end"
            self._pieces = None
        self._nals, self._fault, self._size = [], "", 0
        if timestamp is None or not (nals or fault):
            return ()
        codec = self.codec
        kept: list[bytes] = []
        has_sets = has_slice = False
        for nal in nals:
            kind = codec.unit_type(nal)
            if kind in codec.set_types:
                self._note_set(nal)
                has_sets = True
                if has_slice:
                    continue
            elif kind in codec.slice_types:
                has_slice = True
            elif has_slice and kind == codec.delimiter_type:
                continue
            kept.append(nal)
        if fault:
            return (AccessUnit(timestamp, b"", False, fault),)
        if not has_slice:  # parameter sets alone, or messages to the decoder
            return ()
        data = START_CODE + START_CODE.join(kept)
        is_key = codec.is_keyframe(data)
        if is_key:
            data = self._with_sets(kept, has_sets)
        return (AccessUnit(timestamp, data, is_key),)

    def _with_sets(self, nals: list[bytes], has_sets: bool) -> bytes:
        """A key frame, which begins with all parameter sets, after a delimiter if it has one."""
        codec = self.codec
        start = 1 if codec.unit_type(nals[0]) == codec.delimiter_type else 0
        rest = nals[start:]
        if has_sets:
            rest = [nal for nal in rest if codec.unit_type(nal) not in codec.set_types]
        return join_units(nals[:start]) + self.extradata + join_units(rest)
