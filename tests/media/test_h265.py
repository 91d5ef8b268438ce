"""Structure of H.265: where a decoder can begin, and names for browsers."""

from __future__ import annotations

import pytest

from tests.support.nal_streams import encoded, from_bits
from tests.support.nal_streams import exp_golomb as ue
from twistedcam.media.h265 import H265
from twistedcam.media.nal import join_units, split_units


def test_the_codec_string_is_that_of_iso_14496_15() -> None:
    main = encoded("hevc", 1280, 720, frames=1)[0]
    assert H265.sequence_parameters(main).codec_string == "hvc1.1.6.L93.90"
    ten_bits = encoded("hevc", pix_fmt="yuv420p10le", frames=1)[0]
    assert H265.sequence_parameters(ten_bits).codec_string.startswith("hvc1.2.4.L")


@pytest.mark.parametrize("kind", range(48))
def test_exactly_the_random_access_pictures_are_key_frames(kind: int) -> None:
    assert H265.is_keyframe(join_units([bytes([kind << 1, 1, 0xAF])])) is (16 <= kind <= 23)


def test_predicted_reference_sets_are_read() -> None:
    """x265 writes none, so one is built: 96x64, two sets, the second predicted from the first."""
    bits = ue(0) + ue(1) + ue(96) + ue(64) + "0" + ue(0) + ue(0) + ue(4)
    bits += "1" + ue(4) + ue(2) + ue(0)  # order
    bits += "".join(map(ue, (0, 3, 0, 3, 0, 0))) + "0" + "00" + "0"
    bits += ue(2)  # sets of reference pictures
    bits += ue(2) + ue(1) + ue(0) + "1" + ue(0) + "1" + ue(0) + "1"
    bits += "1" + "1" + ue(0) + "1" + "01" + "00" + "1"
    bits += "1" + ue(1) + "0" * 8 + "1"  # one long-term picture
    bits += "00" + "1"  # VUI
    bits += "0000" + "000" + "0" + "1" + f"{1001:032b}" + f"{24000:032b}" + "00"
    general = bytes([1]) + bytes.fromhex("60000000") + bytes.fromhex("900000000000") + bytes([93])
    head = bytes([0x42, 1, 0x01]) + general
    said = H265.parse_sps(from_bits(head, bits))
    assert (said.width, said.height, said.max_reorder_frames) == (96, 64, 2)
    assert said.rate == pytest.approx(24000 / 1001)
    assert said.codec_string == "hvc1.1.6.L93.90"


def test_levels_of_sub_layers_are_skipped() -> None:
    whole = next(
        unit
        for unit in split_units(
            encoded(
                "hevc",
                options=(
                    (
                        "x265-params",
                        "log-level=none:pools=1:frame-threads=1:temporal-layers=3:bframes=3",
                    ),
                    ("preset", "medium"),
                ),
                frames=1,
            )[0]
        )
        if H265.unit_type(unit) == H265.sps_type
    )
    said = H265.parse_sps(whole)
    assert (said.width, said.height) == (128, 96)


@pytest.mark.parametrize("record", [b"", b"\1" * 22, b"\2" * 40, b"\1" * 22 + b"\1\xa0\0\1\0\x20a"])
def test_a_bad_configuration_record_is_refused(record: bytes) -> None:
    with pytest.raises(ValueError, match=r"[rR]ecord"):
        H265.from_configuration(record)
