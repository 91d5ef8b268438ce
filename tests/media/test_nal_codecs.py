"""What H.264 and H.265 promise alike: parameter sets stay whole on every way."""

from __future__ import annotations

import io
import json
import subprocess
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.nal_streams import encoded
from twistedcam.media.nal import BitReader, NalCodec, join_units, split_units
from twistedcam.media.nal_codecs import NAL_CODECS

CODECS = pytest.mark.parametrize("codec", NAL_CODECS.values(), ids=list(NAL_CODECS))
FORMS = [
    {},
    {"width": 62, "height": 34, "rate": Fraction(30000, 1001)},
    {"width": 129, "height": 97, "pix_fmt": "yuv444p"},
    {"width": 130, "height": 98, "pix_fmt": "yuv422p10le", "rate": Fraction(15)},
    {"width": 70, "height": 66, "options": (("tune", "zerolatency"),)},
    {"width": 1922, "height": 1082, "frames": 1},
    {"width": 66, "height": 130, "options": (("preset", "medium"), ("bf", "3"))},
]


@CODECS
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_parameter_sets_say_what_ffprobe_says(
    codec: NalCodec, form: dict[str, Any], tmp_path: Path
) -> None:
    packets = encoded(codec.name, **form)
    path = tmp_path / f"film.{codec.name}"
    path.write_bytes(b"".join(packets))
    told = json.loads(
        subprocess.check_output(
            ["ffprobe", "-v", "error", "-show_streams", "-of", "json", path], timeout=20
        )
    )["streams"][0]
    said = codec.sequence_parameters(packets[0])
    assert (said.width, said.height) == (told["width"], told["height"])
    assert said.width == form.get("width", 128) and said.height == form.get("height", 96)
    assert said.level == told["level"]
    assert said.rate == Fraction(told["r_frame_rate"]) == form.get("rate", Fraction(25))
    assert said.max_reorder_frames == told["has_b_frames"]
    assert (said.bit_depth == (10, 10)) == told["pix_fmt"].endswith("10le")
    assert ("yuv420p", "yuv422p", "yuv444p")[said.chroma_format - 1] in told["pix_fmt"]


@CODECS
@pytest.mark.parametrize("form", FORMS[:4], ids=str)
def test_the_configuration_record_is_that_of_ffmpeg(codec: NalCodec, form: dict[str, Any]) -> None:
    packets = encoded(codec.name, **form)
    sets = codec.parameter_sets(packets[0])
    with av.open(io.BytesIO(_film(codec, packets))) as film:
        theirs = film.streams.video[0].codec_context.extradata
    ours = codec.to_configuration(sets)
    read, length_size = codec.from_configuration(theirs)
    assert length_size == 4
    assert split_units(read)[: len(split_units(sets))] == split_units(sets)
    # The record of H.265 also says what nobody needs: segmentation and parallelism.
    assert ours == theirs if codec.name == "h264" else ours[:13] == theirs[:13]
    assert ours[16:21] == theirs[16:21]
    assert codec.from_configuration(ours) == (sets, 4)


@CODECS
def test_only_random_access_pictures_are_key_frames(codec: NalCodec) -> None:
    packets = encoded(codec.name, options=(("g", "3"), ("bf", "0")), frames=7)
    assert [codec.is_keyframe(packet) for packet in packets] == [
        n % 3 == 0 for n in range(len(packets))
    ]
    assert not codec.is_keyframe(b"") and not codec.is_keyframe(b"\0\0\1")
    assert not codec.is_keyframe(codec.parameter_sets(packets[0]))


@CODECS
def test_a_key_frame_gets_the_parameter_sets_that_it_lacks(codec: NalCodec) -> None:
    whole = join_units(split_units(encoded(codec.name)[0]))
    sets = codec.parameter_sets(whole)
    bare = join_units(u for u in split_units(whole) if codec.unit_type(u) not in codec.set_types)
    assert codec.with_parameter_sets(whole, sets) == whole
    assert codec.with_parameter_sets(bare, sets) == whole
    assert codec.has_parameter_sets(sets) and not codec.has_parameter_sets(bare)
    assert codec.parameter_sets(bare) == b""
    delimiter = bytes([codec.delimiter_type << (1 if codec.name == "hevc" else 0), 1, 0xF0])
    delimited = join_units([delimiter, *split_units(bare)])
    assert split_units(codec.with_parameter_sets(delimited, sets)) == [
        delimiter,
        *split_units(whole),
    ]


@CODECS
def test_an_incomplete_set_is_replaced(codec: NalCodec) -> None:
    whole = join_units(split_units(encoded(codec.name)[0]))
    sets = codec.parameter_sets(whole)
    partial = join_units(split_units(sets)[:1] + split_units(whole)[len(split_units(sets)) :])
    assert codec.with_parameter_sets(partial, sets) == whole


@CODECS
def test_parameter_sets_are_required_for_a_configuration_record(codec: NalCodec) -> None:
    sets = split_units(codec.parameter_sets(encoded(codec.name)[0]))
    for missing in range(len(sets)):
        rest = [unit for index, unit in enumerate(sets) if index != missing]
        with pytest.raises(ValueError, match="needs"):
            codec.to_configuration(join_units(rest))
    with pytest.raises(ValueError, match="no sequence parameter set"):
        codec.sequence_parameters(b"")


@CODECS
@given(data=st.data())
def test_damaged_parameter_sets_and_records_raise_only_value_errors(
    codec: NalCodec, data: st.DataObject
) -> None:
    sets = codec.parameter_sets(encoded(codec.name)[0])
    sps = next(u for u in split_units(sets) if codec.unit_type(u) == codec.sps_type)
    record = codec.to_configuration(sets)
    for whole, read in ((sps, codec.parse_sps), (record, codec.from_configuration)):
        damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
        for _ in range(data.draw(st.integers(0, 4))):
            if damaged:
                at = data.draw(st.integers(0, len(damaged) - 1))
                damaged[at] = data.draw(st.integers(0, 255))
        with suppress(ValueError):
            read(bytes(damaged))


def test_scaling_lists_and_decoder_models_are_skipped() -> None:
    h264 = encoded(
        "h264",
        options=(
            ("preset", "medium"),
            ("x264-params", "cqm=jvt:nal-hrd=cbr:vbv-maxrate=500:vbv-bufsize=500"),
            ("b", "500k"),
        ),
        rate=Fraction(12),
    )
    hevc = encoded(
        "hevc",
        options=(
            (
                "x265-params",
                "log-level=none:pools=1:frame-threads=1:scaling-list=default:hrd=1"
                ":vbv-bufsize=1000:vbv-maxrate=1000:sar=4:videoformat=pal:chromaloc=1"
                ":overscan=show",
            ),
        ),
        rate=Fraction(12),
    )
    for packets, name in ((h264, "h264"), (hevc, "hevc")):
        assert NAL_CODECS[name].sequence_parameters(packets[0]).rate == 12


def _film(codec: NalCodec, packets: tuple[bytes, ...]) -> bytes:
    """An MP4 file by FFmpeg with the first packet."""
    film = io.BytesIO()
    with (
        av.open(io.BytesIO(b"".join(packets)), format=codec.name) as source,
        av.open(film, "w", format="mp4") as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        packet = next(source.demux(video=0))
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        out.mux(packet)
    return film.getvalue()


def test_a_bit_reader_is_bounded() -> None:
    with pytest.raises(ValueError, match="truncated"):
        BitReader(bytes([1]) * 1_000_000, 1).read(8 * 9000)
