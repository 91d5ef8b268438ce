"""Structure of H.265: key frames, parameter sets and their form in MP4 (ITU-T H.265)."""

from __future__ import annotations

import struct
from contextlib import suppress
from fractions import Fraction
from typing import Final

from twistedcam.media.h264 import CHROMA_STEPS
from twistedcam.media.nal import (
    BitReader,
    NalCodec,
    SequenceParameters,
    join_units,
    unescape,
)

#: Types of units (table 7-1).
_VPS, _SPS, _PPS, _DELIMITER = 32, 33, 34, 35
#: Types of slices of pictures at which a decoder can begin (IRAP).
_RANDOM_ACCESS = range(16, 24)
_EXPLICIT_ASPECT_RATIO = 255
#: Bytes of general profile, tier, level and constraints in a configuration record.
_PROFILE_SIZE = 12


class _H265(NalCodec):
    name = "hevc"
    set_types = (_VPS, _SPS, _PPS)
    types_outside_samples = frozenset(set_types)  # ISO/IEC 14496-15, 8.3.2: "hvc1"
    slice_types = frozenset(range(32))
    sps_type = _SPS
    delimiter_type = _DELIMITER

    @staticmethod
    def unit_type(unit: bytes, at: int = 0) -> int:
        return unit[at] >> 1 & 63

    def is_keyframe(self, data: bytes) -> bool:
        """True if it is a random access picture: IDR, CRA or BLA."""
        return any(kind in _RANDOM_ACCESS for kind, _ in self.head_types(data))

    def parse_sps(self, sps: bytes) -> SequenceParameters:
        bits = BitReader(sps, 2)
        bits.skip(4)
        sub_layers = bits.read(3)  # sps_max_sub_layers_minus1
        bits.skip(1)
        codec_string, profile, level = _read_profile(bits, sub_layers)
        bits.unsigned()  # sps_seq_parameter_set_id
        chroma = bits.unsigned()
        if chroma not in CHROMA_STEPS:
            raise ValueError(f"a parameter set says chroma_format_idc={chroma}")
        bits.skip(1 if chroma == 3 else 0)  # separate_colour_plane_flag
        width, height = bits.unsigned(), bits.unsigned()
        if bits.flag():
            step_x, step_y = CHROMA_STEPS[chroma]
            left, right, top, bottom = (bits.unsigned() for _ in range(4))
            width -= (left + right) * step_x
            height -= (top + bottom) * step_y
        if width <= 0 or height <= 0:
            raise ValueError(f"a parameter set says {width}x{height} pixels")
        depth = bits.unsigned() + 8, bits.unsigned() + 8
        if max(depth) > 16:
            raise ValueError(f"a parameter set says {max(depth)} bits per sample")
        order_bits = bits.unsigned() + 4
        reorder = 0
        for _ in range(sub_layers + 1 if bits.flag() else 1):
            bits.unsigned()
            reorder = bits.unsigned()
            bits.unsigned()
        _skip_coding_tools(bits)
        _skip_reference_sets(bits, order_bits)
        bits.skip(2)
        rate = None
        if bits.flag():
            with suppress(ValueError):  # some cameras write it truncated; the rest is valid
                rate = _read_vui_rate(bits)
        return SequenceParameters(
            codec_string=codec_string,
            profile=profile,
            level=level,
            width=width,
            height=height,
            rate=rate,
            max_reorder_frames=reorder,
            chroma_format=chroma,
            bit_depth=depth,
        )

    def to_configuration(self, sets: bytes) -> bytes:
        """The HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1.2)."""
        by_type = self.sets_by_type(sets)
        if not all(by_type.values()):
            raise ValueError("H.265 needs a VPS, an SPS and a PPS")
        sps = by_type[_SPS][0]
        parsed = self.parse_sps(sps)
        plain = unescape(sps)
        luma, chroma = parsed.bit_depth
        layers, is_nested = (plain[2] >> 1 & 7) + 1, plain[2] & 1
        parts = [
            b"\1",
            plain[3 : 3 + _PROFILE_SIZE],
            # Spatial segmentation, parallelism and frame rate are unspecified. Between them are
            # the formats; lengths have four bytes.
            struct.pack(
                "!HBBBB",
                0xF000,
                0xFC,
                0xFC | parsed.chroma_format,
                0xF8 | luma - 8,
                0xF8 | chroma - 8,
            ),
            struct.pack("!HBB", 0, layers << 3 | is_nested << 2 | 3, len(by_type)),
        ]
        for kind, found in by_type.items():
            parts.append(struct.pack("!BH", 0x80 | kind, len(found)))
            for unit in found:
                parts.append(struct.pack("!H", len(unit)) + unit)
        return b"".join(parts)

    def from_configuration(self, record: bytes) -> tuple[bytes, int]:
        if len(record) < 23 or record[0] != 1:
            raise ValueError("this is no HEVCDecoderConfigurationRecord")
        units, at = [], 23
        for _ in range(record[22]):
            count, at = int.from_bytes(record[at + 1 : at + 3], "big"), at + 3
            for _ in range(count):
                start = at + 2
                at = start + int.from_bytes(record[at:start], "big")
                if at > len(record):
                    raise ValueError("a configuration record is truncated")
                units.append(record[start:at])
        sets = [unit for unit in units if unit and self.unit_type(unit) in self.set_types]
        return join_units(sets), (record[21] & 3) + 1


#: H.265, by FFmpeg's name ``hevc``.
H265: Final = _H265()


def _read_profile(bits: BitReader, sub_layers: int) -> tuple[str, int, int]:
    """Read profile, tier and level (7.3.3): the codec string, profile_idc and level_idc.

    The string is of ISO/IEC 14496-15, E.3.
    """
    space, tier, profile = bits.read(2), bits.read(1), bits.read(5)
    compatible, constraints, level = bits.read(32), bits.read(48), bits.read(8)
    has_profile, has_level = [], []
    for _ in range(sub_layers):
        has_profile.append(bits.flag())
        has_level.append(bits.flag())
    if sub_layers:
        bits.skip(2 * (8 - sub_layers))
        for profile_said, level_said in zip(has_profile, has_level, strict=True):
            bits.skip(88 * profile_said + 8 * level_said)
    reversed_flags = int(f"{compatible:032b}"[::-1], 2)
    words = [
        "hvc1",
        f"{('', 'A', 'B', 'C')[space]}{profile}",
        f"{reversed_flags:X}",
        f"{'LH'[tier]}{level}",
        *(f"{byte:X}" for byte in constraints.to_bytes(6, "big").rstrip(b"\0")),
    ]
    return ".".join(words), profile, level


def _skip_coding_tools(bits: BitReader) -> None:
    """Skip sizes of blocks, scaling lists and PCM."""
    for _ in range(6):
        bits.unsigned()
    if bits.flag() and bits.flag():
        _skip_scaling_lists(bits)
    bits.skip(2)
    if bits.flag():  # pcm_enabled_flag
        bits.skip(8)
        bits.unsigned()
        bits.unsigned()
        bits.skip(1)


def _skip_scaling_lists(bits: BitReader) -> None:
    """Skip the scaling lists (7.3.4)."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():
                bits.unsigned()
                continue
            for _ in range(min(64, 16 << 2 * size) + (size > 1)):
                bits.signed()


def _skip_reference_sets(bits: BitReader, order_bits: int) -> None:
    """Skip the sets of reference pictures (7.3.7) and the long-term ones."""
    counts: list[int] = []
    sets = bits.unsigned()
    if sets > 64:
        raise ValueError(f"a parameter set says {sets} sets of reference pictures")
    for index in range(sets):
        if index and bits.flag():  # predicted from the set before
            bits.skip(1)
            bits.unsigned()
            kept = 0
            for _ in range(counts[-1] + 1):
                kept += bits.flag() or bits.flag()
            counts.append(kept)
        else:
            pictures = bits.unsigned() + bits.unsigned()
            if pictures > 32:
                raise ValueError(f"a parameter set says {pictures} reference pictures")
            for _ in range(pictures):
                bits.unsigned()
                bits.skip(1)
            counts.append(pictures)
    if bits.flag():
        long_term = bits.unsigned()
        bits.skip(long_term * (order_bits + 1))


def _read_vui_rate(bits: BitReader) -> Fraction | None:
    """Read the frame rate of the VUI parameters (E.2.1)."""
    if bits.flag() and bits.read(8) == _EXPLICIT_ASPECT_RATIO:
        bits.skip(32)
    if bits.flag():  # overscan
        bits.skip(1)
    if bits.flag():  # video signal type
        bits.skip(4)
        if bits.flag():
            bits.skip(24)
    if bits.flag():  # location of chroma
        bits.unsigned()
        bits.unsigned()
    bits.skip(3)
    if bits.flag():  # default display window
        for _ in range(4):
            bits.unsigned()
    if not bits.flag():
        return None
    ticks, clock = bits.read(32), bits.read(32)
    return Fraction(clock, ticks) if ticks and clock else None
