"""Tracks and sessions that all connections share."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.support.rtsp_peer import DOOR, RtspCase
from twistedcam.sources.spec import SourceSpec
from twistedcam.stream.wants import Wants

MJPEG = f"{DOOR}?codec=mjpeg"


class StreamTests(RtspCase):
    def test_all_who_want_the_same_get_the_same_packets(self) -> None:
        peers = [self.connect(), self.connect()]
        for peer in peers:
            peer.ask("PLAY", MJPEG, Session=peer.set_up())
        self.show(2)
        one, two = (peer.frames() for peer in peers)
        assert one
        assert [each.data for each in one] == [each.data for each in two]
        assert len(self.factory.streams.sessions) == 2

    def test_another_codec_is_another_track(self) -> None:
        streams = self.factory.streams
        jpeg = streams.track(self.door, Wants(("mjpeg",)))
        assert streams.track(self.door, Wants(("mjpeg",))) is jpeg
        assert streams.track(self.door, Wants(("h264", "hevc"))) is not jpeg
        assert streams.track(self.yard, Wants(("mjpeg",))) is not jpeg

    def test_a_new_camera_of_an_old_name_has_tracks_of_its_own(self) -> None:
        streams = self.factory.streams
        before = streams.track(self.yard, Wants(("mjpeg",)))
        reasons: list[str] = []
        before.use(self, reasons.append)
        self.successResultOf(Deferred.fromCoroutine(self.server.remove_camera("yard")))
        again = self.server.add_camera("yard", SourceSpec("fake", "", {}, "fake:yard"))
        assert streams.track(again, Wants(("mjpeg",))) is not before
        assert reasons == ["the camera is not available any more"]

    def test_the_lowest_free_channels_are_chosen_for_a_client_that_names_none(self) -> None:
        peer = self.connect()
        response = peer.ask("SETUP", f"{DOOR}/trackID=0?codec=mjpeg", Transport="RTP/AVP/TCP")
        assert "interleaved=0-1" in response.headers.get("Transport")
