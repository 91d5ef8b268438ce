"""A recordings folder with unusual files: links, folders, names that are not UTF-8."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.recording.library.test_library import make_recording
from tests.support.http_server import serve
from tests.support.process import PATIENCE, ServerProcess, wait_for

SECRET = b"what nobody may see"
CAMERA = "pattern:?size=160x120&fps=5"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recordings folder."""
    made = tmp_path_factory.mktemp("odd")
    recordings = made / "recordings"
    (recordings / ".twistedcam").mkdir(parents=True)
    (made / "secret").write_bytes(SECRET)
    os.mkfifo(recordings / ".twistedcam" / "settings.json")
    os.mkfifo(recordings / ".x.mp4.part")
    os.mkfifo(recordings / "fifo.mp4")
    (recordings / "c.mp4").write_bytes(b"ffconcat version 1.0\nfile c.mp4\n")
    make_recording(recordings / "a.mp4", 3)
    shutil.copy(recordings / "a.mp4", os.fsencode(recordings) + b"/caf\xe9.mp4")
    (recordings / "link.mp4").symlink_to(made / "secret")
    (recordings / "endless.mkv").write_bytes((recordings / "a.mp4").read_bytes()[:500])
    os.truncate(recordings / "endless.mkv", 1 << 40)
    (recordings / "big.mkv").write_bytes(bytes(3_000_000))
    return recordings


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    options = ["--camera", CAMERA, "--stopped", "--record", "keep=1GB"]
    with serve(folder, *options) as running:
        yield running


def ask(server: ServerProcess, path: str, method: str = "GET") -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=PATIENCE)) as to:
        to.request(method, path)
        with to.getresponse() as answer:
            return answer.status, answer.read()


def listed(server: ServerProcess) -> list[str]:
    status, body = ask(server, "/api/v1/recordings")
    assert status == 200, body
    return [each["recording"] for each in json.loads(body)["recordings"]]


def test_all_recordings_are_listed_and_the_server_keeps_running(server: ServerProcess) -> None:
    names = ["a.mp4", "big.mkv", "c.mp4", "caf%E9.mp4", "endless.mkv"]
    assert sorted(listed(server)) == names
    wait_for(lambda: ".x.mp4.part" in server.log, "the word of what is unfinished")
    assert "settings.json is ignored: not a regular file" in server.log
    for name in ("c.mp4", "endless.mkv", "fifo.mp4", "link.mp4", "nowhere.mp4"):
        assert ask(server, f"/recordings/{name}/thumbnail")[0] == 404
    assert ask(server, "/recordings/a.mp4/thumbnail")[0] == 200
    assert sorted(listed(server)) == names
    assert "recording: caf%E9.mp4" in server.command_lines("recordings")


@pytest.mark.parametrize("path", [quote("caf%E9.mp4"), "caf%E9.mp4"])
def test_a_name_that_is_not_utf_8_is_served_and_has_a_thumbnail(
    server: ServerProcess, folder: Path, path: str
) -> None:
    assert ask(server, f"/recordings/{path}") == (200, (folder / "a.mp4").read_bytes())
    assert ask(server, f"/recordings/{path}?download")[0] == 200
    status, jpeg = ask(server, f"/recordings/{path}/thumbnail")
    assert (status, jpeg[:2]) == (200, b"\xff\xd8")


def test_recordings_are_deleted_on_the_control_port_and_over_http(
    server: ServerProcess, folder: Path
) -> None:
    odd = os.fsencode(folder) + b"/\xfcber.mp4"
    for delete in (
        lambda: server.command_lines("recordings delete %FCber.mp4") == ["OK"],
        lambda: ask(server, "/api/v1/recordings/%25FCber.mp4", "DELETE")[0] == 200,
        lambda: ask(server, "/api/v1/recordings/%FCber.mp4", "DELETE")[0] == 200,
    ):
        shutil.copy(folder / "a.mp4", odd)
        assert "%FCber.mp4" in listed(server)
        assert delete()
        assert not os.path.exists(odd)
    assert "deleted %FCber.mp4" in server.log


def test_a_file_replaced_by_a_link_never_gives_another_file(
    server: ServerProcess, folder: Path
) -> None:
    content, over = (folder / "a.mp4").read_bytes(), threading.Event()
    path, fresh, link = folder / "swapped.mp4", folder / ".fresh", folder / ".link"
    shutil.copy(folder / "a.mp4", path)

    def swap() -> None:
        while not over.is_set():
            # It is a link while one copy is made, and a file while the other is.
            link.symlink_to(folder.parent / "secret")
            link.replace(path)
            shutil.copy(folder / "a.mp4", fresh)
            fresh.replace(path)
            shutil.copy(folder / "a.mp4", fresh)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        found = {ask(server, f"/recordings/{path.name}") for _ in range(150)}
        found |= {ask(server, f"/recordings/{path.name}/thumbnail") for _ in range(5)}
    finally:
        over.set()
        swapping.join()
        path.unlink()
        fresh.unlink()
    sent = {body for status, body in found if status == 200}
    assert content in sent
    assert SECRET not in sent


@pytest.mark.parametrize("size", [60_000_000, 1_000])
def test_files_that_change_are_sent_with_the_announced_length_or_aborted(
    server: ServerProcess, folder: Path, size: int
) -> None:
    path, said = folder / "big.mkv", 30_000_000
    os.truncate(path, said)
    place = urlsplit(server.http).netloc
    with closing(http.client.HTTPConnection(place, timeout=PATIENCE)) as connection:
        connection.request("GET", "/recordings/big.mkv")
        with connection.getresponse() as answer:
            assert int(answer.headers["Content-Length"]) == said
            os.truncate(path, size)
            if size < said:
                with pytest.raises(http.client.IncompleteRead):
                    answer.read()
                return
            assert len(answer.read()) == said
        connection.request("GET", "/api/v1/ping")  # nothing was left behind the film
        with connection.getresponse() as answer:
            assert answer.status == 200
