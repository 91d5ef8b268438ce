"""Pictures of packets, from the first key frame on."""

import pytest

from tests.support.films import h264_packets
from tests.support.nal_streams import encoded
from twistedcam.errors import NotSupported
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.media.video_decoder import VideoDecoder


def seqs(decoder: VideoDecoder, packets: list[Packet]) -> list[int]:
    return [each.packet.seq for each in decoder.decode(packets)]


def test_each_packet_gives_its_picture_at_once_from_the_first_key_frame_on() -> None:
    packets = h264_packets([n / 10 for n in range(20)], keyframes=1.0)
    decoder = VideoDecoder()
    assert seqs(decoder, packets[5:9]) == []
    assert [seqs(decoder, [each]) for each in packets[9:13]] == [[], [10], [11], [12]]
    picture = decoder.decode([packets[13]])[0].picture
    assert (picture.width, picture.height) == (160, 120)


def test_after_a_broken_packet_it_goes_on_with_the_next_key_frame() -> None:
    packets = h264_packets([n / 10 for n in range(20)], keyframes=1.0)
    decoder = VideoDecoder()
    assert seqs(decoder, packets[:3]) == [0, 1, 2]
    broken = Packet(packets[0].track, 3, 0, 0, b"\0\0\0\1\x65" + bytes(100), True)
    with pytest.raises(ValueError, match="cannot be decoded"):
        decoder.decode([broken])
    assert seqs(decoder, packets[4:]) == list(range(10, 20))


def test_another_track_begins_anew() -> None:
    small = h264_packets([0, 0.1])
    decoder = VideoDecoder()
    assert seqs(decoder, small) == [0, 1]
    other = Track(VIDEO, "video", "h264", 160, 120, extradata=b"others")
    late = Packet(other, 2, 0, 0, small[1].data, False)
    assert seqs(decoder, [late]) == []


def test_a_codec_without_a_decoder_is_not_supported() -> None:
    packet = Packet(Track(VIDEO, "video", "nothing"), 1, 0, 0, b"data")
    with pytest.raises(NotSupported, match="no decoder for nothing"):
        VideoDecoder().decode([packet])


def test_what_the_decoder_holds_comes_with_a_flush() -> None:
    decoder = VideoDecoder()
    assert decoder.flush() == []
    decoder.decode(h264_packets([0]))
    assert decoder.flush() == []


@pytest.mark.parametrize("codec", list(NAL_CODECS))
def test_pictures_are_numbered_in_the_order_in_which_they_are_shown(codec: str) -> None:
    options = (("preset", "medium"), ("bf", "3"), ("b-adapt", "0"), ("g", "8"))
    if codec == "hevc":
        options = (("x265-params", "log-level=none:pools=1:frame-threads=1:bframes=3:keyint=8"),)
    data = encoded(codec, frames=30, options=options)
    track = Track(VIDEO, "video", codec, 128, 96)
    packets = [
        Packet(track, 7 + n, n, n, each, NAL_CODECS[codec].is_keyframe(each))
        for n, each in enumerate(data)
    ]
    decoder = VideoDecoder()
    shown = decoder.decode(packets) + decoder.flush()
    decoded_as = [each.packet.seq for each in shown]
    assert decoded_as != sorted(decoded_as)
    assert [each.seq for each in shown] == list(range(7, 37))
