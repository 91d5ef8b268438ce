"""A camera's track for RTSP: its packets, and placeholders while there are none."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import av
import pytest

from tests.support.films import h264_packets
from tests.support.nal_streams import encoded
from tests.support.rtsp_peer import RtspCase, picture
from twistedcam.codecs.still_encoder import PICTURES
from twistedcam.errors import NotSupported
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.rtsp.rtp_frame import rtp_frame
from twistedcam.servers.rtsp.media_track import (
    FIRST_WAIT,
    LINGER,
    START_WAIT,
    MediaTrack,
)
from twistedcam.servers.rtsp.still_video import GROUP_PERIOD
from twistedcam.stream.hub import Sink
from twistedcam.stream.wants import Wants


class Listener(Sink[Packet]):
    """Keeps the packets of a track."""

    def __init__(self, track: MediaTrack) -> None:
        self.packets: list[Packet] = []
        self.reasons: list[str] = []
        track.use(self, self.reasons.append)
        track.hub.add(self)

    def take(self, packet: Packet, /) -> None:
        self.packets.append(packet)

    def taken(self) -> list[Packet]:
        """Return the packets since the last call."""
        packets, self.packets = self.packets, []
        return packets


class MediaTrackTests(RtspCase):
    def track(self, *codecs: str) -> tuple[MediaTrack, Listener]:
        media = self.factory.streams.track(self.door, Wants(codecs))
        return media, Listener(media)

    def become(self, state: Any, reason: str | None = None) -> None:
        """Let ``door`` enter a state."""
        self.door.set_state(state, reason)
        if state != "live":
            self.door.stream.clear()
        self.server.events.publish(self.door.changed())

    def test_packets_of_the_camera_pass_untouched_from_a_key_frame_on(self) -> None:
        packets = h264_packets([n / 10 for n in range(12)], keyframes=0.5)
        self.publish(packets[:3])
        media, listener = self.track("h264", "hevc")
        self.successResultOf(media.when_known())
        assert media.track == packets[0].track
        self.publish(packets[3:])
        taken = listener.taken()
        assert [each.data for each in taken] == [each.data for each in packets[3:]]
        assert all(each.shared(rtp_frame).packets for each in taken)
        assert [each.seq for each in media.hub.group] == [11, 12]  # type: ignore[attr-defined]
        assert self.door.stream.transcoding() == []

    def test_a_stopped_camera_shows_placeholders_in_the_codec_of_the_track(self) -> None:
        packets = h264_packets([n / 10 for n in range(6)], keyframes=10)
        media, listener = self.track("h264", "hevc")
        self.publish(packets[:4])
        listener.taken()
        self.become("stopped")
        [shown] = listener.taken()
        assert shown.is_keyframe and shown.track.codec == "h264"
        decoder: Any = av.CodecContext.create("h264", "r")
        frames = decoder.decode(av.Packet(shown.data)) + decoder.decode(None)
        assert (frames[0].width, frames[0].height) == (640, 480)
        period = GROUP_PERIOD / PICTURES
        self.clock.pump([period] * PICTURES)
        following = listener.taken()
        assert [each.is_keyframe for each in following] == [False] * (PICTURES - 1) + [True]
        assert all(b.pts > a.pts for a, b in pairwise([shown, *following]))
        # Only a key frame ends the placeholder.
        self.become("live")
        self.publish(packets[4:])
        assert listener.taken() == []
        self.publish(again := h264_packets([10, 10.1]))
        assert [each.data for each in listener.taken()] == [each.data for each in again]
        self.clock.advance(GROUP_PERIOD * 3)
        assert listener.taken() == []
        assert media.track == again[0].track
        # The placeholder begins with a key frame each time, also in the middle of its group.
        self.become("stopped")
        self.clock.advance(period)
        assert [each.is_keyframe for each in listener.taken()] == [True, False]
        self.become("live")
        self.publish(h264_packets([20]))
        self.become("stopped")
        assert [each.is_keyframe for each in listener.taken()] == [True, True]

    def test_a_placeholder_of_h265_and_one_of_jpeg(self) -> None:
        track = Track(VIDEO, "video", "hevc", 128, 96)
        self.publish([Packet(track, 1, 1_001_000_000, 0, encoded("hevc", frames=1)[0])])
        _, listener = self.track("h264", "hevc")
        _, jpegs = self.track("mjpeg")
        jpegs.taken()
        self.become("recovering", "the cable is gone")
        assert [each.track.codec for each in listener.taken()] == ["hevc"]
        assert [each.track.codec for each in jpegs.taken()] == ["mjpeg"]

    def test_times_grow_over_placeholders(self) -> None:
        media, listener = self.track("mjpeg")
        self.show(2)
        self.become("stopped")
        self.clock.advance(GROUP_PERIOD)
        self.become("live")
        self.show(3)
        times = [each.shared(rtp_frame).timestamp for each in listener.taken()]
        assert len(times) == 4
        steps = [(b - a) & 0xFFFFFFFF for a, b in pairwise(times)]
        assert all(0 < each < 1 << 31 for each in steps)
        assert media.hub.newest is not None and media.hub.newest.seq == 5

    def test_a_camera_that_is_starting_is_waited_for(self) -> None:
        self.server.channels["yard"].camera.state = "starting"
        media = self.factory.streams.track(self.yard, Wants(("h264", "hevc")))
        known = media.when_known()
        self.assertNoResult(known)
        self.clock.advance(FIRST_WAIT["starting"])
        self.successResultOf(known)
        assert media.track is not None and media.track.codec == "h264"

    def test_a_camera_whose_codec_is_another_ends_its_users(self) -> None:
        self.publish(h264_packets([0, 0.1]))
        _, listener = self.track("h264", "hevc")
        track = Track(VIDEO, "video", "hevc", 128, 96)
        self.publish([Packet(track, 1, 1_001_000_000, 0, encoded("hevc", frames=1)[0])])
        assert listener.reasons == ["the camera's video is hevc now"]
        media, _ = self.track("h264", "hevc")
        assert media.track is not None and media.track.codec == "hevc"

    def test_a_picture_that_rtp_cannot_carry_is_left_out(self) -> None:
        media, listener = self.track("mjpeg")
        listener.taken()
        self.show(2, picture().replace(b"\xff\xc0", b"\xff\xc2"))
        assert listener.taken() == []
        assert "baseline" in str(media.fault)
        self.show(3)
        assert len(listener.taken()) == 1
        assert media.fault is None

    def test_a_track_is_kept_for_a_while_and_then_ended(self) -> None:
        media, listener = self.track("mjpeg")
        media.release(listener)
        self.clock.advance(LINGER / 2)
        assert self.factory.streams.track(self.door, Wants(("mjpeg",))) is media
        media.use(listener, listener.reasons.append)
        self.clock.advance(LINGER * 2)
        assert self.door.stream.is_wanted
        media.release(listener)
        self.clock.advance(LINGER)
        assert not self.door.stream.is_wanted
        assert self.factory.streams.track(self.door, Wants(("mjpeg",))) is not media

    def test_a_new_viewer_of_a_long_group_waits_for_a_key_frame(self) -> None:
        packets = h264_packets([n / 2 for n in range(8)], keyframes=3)
        self.publish(packets[:1])
        media, _ = self.track("h264", "hevc")
        began: list[int] = []
        media.start_at_keyframe(lambda: began.append(1))
        assert began == [1]  # the group is short
        assert media.rtp is not None
        assert "rtptime=" in media.first_numbers()
        self.publish(packets[1:5])
        media.start_at_keyframe(lambda: began.append(2))
        assert began == [1]
        assert media.first_numbers() == ""  # that key frame is not there yet
        self.publish(packets[5:7])
        assert began == [1, 2]
        self.publish(h264_packets([n / 2 for n in range(20, 26)], keyframes=90))
        media.start_at_keyframe(lambda: began.append(3))
        assert began == [1, 2]
        self.clock.advance(START_WAIT)
        assert began == [1, 2, 3]

    def test_a_codec_that_the_camera_cannot_give_is_an_error(self) -> None:
        with pytest.raises(NotSupported, match="door gives mjpeg"):
            self.factory.streams.track(self.door, Wants(("hevc",)))
