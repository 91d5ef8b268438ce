"""Tests of recordings as files: whole, and in ranges."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.http_server import serve
from tests.support.http_site import SiteCase
from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.servers.http import recordings

SIZE = 200_000
CONTENT = bytes(number % 251 for number in range(SIZE))
WHOLE = (200, None, SIZE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the recording ``film.mkv``."""
    folder: Path = tmp_path_factory.mktemp("recordings")
    (folder / "film.mkv").write_bytes(CONTENT)
    with serve(folder, "--camera", "pattern:?size=160x120&fps=5", "--stopped") as running:
        yield running


def fetch(server: ServerProcess, **headers: str) -> tuple[int, str | None, bytes, str]:
    """Return status, Content-Range, body and Last-Modified of a request for the recording."""
    connection = http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=PATIENCE)
    named = {name.replace("_", "-"): headers[name] for name in headers}
    with closing(connection):
        connection.request("GET", "/recordings/film.mkv", headers=named)
        with connection.getresponse() as response:
            get = response.headers.get
            return response.status, get("Content-Range"), response.read(), get("Last-Modified", "")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, SIZE - 1),
        ("bytes=100-999999", 100, SIZE - 1),
        ("bytes=-100", SIZE - 100, SIZE - 1),
        ("bytes=-999999", 0, SIZE - 1),
    ],
)
def test_a_range_returns_that_part(
    server: ServerProcess, asked: str, first: int, last: int
) -> None:
    status, place, body, _ = fetch(server, Range=asked)
    assert (status, place) == (206, f"bytes {first}-{last}/{SIZE}")
    assert body == CONTENT[first : last + 1]


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=", "bytes=-", "bytes=,", "bytes", "lines=1-2", "bytes=5-2", "bytes=a-b", "bytes=--5",
        "bytes=1-2-3", "bytes=+1-2", "bytes=" + ",".join(["0-"] * 500), "bytes=0-9,20-29",
    ],
)  # fmt: skip
def test_invalid_and_several_ranges_return_the_file_once(server: ServerProcess, asked: str) -> None:
    status, place, body, _ = fetch(server, Range=asked)
    assert (status, place, len(body)) == WHOLE
    assert body == CONTENT


@pytest.mark.parametrize("asked", ["bytes=200000-", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(server: ServerProcess, asked: str) -> None:
    status, place, body, _ = fetch(server, Range=asked)
    assert (status, place, body) == (416, f"bytes */{SIZE}", b"")


def test_a_range_of_another_version_returns_the_whole_file(server: ServerProcess) -> None:
    *_, changed = fetch(server)
    status, _, body, _ = fetch(server, Range="bytes=0-9", If_Range=changed)
    assert (status, body) == (206, CONTENT[:10])
    for other in ("Mon, 01 Jan 2001 00:00:00 GMT", '"an-etag"', "nonsense"):
        status, place, body, _ = fetch(server, Range="bytes=0-9", If_Range=other)
        assert (status, place, len(body)) == WHOLE, other


def test_a_recording_in_progress_is_served_when_it_is_complete(server: ServerProcess) -> None:
    def ask(method: str, path: str, body: str = "{}") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=PATIENCE)
        with closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"})
            with connection.getresponse() as response:
                return response.status, response.read()

    api = "/api/v1/cameras/cam/record"
    assert ask("POST", f"{api}/start", '{"name": "now.mkv"}')[0] == 200
    film = "/recordings/now.mkv"
    wait_for(lambda: ask("GET", f"{film}/thumbnail")[0] == 200, "a picture in it")
    assert b"now.mkv" in ask("GET", "/api/v1/recordings")[1]
    status, body = ask("GET", film)
    told = json.loads(body)
    assert (status, told["code"]) == (409, "not-supported")
    assert "still being recorded" in told["message"]
    assert ask("POST", f"{api}/stop")[0] == 200
    assert ask("GET", film)[0] == 200


def test_readers_leave_file_descriptors_for_recordings(tmp_path: Path) -> None:
    (tmp_path / "film.mkv").write_bytes(CONTENT * 100)  # more than a connection takes unread
    limits = ("--max-connections", "7")
    with serve(tmp_path, "--camera", "pattern:?size=160x120&fps=5", *limits) as server:
        place = urlsplit(server.http).netloc
        readers = [http.client.HTTPConnection(place, timeout=PATIENCE) for _ in range(4)]
        said = []
        for each in readers:
            each.request("GET", "/recordings/film.mkv")
            said.append(each.getresponse())
        assert [each.status for each in said] == [200] * 3 + [503]
        assert json.loads(said[-1].read())["code"] == "too-many"
        for each in said[:3]:
            each.close()
        for each in readers[:3]:
            each.close()
        with closing(http.client.HTTPConnection(place, timeout=PATIENCE)) as last:

            def status() -> int:
                last.request("GET", "/recordings/film.mkv", headers={"Range": "bytes=0-9"})
                with last.getresponse() as answer:
                    answer.read()
                    return answer.status

            wait_for(lambda: status() == 206, "room again")
        for each in readers:
            each.close()


class FileTests(SiteCase):
    def test_only_recordings_of_the_folder_are_served(self) -> None:
        (self.folder / ".hidden.mkv").write_bytes(b"x")
        (self.folder / "notes.txt").write_bytes(b"x")
        (self.folder / "link.mkv").symlink_to("/etc/passwd")
        (self.folder / "folder.mkv").mkdir()
        for name in (".hidden.mkv", "notes.txt", "link.mkv", "folder.mkv", "..%2f..%2fetc%2fpasswd",
                     "%2e%2e", "", "none.mkv", "a%00.mkv", "a%5cb.mkv",
                     f"{'a' * 300}.mp4"):  # fmt: skip
            self.ask("GET", f"/recordings/{name}")
            self.assertEqual(self.status, 404, name)
            self.ask("GET", f"/recordings/{name}/thumbnail")
            self.assertEqual(self.status, 404, name)
        self.ask("GET", "/recordings/%ff.mkv")
        self.assertEqual(self.status, 404)
        self.ask("GET", "/stream/%ff")
        self.assertEqual(self.status, 400)
        self.ask("GET", "/recordings")
        self.assertEqual(self.status, 404)

    def test_a_client_that_has_gone_is_no_error(self) -> None:
        request: Any = SimpleNamespace(channel=None)
        producer = recordings._ExactProducer(request, io.BytesIO(b"film"), 0, 4)
        producer.bytesWritten = 0
        for _ in range(2):
            producer.resumeProducing()
        self.assertIsNone(producer.request)

    def test_a_download_has_the_name_of_the_recording(self) -> None:
        (self.folder / "caf\N{LATIN SMALL LETTER E WITH ACUTE}.jpg").write_bytes(b"x")
        for query in ("?download", "?download=1", "?token=x&download"):
            answer = self.ask("HEAD", f"/recordings/caf%C3%A9.jpg{query}")
            disposition = "Content-Disposition: attachment; filename*=UTF-8''caf%C3%A9.jpg"
            self.assertIn(disposition, answer.head)
