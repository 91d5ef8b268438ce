"""NAL units, of which packets of H.264 and H.265 consist (ITU-T H.264 and H.265, clause 7.3.1)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

#: The start code that this program writes before each unit (Annex B).
START_CODE = b"\0\0\0\1"
#: The part that all start codes have.
_SHORT_CODE = b"\0\0\1"
#: Most bytes of a unit that are read: a parameter set with all scaling lists is smaller.
MAX_PARAMETER_SET = 8192


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """Properties of a stream, as its sequence parameter set (SPS) says.

    Arguments:
        codec_string: the codec for browsers, such as ``avc1.42C01F`` (RFC 6381).
        profile: profile_idc.
        level: level_idc; for H.264 ten times the level, for H.265 thirty times.
        width, height: pixels that are shown, after cropping.
        rate: frames per second; None if the SPS does not say it.
        max_reorder_frames: the most frames that come before one that is shown earlier; 0: no
            B-frames are out of order; None if the SPS does not say it.
        chroma_format: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        bit_depth: bits per sample of luma and of chroma.
    """

    codec_string: str
    profile: int
    level: int
    width: int
    height: int
    rate: Fraction | None
    max_reorder_frames: int | None
    chroma_format: int
    bit_depth: tuple[int, int]


def unit_offsets(data: bytes) -> Iterator[int]:
    """The offset of each unit's first byte in Annex B data, found while they are asked for."""
    at = data.find(_SHORT_CODE)
    while at >= 0:
        yield at + 3
        at = data.find(_SHORT_CODE, at + 3)


def split_units(data: bytes) -> list[bytes]:
    """Split Annex B data into its units, without start codes and zeros around them.

    Bytes before the first start code, and empty units, are left out.
    """
    units: list[bytes] = []
    start = data.find(_SHORT_CODE) + 3
    if start < 3:
        return units
    while True:
        end = data.find(_SHORT_CODE, start)
        # A unit does not end in a zero: those are of a longer start code, or padding (B.1.2).
        unit = data[start : end if end >= 0 else None].rstrip(b"\0")
        if unit:
            units.append(unit)
        if end < 0:
            return units
        start = end + 3


def join_units(units: Iterable[bytes]) -> bytes:
    """Join units to Annex B data with start codes of four bytes."""
    return b"".join([part for unit in units for part in (START_CODE, unit)])


def to_length_prefixed(data: bytes) -> bytes:
    """Convert Annex B data to units that each follow their length in four bytes, as in MP4."""
    return b"".join(
        [part for unit in split_units(data) for part in (len(unit).to_bytes(4, "big"), unit)]
    )


def split_length_prefixed(data: bytes, length_size: int = 4) -> list[bytes]:
    """Split data of MP4, in which each unit follows its length, into units.

    Arguments:
        length_size: bytes of each length, from the configuration record.

    Raises:
        ValueError: a length does not fit the data.
    """
    units, at, size = [], 0, len(data)
    while at < size:
        start = at + length_size
        at = start + int.from_bytes(data[at:start], "big")
        if start > size or at > size:
            raise ValueError(f"a NAL unit ends at byte {at} of {size}")
        if at > start:
            units.append(data[start:at])
    return units


def unescape(unit: bytes) -> bytes:
    """The unit without its emulation prevention bytes (7.4.1)."""
    return unit.replace(b"\0\0\3", b"\0\0")


class BitReader:
    """Reads the fields of a unit, without its emulation prevention bytes.

    Its methods raise ValueError behind the end of the unit.

    Arguments:
        unit: a unit without start code.
        skip: bytes of the unit's header.
    """

    def __init__(self, unit: bytes, skip: int) -> None:
        payload = unescape(unit[skip:MAX_PARAMETER_SET])
        self._bits = int.from_bytes(payload, "big")
        self._left = len(payload) * 8

    def read(self, count: int) -> int:
        """An unsigned number of ``count`` bits, u(n)."""
        if count > self._left:
            raise ValueError("a parameter set is truncated")
        self._left -= count
        return self._bits >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        """One bit."""
        return self.read(1) == 1

    def skip(self, count: int) -> None:
        """Skip bits."""
        self.read(count)

    def unsigned(self) -> int:
        """An unsigned Exp-Golomb number, ue(v) (9.1)."""
        zeros = self._left - (self._bits & ((1 << self._left) - 1)).bit_length()
        if zeros > 32:
            raise ValueError("a number in a parameter set is too large")
        self.skip(zeros)
        return self.read(zeros + 1) - 1

    def signed(self) -> int:
        """A signed Exp-Golomb number, se(v) (9.1.1)."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


class NalCodec(ABC):
    """A codec whose packets are access units of NAL units: H.264 or H.265.

    Data is in Annex B. Parameter sets are, too; a decoder needs them before a key frame.
    """

    #: FFmpeg's name of the codec.
    name: str
    #: Types of parameter sets; a decoder needs one of each, in this order.
    set_types: tuple[int, ...]
    #: Types of units that a sample entry has, and no sample of an MP4.
    types_outside_samples: frozenset[int] = frozenset()
    #: Types of slices, of sequence parameter sets, and of access unit delimiters.
    slice_types: frozenset[int]
    sps_type: int
    delimiter_type: int

    @staticmethod
    @abstractmethod
    def unit_type(unit: bytes, at: int = 0) -> int:
        """The type of a unit whose header begins at byte ``at``."""

    @abstractmethod
    def is_keyframe(self, data: bytes) -> bool:
        """True if a decoder with the parameter sets can begin with this access unit."""

    @abstractmethod
    def parse_sps(self, sps: bytes) -> SequenceParameters:
        """Read a sequence parameter set.

        Raises:
            ValueError: it is truncated or not valid.
        """

    @abstractmethod
    def to_configuration(self, sets: bytes) -> bytes:
        """The decoder configuration record of MP4, the content of ``avcC`` or ``hvcC``.

        Raises:
            ValueError: a parameter set is missing or not valid.
        """

    @abstractmethod
    def from_configuration(self, record: bytes) -> tuple[bytes, int]:
        """The parameter sets of a decoder configuration record, and the bytes of each length.

        Raises:
            ValueError: the record is truncated or not of this codec.
        """

    def head_types(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Type and offset of each unit of an access unit, up to its first slice.

        This costs the same for large access units as for small ones.
        """
        last = len(data)
        for at in unit_offsets(data):
            if at >= last:
                return
            kind = self.unit_type(data, at)
            yield kind, at
            if kind in self.slice_types:
                return

    def parameter_sets(self, data: bytes) -> bytes:
        """The parameter sets of an access unit, in the order of ``set_types``; b"" if none."""
        end = len(data)
        for kind, at in self.head_types(data):
            if kind in self.slice_types:
                end = at
        found = [unit for unit in split_units(data[:end]) if self.unit_type(unit) in self.set_types]
        return join_units(sorted(dict.fromkeys(found), key=self._set_order))

    def has_parameter_sets(self, data: bytes) -> bool:
        """True if the data has each parameter set that a decoder must have."""
        kinds = {kind for kind, _ in self.head_types(data)}
        return all(kind in kinds for kind in self.set_types)

    def with_parameter_sets(self, data: bytes, sets: bytes) -> bytes:
        """The access unit with ``sets`` at its beginning, unless it has parameter sets.

        They follow an access unit delimiter, which must be first (H.264, 7.4.1.2.3).
        """
        if self.has_parameter_sets(data):
            return data
        units = [unit for unit in split_units(data) if self.unit_type(unit) not in self.set_types]
        first = 1 if units and self.unit_type(units[0]) == self.delimiter_type else 0
        return join_units([*units[:first], *split_units(sets), *units[first:]])

    def to_sample(self, data: bytes) -> bytes:
        """An access unit as it is in an MP4: each unit follows its length in four bytes.

        All bytes are kept but the start codes, and parameter sets that cannot be in a sample.
        """
        parts: list[bytes] = []
        start = data.find(_SHORT_CODE) + 3
        while start >= 3:
            code = data.find(_SHORT_CODE, start)
            end = len(data) if code < 0 else code
            if code > start and data[code - 1] == 0:
                end -= 1  # the next start code has four bytes
            if end > start and self.unit_type(data, start) not in self.types_outside_samples:
                parts += ((end - start).to_bytes(4, "big"), data[start:end])
            start = code + 3
        return b"".join(parts)

    def sets_by_type(self, sets: bytes) -> dict[int, list[bytes]]:
        """The parameter sets by their types, in the order of ``set_types``."""
        units = split_units(sets)
        return {kind: [u for u in units if self.unit_type(u) == kind] for kind in self.set_types}

    def sequence_parameters(self, data: bytes) -> SequenceParameters:
        """Read the first SPS in an access unit or in parameter sets.

        Raises:
            ValueError: there is none, or it is not valid.
        """
        for unit in split_units(data):
            if self.unit_type(unit) == self.sps_type:
                return self.parse_sps(unit)
        raise ValueError("there is no sequence parameter set")

    def _set_order(self, unit: bytes) -> int:
        return self.set_types.index(self.unit_type(unit))
