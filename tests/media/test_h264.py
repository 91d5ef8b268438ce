"""Structure of H.264: where a decoder can begin, and names for browsers."""

from __future__ import annotations

import pytest

from tests.support.nal_streams import encoded, exp_golomb, from_bits
from twistedcam.media.h264 import H264
from twistedcam.media.nal import join_units, split_units


def test_the_codec_string_has_profile_constraints_and_level() -> None:
    sps = bytes.fromhex("6742c01fd901405ba10000030001000003003c0f1832e0")
    assert H264.parse_sps(sps).codec_string == "avc1.42C01F"
    high = encoded("h264", options=(("preset", "medium"), ("level", "4.1")))[0]
    assert H264.sequence_parameters(high).codec_string == "avc1.640029"


def test_a_recovery_point_is_a_key_frame_without_being_idr() -> None:
    packets = encoded(
        "h264",
        options=(("x264-params", "intra-refresh=1:keyint=8:bframes=0"), ("preset", "ultrafast")),
        frames=20,
    )
    idr = [any(kind == 5 for kind, _ in H264.head_types(packet)) for packet in packets]
    assert idr == [True, *[False] * (len(packets) - 1)]
    begins = [n for n, packet in enumerate(packets) if H264.is_keyframe(packet)]
    assert len(begins) > 1 and begins[0] == 0


def test_a_recovery_point_is_found_behind_other_messages() -> None:
    other = b"\x05\xff\x10" + b"x" * 271
    recovery, padding = b"\x06\x01\x80", b"\x80"
    slice_unit = b"\x41\x9a\x01"
    for messages, expected in (
        (other + recovery, True),
        (recovery + other, True),
        (other, False),
        (b"\x05\xff", False),
        (b"\x05\x09" + recovery, False),
    ):
        unit = b"\x06" + messages + padding
        assert H264.is_keyframe(join_units([unit, slice_unit])) is expected
    assert H264.is_keyframe(join_units([b"\x06" + other, b"\x06" + recovery + padding, slice_unit]))


def test_reordering_is_zero_where_frames_are_shown_in_the_order_of_decoding() -> None:
    for profile, order_type, expected in ((66, 0, 0), (77, 2, 0), (77, 0, None)):
        assert H264.parse_sps(_sps(profile, order_type, "0")).max_reorder_frames == expected


def test_a_truncated_vui_is_ignored() -> None:
    said = H264.parse_sps(_sps(77, 0, "1" + "0000" + "1"))
    assert (said.width, said.height, said.rate) == (64, 48, None)


def test_frames_of_a_cycle_are_skipped() -> None:
    cycle = "0" + exp_golomb(1) + exp_golomb(2) + exp_golomb(2) + exp_golomb(7) + exp_golomb(9)
    said = H264.parse_sps(_sps(77, 1, "0", cycle))
    assert (said.width, said.height) == (64, 48)


def test_fields_have_twice_the_rows() -> None:
    packet = encoded(
        "h264", 128, 112, options=(("x264-params", "interlaced=1"), ("preset", "medium"))
    )[0]
    said = H264.sequence_parameters(packet)
    assert (said.width, said.height) == (128, 112)


@pytest.mark.parametrize("record", [b"", b"\1" * 6, b"\0" * 20, b"\1\x42\0\x1e\xff\xe1\0\x20abc"])
def test_a_bad_configuration_record_is_refused(record: bytes) -> None:
    with pytest.raises(ValueError, match=r"[rR]ecord"):
        H264.from_configuration(record)


def test_several_parameter_sets_are_kept() -> None:
    sets = split_units(H264.parameter_sets(encoded("h264")[0]))
    both = join_units([*sets, sets[1] + b"\x01"])
    assert H264.from_configuration(H264.to_configuration(both)) == (both, 4)


def _sps(profile: int, order_type: int, vui: str, order: str | None = None) -> bytes:
    """An SPS of 64x48 pixels."""
    bits = exp_golomb(0) + exp_golomb(0) + exp_golomb(order_type)
    bits += order or (exp_golomb(4) if order_type == 0 else "")
    bits += exp_golomb(1) + "0" + exp_golomb(3) + exp_golomb(2) + "1" + "1" + "0" + vui
    return from_bits(bytes([0x67, profile, 0, 30]), bits)
