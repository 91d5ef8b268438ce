"""Structure of H.264: key frames, parameter sets and their form in MP4 (ITU-T H.264)."""

from __future__ import annotations

import struct
from contextlib import suppress
from fractions import Fraction
from typing import Final

from twistedcam.media.nal import (
    BitReader,
    NalCodec,
    SequenceParameters,
    join_units,
    unescape,
)

#: Types of units (table 7-1).
_SLICE, _PARTITION_A, _IDR, _SEI, _SPS, _PPS, _DELIMITER = 1, 2, 5, 6, 7, 8, 9
_RECOVERY_POINT = 6  # a type of SEI messages (D.1)
_BASELINE = 66
#: Profiles whose SPS says the format of chroma (7.3.2.1.1).
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
#: Profiles whose configuration record says it, too (ISO/IEC 14496-15, 5.3.3.1.2).
_RECORD_PROFILES = frozenset((100, 110, 122, 144, 244))
_EXPLICIT_ASPECT_RATIO = 255
#: Samples of luma for one of chroma, horizontally and vertically, by the format of chroma.
CHROMA_STEPS = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}


class _H264(NalCodec):
    name = "h264"
    set_types = (_SPS, _PPS)
    slice_types = frozenset((_SLICE, _PARTITION_A, _IDR))
    sps_type = _SPS
    delimiter_type = _DELIMITER

    @staticmethod
    def unit_type(unit: bytes, at: int = 0) -> int:
        return unit[at] & 31

    def is_keyframe(self, data: bytes) -> bool:
        """True if it is an IDR picture, or begins with a recovery point.

        Streams with open groups of pictures, or with a gradual refresh, have recovery points.
        """
        recovers = False
        for kind, at in self.head_types(data):
            if kind == _IDR:
                return True
            if kind == _SEI:
                recovers = recovers or _has_recovery_point(data, at)
        return recovers

    def parse_sps(self, sps: bytes) -> SequenceParameters:
        bits = BitReader(sps, 1)
        profile, constraints, level = bits.read(8), bits.read(8), bits.read(8)
        bits.unsigned()  # seq_parameter_set_id
        chroma, depth = _read_format(bits) if profile in _HIGH_PROFILES else (1, (8, 8))
        bits.unsigned()  # log2_max_frame_num_minus4
        order_type = bits.unsigned()
        _skip_order(bits, order_type)
        bits.unsigned()  # max_num_ref_frames
        bits.skip(1)
        columns, rows = bits.unsigned() + 1, bits.unsigned() + 1
        fields = 1 if bits.flag() else 2  # frame_mbs_only_flag
        bits.skip(fields)  # mb_adaptive_frame_field_flag, direct_8x8_inference_flag
        step_x, step_y = CHROMA_STEPS[chroma]
        width, height = columns * 16, rows * 16 * fields
        if bits.flag():
            left, right, top, bottom = (bits.unsigned() for _ in range(4))
            width -= (left + right) * step_x
            height -= (top + bottom) * step_y * fields
        if width <= 0 or height <= 0:
            raise ValueError(f"a parameter set says {width}x{height} pixels")
        rate, reorder = None, None
        if bits.flag():
            with suppress(ValueError):  # some cameras write it truncated; the rest is valid
                rate, reorder = _read_vui(bits)
        if reorder is None and (profile == _BASELINE or order_type == 2):
            reorder = 0  # no B-frames (A.2.1); output in the order of decoding (8.2.1.3)
        return SequenceParameters(
            codec_string=f"avc1.{profile:02X}{constraints:02X}{level:02X}",
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
        """The AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1.2)."""
        by_type = self.sets_by_type(sets)
        if not all(by_type.values()):
            raise ValueError("H.264 needs an SPS and a PPS")
        sps = by_type[_SPS][0]
        parts = [b"\1", sps[1:4], b"\xff"]
        for mark, kind in ((0xE0, _SPS), (0, _PPS)):
            parts.append(bytes([mark | min(len(by_type[kind]), 31)]))
            for unit in by_type[kind][:31]:
                parts.append(struct.pack("!H", len(unit)) + unit)
        if sps[1] in _RECORD_PROFILES:
            parsed = self.parse_sps(sps)
            luma, chroma = parsed.bit_depth
            chroma_format = 0xFC | parsed.chroma_format
            parts.append(bytes([chroma_format, 0xF8 | luma - 8, 0xF8 | chroma - 8, 0]))
        return b"".join(parts)

    def from_configuration(self, record: bytes) -> tuple[bytes, int]:
        if len(record) < 7 or record[0] != 1:
            raise ValueError("this is no AVCDecoderConfigurationRecord")
        units, at = [], 5
        for mask in (31, 255):
            if at >= len(record):
                raise ValueError("a configuration record is truncated")
            count, at = record[at] & mask, at + 1
            for _ in range(count):
                start = at + 2
                at = start + int.from_bytes(record[at:start], "big")
                if at > len(record):
                    raise ValueError("a configuration record is truncated")
                units.append(record[start:at])
        return join_units(units), (record[4] & 3) + 1


#: H.264, by FFmpeg's name ``h264``.
H264: Final = _H264()


def _has_recovery_point(data: bytes, at: int) -> bool:
    """True if the SEI unit that begins at ``at`` has a recovery point (7.3.2.3.1, D.1.8)."""
    end = data.find(b"\0\0\1", at)
    messages = unescape(data[at + 1 : end if end >= 0 else None])
    at, last = 0, len(messages) - 2
    while at < last:
        numbers = []
        for _ in ("type", "size"):
            number = 0
            while at < last and messages[at] == 0xFF:
                number += 255
                at += 1
            numbers.append(number + messages[at])
            at += 1
        if numbers[0] == _RECOVERY_POINT:
            return True
        at += numbers[1]
    return False


def _read_format(bits: BitReader) -> tuple[int, tuple[int, int]]:
    """Read the format of chroma and the bit depths."""
    chroma = bits.unsigned()
    if chroma not in CHROMA_STEPS:
        raise ValueError(f"a parameter set says chroma_format_idc={chroma}")
    bits.skip(1 if chroma == 3 else 0)  # separate_colour_plane_flag
    depth = bits.unsigned() + 8, bits.unsigned() + 8
    if max(depth) > 14:
        raise ValueError(f"a parameter set says {max(depth)} bits per sample")
    bits.skip(1)
    if bits.flag():  # seq_scaling_matrix_present_flag
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, depth


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
            last = following or last


def _skip_order(bits: BitReader, order_type: int) -> None:
    """Skip the fields about the pictures' order, which depend on pic_order_cnt_type."""
    if order_type == 0:
        bits.unsigned()
    elif order_type == 1:
        bits.skip(1)
        bits.signed()
        bits.signed()
        count = bits.unsigned()
        if count > 255:
            raise ValueError(f"a parameter set says {count} frames in a cycle")
        for _ in range(count):
            bits.signed()


def _read_vui(bits: BitReader) -> tuple[Fraction | None, int | None]:
    """Read the frame rate and max_num_reorder_frames (E.1.1)."""
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
    rate = None
    if bits.flag():
        ticks, clock = bits.read(32), bits.read(32)
        bits.skip(1)
        if ticks and clock:
            rate = Fraction(clock, 2 * ticks)  # a tick is a field
    has_decoder_model = False
    for _ in ("NAL", "VCL"):
        if bits.flag():
            has_decoder_model = True
            _skip_decoder_model(bits)
    bits.skip(2 if has_decoder_model else 1)  # low_delay_hrd_flag, pic_struct_present_flag
    if not bits.flag():
        return rate, None
    bits.skip(1)
    for _ in range(4):
        bits.unsigned()
    return rate, bits.unsigned()


def _skip_decoder_model(bits: BitReader) -> None:
    """Skip the parameters of the hypothetical reference decoder (E.1.2)."""
    count = bits.unsigned() + 1
    if count > 32:
        raise ValueError(f"a parameter set says {count} buffers")
    bits.skip(8)
    for _ in range(count):
        bits.unsigned()
        bits.unsigned()
        bits.skip(1)
    bits.skip(20)
