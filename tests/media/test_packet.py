"""Tests of packets."""

from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track

TRACK = Track(VIDEO, "video", "h264", 640, 480)


def test_a_form_is_made_once_for_all_who_share_it() -> None:
    made = []

    def make(packet: Packet) -> bytes:
        made.append(packet)
        return b"head" + packet.data

    packet = Packet(TRACK, 7, 1_000_000, 40_000, b"data", is_keyframe=False)
    assert packet.shared(make) is packet.shared(make)
    assert made == [packet]
    assert packet.bare().shared(make) == b"headdata"
    assert len(made) == 2, "a bare packet keeps nothing of the forms"


def test_a_bare_packet_is_the_same_packet() -> None:
    packet = Packet(TRACK, 7, 1_000_000, 40_000, b"data", False, dts=20_000)
    bare = packet.bare()
    for name in ("track", "seq", "time_us", "pts", "dts", "data", "is_keyframe", "time"):
        assert getattr(bare, name) == getattr(packet, name)
    assert bare.data is packet.data


def test_the_time_of_decoding_is_that_of_presentation_unless_said() -> None:
    assert Packet(TRACK, 1, 0, 40_000, b"").dts == 40_000


def test_a_frame_is_a_packet_of_jpeg() -> None:
    frame = Frame(3, 2_000_000, 640, 480, b"jpeg")
    assert isinstance(frame, Packet)
    assert (frame.seq, frame.time_us, frame.time, frame.data) == (3, 2_000_000, 2.0, b"jpeg")
    assert frame.is_keyframe
    assert frame.track == Track(VIDEO, "video", "mjpeg", 640, 480)
    assert frame.track is Frame(4, 2_040_000, 640, 480, b"jpeg").track
    assert frame.bare().jpeg is frame.jpeg
