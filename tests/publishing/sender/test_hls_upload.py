"""Segments are uploaded before the playlists that list them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.process import wait_for
from tests.support.publish_peers import ReceivedRequest, WebServer
from twistedcam.publishing.sender.hls_upload import HlsUpload
from twistedcam.publishing.sender.http_client import MAX_CONNECTIONS

PLAYLIST = b"#EXTM3U\n#EXTINF:1.0,\nlive1.ts\n"


class Upload(HlsUpload):
    """An upload to a server that delays its answers to some paths."""

    def __init__(self, web: WebServer) -> None:
        super().__init__(
            {"url": f"{web.url}/up/live.m3u8", "muxer": "", "options": {}, "verify": True, "ca": ""}
        )
        self.web = web
        self.held: dict[str, threading.Event] = {}
        self._reply = web.reply
        web.reply = self.reply

    def reply(self, asked: ReceivedRequest) -> tuple[int, dict[str, str]]:
        if asked.path in self.held:
            self.held[asked.path].wait(10)
        return (403, {}) if "refused" in asked.path else self._reply(asked)

    def hold(self, name: str) -> threading.Event:
        """Delay the answer for a file until the event is set."""
        return self.held.setdefault(f"/up/{name}", threading.Event())

    def write(self, name: str, data: bytes = b"segment", method: str = "PUT") -> None:
        file: Any = self.io_open(f"{self.web.url}/up/{name}", 2, {"method": method})
        if data:
            file.write(data[:3])
            file.write(data[3:])
        file.close()

    def finish(self) -> None:
        """Wait for the answers to all requests."""
        wait_for(lambda: all(each.done() for each in self._pending), "all answers")
        self.check()

    @property
    def paths(self) -> list[str]:
        return [each.path for each in list(self.web.taken)]


@pytest.fixture
def upload() -> Iterator[Upload]:
    with WebServer() as web:
        made = Upload(web)
        yield made
        for each in made.held.values():
            each.set()
        made._threads.shutdown()
        made._client._session.close()


def test_files_are_uploaded_completely_and_deleted(upload: Upload) -> None:
    upload.write("live1.ts")
    upload.write("live1.ts", b"", "DELETE")
    upload.finish()
    taken = sorted((each.method, each.path, each.body) for each in upload.web.taken)
    assert taken == [("DELETE", "/up/live1.ts", ""), ("PUT", "/up/live1.ts", "segment")]


def test_a_playlist_waits_for_what_was_written_before_and_no_segment_waits(upload: Upload) -> None:
    first = upload.hold("live1.ts")
    upload.write("live1.ts")
    upload.write("live.m3u8", PLAYLIST)
    upload.write("live2.ts")
    upload.write("live0.ts", b"", "DELETE")
    wait_for(lambda: len(upload.paths) == 2, "what waits for nothing")
    assert sorted(upload.paths) == ["/up/live0.ts", "/up/live2.ts"]
    first.set()
    upload.finish()
    assert upload.paths[2:] == ["/up/live1.ts", "/up/live.m3u8"]


def test_playlists_come_one_after_the_other(upload: Upload) -> None:
    first = upload.hold("live.m3u8")
    for _ in range(2):
        upload.write("live.m3u8", PLAYLIST)
    wait_for(lambda: len(upload.web.begun) == 1, "the first playlist")
    first.set()
    upload.finish()
    assert upload.web.begun == upload.web.taken
    assert len(upload.web.taken) == 2


def test_a_refusal_is_raised_and_no_playlist_lists_what_is_not_there(upload: Upload) -> None:
    upload.write("refused1.ts")
    upload.write("live.m3u8", PLAYLIST)
    with pytest.raises(OSError, match=r"^PUT: 403 Forbidden$"):
        upload.finish()
    with pytest.raises(OSError, match=r"^PUT: 403 Forbidden$"):  # FFmpeg continues after a fault
        upload.write("live.m3u8", PLAYLIST)
    assert upload.paths == ["/up/refused1.ts"]


def test_a_segment_that_cannot_be_deleted_is_no_fault(upload: Upload) -> None:
    upload.write("refused1.ts", b"", "DELETE")
    upload.write("live.m3u8", PLAYLIST)
    upload.finish()
    assert upload.paths == ["/up/refused1.ts", "/up/live.m3u8"]


def test_the_muxer_waits_while_too_many_requests_have_no_answer(upload: Upload) -> None:
    names = [f"live{number}.ts" for number in range(MAX_CONNECTIONS)]
    holds = [upload.hold(name) for name in names]
    for name in names:
        upload.write(name)
    one_more = threading.Thread(target=upload.write, args=("one-more.ts",))
    one_more.start()
    wait_for(lambda: len(upload.web.begun) == MAX_CONNECTIONS, "all to be under way")
    one_more.join(0.2)
    assert one_more.is_alive()
    holds[3].set()
    one_more.join(10)
    assert not one_more.is_alive()
    wait_for(lambda: "/up/one-more.ts" in upload.paths, "the one that waited")
