"""Sessions: log-in, redirects, refusals in one sentence each, keep-alive, the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.support.ports import free_port
from tests.support.process import PATIENCE
from tests.support.rtsp_camera import (
    ALAW,
    IDR,
    LOGIN,
    PERIOD,
    VIDEO,
    Listener,
    RtspCamera,
    started,
)
from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.rtsp.messages import RtspHeaders, RtspRequest, RtspResponse
from twistedcam.rtsp.sdp import MediaDescription, MediaFormat
from twistedcam.sources.base import LOGIN_REFUSED, LOGIN_WANTED
from twistedcam.sources.rtsp import session as module
from twistedcam.sources.rtsp.session import RtspSession


def test_a_session_header_has_name_and_timeout() -> None:
    for text, name, timeout in (
        ("abc", "abc", None),
        ("a.b-1;timeout=30", "a.b-1", "30"),
        ("a ; x=1; timeout = 5", "a", "5"),
    ):
        match = module._SESSION.match(text)
        assert match is not None
        assert (match[1], match[2]) == (name, timeout)


class SessionTests(TestCase):
    """A source and a camera on this machine."""

    timeout = 5 * PATIENCE

    def camera(self, *media: MediaDescription, **options: Any) -> RtspCamera:
        made = RtspCamera(*media, **options)
        made.listen()
        self.addCleanup(lambda: Deferred.fromCoroutine(made.close()))
        return made

    def start(self, url: str, *options: Any) -> Listener:
        source, listener = started(url, *options)
        self.addCleanup(source.stop)
        return listener

    async def error_of(self, url: str, *options: Any) -> CameraFailed:
        listener = self.start(url, *options)
        await listener.failed()
        self.assertIsNone(listener.info)
        assert listener.error is not None
        return listener.error

    async def test_requests_come_in_their_order_and_play_has_no_range(self) -> None:
        camera = self.camera(VIDEO, ALAW)
        played = camera.requested("PLAY")
        source, listener = started(camera.url())
        client = await played
        client.send(0, 0, IDR)
        await listener.until(lambda: listener.packets)
        self.assertEqual(camera.methods, ["OPTIONS", "DESCRIBE", "SETUP", "SETUP", "PLAY"])
        self.assertEqual([each.cseq for each in camera.requests], [1, 2, 3, 4, 5])
        play = camera.requests[-1]
        self.assertNotIn("Range", play.headers)
        self.assertEqual(play.headers.get("Session"), "12345678")
        self.assertEqual(play.uri, camera.url())
        setups = [each.uri for each in camera.requests if each.method == "SETUP"]
        self.assertEqual(setups, [f"{camera.url()}/video", f"{camera.url()}/audio"])
        ended = camera.requested("TEARDOWN")
        await source.stop()
        await ended
        self.assertEqual(camera.requests[-1].headers.get("Session"), "12345678")

    async def test_each_log_in_is_answered_and_no_password_is_sent_before_it_is_asked_for(
        self,
    ) -> None:
        for schemes in (("SHA-256", "MD5"), ("MD5",), ("Basic",)):
            camera = self.camera(schemes=schemes)
            played = camera.requested("PLAY")
            self.start(camera.url(LOGIN))
            await played
            first, second = camera.requests[:2]
            self.assertNotIn("Authorization", first.headers)
            self.assertIn("Authorization", second.headers)
            self.assertEqual(camera.methods.count("DESCRIBE"), 1)
            self.assertTrue(all("@" not in each.uri for each in camera.requests))

    async def test_a_wrong_and_a_missing_password_are_said_as_that(self) -> None:
        camera = self.camera(schemes=("MD5", "Basic"))
        for login, said in (("g%C3%B6rg:wr0ng@", LOGIN_REFUSED), ("", LOGIN_WANTED)):
            error = await self.error_of(camera.url(login))
            self.assertIsInstance(error, LoginRefused)
            self.assertEqual(str(error), said)
        self.assertLessEqual(len(camera.requests), 3)

    async def test_a_nonce_that_is_too_old_is_renewed(self) -> None:
        camera = self.camera(schemes=("MD5",))
        played = camera.requested("PLAY")
        assert camera.challenger is not None
        camera.answers["DESCRIBE"] = lambda _: setattr(
            camera.challenger, "_key", b"of another start"
        )
        self.start(camera.url(LOGIN))
        await played

    async def test_refusals_are_one_sentence_each(self) -> None:
        camera = self.camera()
        name = f"127.0.0.1:{camera.port}"
        cases = [
            ("DESCRIBE", 404, "", "has no stream at this path (404): correct the path"),
            ("DESCRIBE", 503, "", "cannot deliver the stream now (503)"),
            ("DESCRIBE", 403, "", "refuses access (403)"),
            ("DESCRIBE", 418, "Tea\x07pot", "answers 418 Tea pot to DESCRIBE"),
            ("SETUP", 461, "", "does not send over TCP, add #transport=udp to the address (461)"),
            ("SETUP", 453, "", "has not enough bandwidth"),
            ("PLAY", 454, "", "has ended the session (454)"),
            ("PLAY", 503, "", "cannot deliver the stream now (503)"),
        ]
        for method, status, reason, said in cases:
            camera.answers = {method: _answers(status, reason)}
            error = await self.error_of(camera.url())
            self.assertNotIsInstance(error, LoginRefused)
            self.assertTrue(str(error).startswith(f"{name} {said}"), str(error))
        camera.answers = {"DESCRIBE": _answers(403)}
        self.assertIsInstance(await self.error_of(camera.url("me:it@")), LoginRefused)

    async def test_what_cannot_be_received_is_named_with_what_can(self) -> None:
        unknown = MediaDescription("video", (MediaFormat(96, "VP9", 90000),))
        error = await self.error_of(self.camera(unknown).url())
        self.assertIn("sends VP9, which cannot be received: set the camera to H.264", str(error))
        error = await self.error_of(self.camera(ALAW).url())
        self.assertIn("has no video", str(error))
        camera = self.camera()
        camera.answers["DESCRIBE"] = lambda _: RtspResponse(200, body=b"<html>")
        error = await self.error_of(camera.url())
        self.assertIn("sends no valid description", str(error))

    async def test_sound_that_cannot_be_received_costs_no_video(self) -> None:
        g729 = MediaDescription("audio", (MediaFormat(18, "G729", 8000),))
        for media, fault in ((g729, "its sound (G729) cannot be received"), (ALAW, "(461)")):
            camera = self.camera(VIDEO, media)
            camera.answers["SETUP"] = lambda request: (
                RtspResponse(461) if request.uri.endswith("audio") else None
            )
            played = camera.requested("PLAY")
            listener = self.start(camera.url())
            (await played).send(0, 0, IDR)
            await listener.until(lambda listener=listener: listener.packets)
            assert listener.info is not None
            self.assertIn(fault, listener.info.sound_fault)

    async def test_a_redirect_on_the_same_server_is_followed_and_no_other(self) -> None:
        camera = self.camera()
        other = camera.url().replace("/cam", "/other")
        camera.answers["DESCRIBE"] = lambda request: (
            _redirect(other) if request.uri.endswith("/cam") else None
        )
        played = camera.requested("PLAY")
        self.start(camera.url())
        await played
        self.assertEqual(camera.requests[-1].uri, other)
        camera.answers["DESCRIBE"] = lambda _: _redirect("rtsp://127.0.0.1:1/cam")
        error = await self.error_of(camera.url())
        self.assertIn("refers to another server, rtsp://127.0.0.1:1/cam", str(error))
        camera.answers["DESCRIBE"] = lambda _: _redirect(camera.url())
        error = await self.error_of(camera.url())
        self.assertIn("endlessly", str(error))

    async def test_the_session_is_kept_alive_by_what_the_camera_takes(self) -> None:
        camera = self.camera()
        self.patch(module, "_KEEP_ALIVE", (0.05, 0.1))
        camera.answers["GET_PARAMETER"] = _answers(405)
        kept, after = camera.requested("GET_PARAMETER"), camera.requested("PLAY")
        self.start(camera.url())
        await after
        await kept
        await camera.requested("OPTIONS")

    async def test_a_camera_that_knows_no_session_in_one_request_is_kept_by_the_other(self) -> None:
        camera = self.camera()
        self.patch(module, "_KEEP_ALIVE", (0.05, 0.1))
        camera.answers["GET_PARAMETER"] = _answers(454)
        playing, refused = camera.requested("PLAY"), camera.requested("GET_PARAMETER")
        listener = self.start(camera.url())
        client = await playing
        await refused
        await camera.requested("OPTIONS")
        await camera.requested("OPTIONS")
        client.send(0, 0, IDR)
        await listener.until(lambda: listener.packets)
        self.assertIsNone(listener.error)
        self.assertEqual(camera.methods.count("GET_PARAMETER"), 1)
        camera.answers["OPTIONS"] = _answers(454)
        await listener.failed()

    async def test_a_session_that_has_ended_is_a_failure(self) -> None:
        camera = self.camera()
        self.patch(module, "_KEEP_ALIVE", (0.05, 0.1))
        camera.public = "DESCRIBE"
        playing = camera.requested("PLAY")
        listener = self.start(camera.url())
        await playing
        camera.answers["OPTIONS"] = _answers(454)
        await listener.failed()
        self.assertIn("has ended the session (454)", str(listener.error))

    async def test_tracks_that_are_started_one_by_one(self) -> None:
        camera = self.camera(VIDEO, ALAW)
        camera.answers["PLAY"] = lambda request: (
            None if request.uri.endswith(("video", "audio")) else RtspResponse(459)
        )
        source, listener = started(camera.url())
        self.addCleanup(source.stop)
        await listener.until(lambda: listener.info)
        self.assertEqual(
            [each.uri.rpartition("/")[2] for each in camera.requests if each.method == "PLAY"],
            ["cam", "video", "audio"],
        )

    async def test_a_camera_that_is_not_there_and_one_that_goes(self) -> None:
        error = await self.error_of(f"rtsp://127.0.0.1:{free_port()}/cam")
        self.assertIn("Connection refused", str(error))
        camera = self.camera()
        played = camera.requested("PLAY")
        listener = self.start(camera.url())
        client = await played
        await listener.until(lambda: listener.info)
        client.transport.loseConnection()
        await listener.failed()
        self.assertEqual(str(listener.error), f"127.0.0.1:{camera.port} has ended the stream")

    async def test_a_camera_that_closes_the_connection_after_its_challenge(self) -> None:
        camera = self.camera(schemes=("MD5",))
        refused = camera.requested("OPTIONS")
        played = camera.requested("PLAY")
        self.start(camera.url(LOGIN))
        (await refused).transport.loseConnection()
        await played
        self.assertIn("Authorization", camera.requests[-1].headers)

    async def test_an_opening_can_be_stopped_at_any_time(self) -> None:
        camera = self.camera()
        for method in ("OPTIONS", "DESCRIBE", "SETUP", "PLAY"):
            asked = camera.requested(method)
            source, listener = started(camera.url())
            await asked
            await source.stop()
            self.assertIsNone(listener.error)
        source, listener = started(camera.url())
        await source.stop()
        self.assertIsNone(listener.error)
        self.assertIsInstance(source._session, RtspSession)

    async def test_packets_before_the_answer_to_play_are_not_lost(self) -> None:
        camera = self.camera()

        def early(_: RtspRequest) -> None:
            camera.clients[0].send(0, 0, IDR)
            camera.clients[0].send(0, PERIOD, IDR)

        camera.answers["PLAY"] = early
        listener = self.start(camera.url())
        await listener.until(lambda: len(listener.packets) == 2)


def _answers(status: int, reason: str = "") -> Callable[[RtspRequest], RtspResponse]:
    return lambda _: RtspResponse(status, reason=reason)


def _redirect(location: str) -> RtspResponse:
    return RtspResponse(302, RtspHeaders([("Location", location)]))
