"""The session of a viewer, on a connection that the test plays."""

from __future__ import annotations

from typing import Any

from tests.support.films import h264_packets
from tests.support.frame_sessions import SessionCase
from twistedcam import wire
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED
from twistedcam.errors import BadMessage, UnsupportedCodec
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.rtsp.payloads.opus import opus_head
from twistedcam.servers.frames.session import state_of
from twistedcam.servers.frames.view_session import ViewSession

OPUS = sound_track("opus", opus_head(1))


class ViewSessionTests(SessionCase):
    def session(self, **options: Any) -> ViewSession:
        return ViewSession(self.connection, self.server, self.camera, wire.Join(**options))

    def test_a_state_comes_first_and_frames_after_the_start(self) -> None:
        self.camera.hub.publish(self.frame(1))
        session = self.session()
        [state] = self.connection.messages()
        self.assertEqual(state, state_of(self.camera, self.camera.changed()))
        session.start()
        self.assertEqual([type(each) for each in self.connection.messages()], [wire.FrameMessage])
        self.assertEqual(len(self.server.viewers), 1)
        session.close()
        self.assertEqual((len(self.server.viewers), len(self.camera.hub)), (0, 0))

    def h264_camera(self) -> list[Packet]:
        """Let the camera have given H.264; return its packets."""
        packets = h264_packets([0, 0.1, 0.2])
        self.camera.stream.publish(packets[0])
        return packets

    def test_a_viewer_gets_the_camera_s_own_codec_if_it_asks_for_it(self) -> None:
        packets = self.h264_camera()
        session = self.session(codecs=("h264", "mjpeg"))
        session.start()
        self.camera.stream.publish(packets[1])
        [state, *frames] = self.connection.messages()
        assert isinstance(state, wire.State)
        self.assertEqual(state.codec, "h264")
        came = [each.frame for each in frames if isinstance(each, wire.FrameMessage)]
        self.assertEqual([each.data for each in came], [each.data for each in packets[:2]])
        self.assertEqual([each.is_keyframe for each in came], [True, False])
        session.close()
        self.assertFalse(self.camera.stream.is_wanted)

    def test_another_codec_of_the_camera_is_announced_before_its_frames(self) -> None:
        session = self.session(codecs=("h264", "mjpeg"))
        session.start()
        self.connection.messages()
        self.h264_camera()
        self.camera.stream.publish(self.frame(2))
        told = self.connection.messages()
        self.assertEqual(
            [getattr(each, "codec", type(each)) for each in told],
            ["h264", wire.FrameMessage, "mjpeg", wire.FrameMessage],
        )
        session.close()

    def test_a_viewer_that_asks_for_fewer_frames_gets_jpeg_if_it_can(self) -> None:
        self.h264_camera()
        for codecs, expected in ((("h264", "mjpeg"), "mjpeg"), (("h264",), "h264")):
            session = self.session(codecs=codecs, max_fps=5)
            [state] = self.connection.messages()
            assert isinstance(state, wire.State)
            self.assertIn(state.codec, (expected, None))
            session.close()

    def test_codecs_that_cannot_be_had_are_refused(self) -> None:
        self.h264_camera()
        with self.assertRaisesRegex(UnsupportedCodec, "this takes hevc"):
            self.session(codecs=("hevc",))
        with self.assertRaisesRegex(UnsupportedCodec, "JOIN asks for av1, vp9"):
            self.session(codecs=("av1", "vp9"))
        self.session(codecs=("av1", "h264")).close()
        self.assertEqual(len(self.server.viewers), 0)

    def test_messages_other_than_acks_are_refused(self) -> None:
        session = self.session()
        with self.assertRaisesRegex(BadMessage, "cannot send STATE"):
            session.received(wire.State("cam", "live"))
        session.close()

    def test_after_the_end_of_the_input_no_acks_are_expected(self) -> None:
        session = self.session(window=1)
        session.start()
        self.connection.messages()
        session.on_input_closed()
        for seq in (1, 2, 3):
            self.camera.hub.publish(self.frame(seq))
        self.assertEqual(len(self.connection.messages()), 3)
        session.close()

    def test_the_end_is_reported_when_everything_was_sent(self) -> None:
        session, done = self.session(), list[bool]()
        session.start()
        session.finish(lambda: done.append(True))
        self.assertEqual((done, len(self.server.viewers)), ([True], 0))

    def test_a_change_of_the_camera_is_sent_as_a_state(self) -> None:
        session = self.session()
        self.connection.messages()
        for camera in (self.pushed, self.camera):
            self.server.events.publish(camera.changed())
        [state] = self.connection.messages()
        self.assertEqual(state, state_of(self.camera, self.camera.changed()))
        session.close()
        self.server.events.publish(self.camera.changed())
        self.assertEqual(self.connection.messages(), [])

    def test_a_controller_can_end_the_connection(self) -> None:
        session = self.session()
        [viewer] = self.server.viewers
        self.server.viewers.kick(viewer.id)
        self.assertEqual(self.connection.ends, ["bye"])
        session.close()

    def test_a_viewer_that_does_not_read_is_disconnected(self) -> None:
        session = self.session()
        queued = [0]
        self.patch(session._sender, "queued_bytes", lambda: queued[0])
        found = []
        for queued[0] in (HIGH_WATER, HIGH_WATER + 1, MAX_QUEUED):
            session.send_message(b"x")
            found.append(session.is_full())
        self.assertEqual((found, self.connection.ends), ([False, True, True], []))
        queued[0] = MAX_QUEUED + 1
        session.send_message(b"x")
        self.assertEqual(self.connection.ends, ["it does not read"])
        session.close()

    def test_sound_is_left_out_for_those_who_may_not_listen(self) -> None:
        self.camera.stream.publish(self.frame(1))
        sound = Packet(OPUS, 1, 33_333, 0, b"opus")
        self.camera.stream.publish(sound)
        for may_listen in (False, True):
            join = wire.Join(codecs=("mjpeg", "opus"), window=0)
            session = ViewSession(self.connection, self.server, self.camera, join, may_listen)
            session.start()
            self.camera.stream.publish(sound)
            state, *frames = self.connection.messages()
            assert isinstance(state, wire.State)
            self.assertEqual(state.audio, "opus" if may_listen else None)
            kinds = [it.frame.track.kind for it in frames if isinstance(it, wire.FrameMessage)]
            self.assertEqual(kinds, ["video", "audio", "audio"] if may_listen else ["video"])
            session.close()
            self.assertFalse(self.camera.stream.is_wanted)

    def test_a_listener_gets_sound_alone(self) -> None:
        self.camera.stream.publish(self.frame(1))
        self.camera.stream.publish(Packet(OPUS, 1, 33_333, 0, b"opus"))
        session = self.session(codecs=("aac", "opus"))
        session.start()
        self.camera.stream.publish(self.frame(2))
        self.camera.stream.publish(Packet(OPUS, 2, 66_666, 0, b"sound"))
        state, described, packet = self.connection.messages()
        assert isinstance(state, wire.State)
        assert isinstance(described, wire.FrameMessage)
        assert isinstance(packet, wire.FrameMessage)
        self.assertEqual((state.codec, state.audio), (None, "opus"))
        self.assertEqual(described.frame.data, opus_head(1))
        self.assertEqual((packet.frame.seq, packet.frame.data), (2, b"sound"))
        session.finish(lambda: None)
        self.assertFalse(self.camera.stream.is_wanted)
        self.assertEqual(len(self.server.viewers), 0)

    def test_a_muted_camera_is_told(self) -> None:
        session = self.session()
        session.start()
        self.connection.messages()
        for muted in (True, True, False):
            self.server.channels["cam"].mute(muted)
            told = [
                each.muted for each in self.connection.messages() if isinstance(each, wire.State)
            ]
            self.assertEqual(told[-1:], [muted] if told else [])
            self.assertEqual(wire.State("cam", "live", muted=muted).encode().count(b"muted"), muted)
        self.assertEqual(self.server.cameras["cam"].audio.is_muted, False)
        [again] = wire.Decoder().feed(wire.State("cam", "live", muted=True).encode())
        assert isinstance(again, wire.State)
        self.assertTrue(again.muted)
        session.close()
