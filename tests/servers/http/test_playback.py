"""Playback over HTTP: whole, in ranges, and what is refused."""

from __future__ import annotations

from typing import Any

from tests.support.fakes import InlineReader
from tests.support.http_site import Connection, SiteCase, TokenSiteCase
from tests.support.movies import START, make_numbered, numbers_in, times_in
from twistedcam.auth import Grant, TokenFile
from twistedcam.servers.http import playback


class PlaybackTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        for number, first in enumerate((0, 30, 80)):
            make_numbered(self.server.recordings / f"{number}.mp4", first, 30)
        self.server.library._index._reader = InlineReader()
        self.server.playback._reader = InlineReader()

    def play(self, query: str, **headers: str) -> Any:
        return self.ask("GET", f"/playback/door?{query}", **headers)

    def test_a_piece_is_one_mp4_with_its_length(self) -> None:
        answer = self.play(f"start={START + 4}&duration=5s")
        self.assertEqual(self.status, 200)
        self.assertTrue(answer.head.endswith(f"Content-Length: {len(answer.body)}"))
        self.assertIn("Content-Type: video/mp4", answer.head)
        self.assertIn(f"X-Twistedcam-Start: {START + 3:.6f}", answer.head)
        self.assertIn("X-Twistedcam-Gaps: 3.000+2.000", answer.head)
        self.assertEqual(numbers_in(answer.body), [*range(30, 60), *range(80, 90)])

    def test_ranges_are_parts_of_the_same_bytes(self) -> None:
        query = f"start={START}&duration=20"
        whole = self.play(query).body
        size = len(whole)
        for asked, first, last in (
            ("bytes=0-", 0, size),
            ("bytes=100-299", 100, 300),
            (f"bytes={size - 50}-", size - 50, size),
            ("bytes=-70", size - 70, size),
        ):
            answer = self.play(query, Range=asked)
            self.assertEqual((self.status, answer.body), (206, whole[first:last]), asked)
            self.assertIn(f"Content-Range: bytes {first}-{last - 1}/{size}", answer.head)
        answer = self.play(query, Range=f"bytes={size}-")
        self.assertEqual(self.status, 416)
        self.assertIn(f"Content-Range: bytes */{size}", answer.head)
        answer = self.play(query, Range="bytes=5-9", If_Range='"another"')
        self.assertEqual((self.status, answer.body), (200, whole))

    def test_key_frames_alone_take_the_same_time(self) -> None:
        query = f"start={START}&duration=60&keyframes"
        answer = self.play(query)
        self.assertEqual(self.status, 200)
        self.assertEqual(numbers_in(answer.body), [0, 20, 30, 50, 80, 100])
        self.assertEqual(times_in(answer.body), [0, 2, 3, 5, 6, 8])
        self.assertIn("X-Twistedcam-Seconds: 9.000000", answer.head)
        part = self.play(query, Range="bytes=1000-1999")
        self.assertEqual((self.status, part.body), (206, answer.body[1000:2000]))

    def test_the_head_says_how_long_it_would_be(self) -> None:
        answer = self.ask("HEAD", f"/playback/door?start={START}&duration=2&download")
        self.assertEqual((self.status, answer.body), (200, b""))
        self.assertIn("Content-Length: ", answer.head)
        self.assertIn("Content-Disposition: attachment; filename", answer.head)

    def test_a_time_without_a_recording_is_404_with_the_nearest(self) -> None:
        answer = self.play("start=2020-01-01T12:00:00%2B01:00")
        self.assertEqual(self.status, 404)
        self.assertEqual(answer.json["nearest"], {"start": START, "end": START + 6})
        self.ask("GET", f"/playback/yard?start={START}")
        self.assertEqual(self.status, 404)

    def test_what_is_not_valid_is_refused(self) -> None:
        for path, status in (
            ("/playback/door", 400),
            ("/playback/door?start=soon", 400),
            ("/playback/door?start=1&duration=x", 400),
            ("/playback/cellar?start=1", 404),
        ):
            self.ask("GET", path)
            self.assertEqual(self.status, status, path)

    def test_jpegs_in_matroska_are_offered_for_download(self) -> None:
        make_numbered(self.server.recordings / "9.mkv", 1000, 30)
        answer = self.play(f"start={START + 100}&duration=2")
        self.assertEqual(self.status, 409)
        self.assertIn("9.mkv cannot be played", answer.json["message"])
        self.assertEqual(answer.json["recording"], "9.mkv")

    def test_a_picture_of_a_time_is_a_jpeg(self) -> None:
        answer = self.ask("GET", f"/playback/door/picture?start={START + 2}")
        self.assertEqual((self.status, answer.body[:2]), (200, b"\xff\xd8"))
        self.ask("GET", "/playback/door/picture?start=5")
        self.assertEqual(self.status, 404)

    def test_a_playlist_has_ranges_of_the_mp4_that_it_names(self) -> None:
        answer = self.ask("GET", f"/playback/door/index.m3u8?start={START + 1}&duration=20")
        self.assertEqual(self.status, 200)
        self.assertIn("Content-Type: application/vnd.apple.mpegurl", answer.head)
        lines = answer.body.decode().splitlines()
        address = next(each for each in lines if not each.startswith("#"))
        self.assertTrue(address.startswith("piece.mp4?start="))
        make_numbered(self.server.recordings / "9.mp4", 110, 30)  # it does not belong to it
        whole = self.ask("GET", f"/playback/door/{address}").body
        sizes = [each.partition(":")[2] for each in lines if each.startswith("#EXT-X-BYTERANGE")]
        size, _, at = sizes[-1].partition("@")
        self.assertEqual(int(size) + int(at), len(whole))
        self.assertEqual(numbers_in(whole), [*range(60), *range(80, 110)])

    def test_pieces_for_one_client_are_limited(self) -> None:
        self.patch(playback, "MAX_PER_CLIENT", 0)
        answer = self.play(f"start={START}&duration=2")
        self.assertEqual((self.status, answer.json["code"]), (503, "too-many"))


class RemovedCameraTests(TokenSiteCase):
    def test_a_removed_camera_is_played_to_whom_a_token_for_it_was_given(self) -> None:
        make_numbered(self.server.recordings / "old.mp4", 0, 30, camera="cellar")
        self.server.library._index._reader = InlineReader()
        file = TokenFile(self.folder / "tokens.toml")
        token = file.add(Grant("past", frozenset({"view"}), frozenset({"cellar"})))
        for name, status in (("cellar", 200), ("door", 403), ("yard", 403), ("attic", 403)):
            for path in (f"/playback/{name}", f"/api/v1/cameras/{name}/spans"):
                connection = Connection(self.factory)
                asked = connection.ask(
                    "GET", f"{path}?start={START}", Authorization=f"Bearer {token}"
                )
                self.assertEqual(asked, status, path)
        connection = Connection(self.factory)
        connection.ask("GET", "/api/v1/recorded", Authorization=f"Bearer {token}")
        self.assertEqual([each["camera"] for each in connection.json["cameras"]], ["cellar"])
