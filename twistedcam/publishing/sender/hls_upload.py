"""Upload of the files that FFmpeg's HLS muxer writes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from twistedcam.publishing.sender.http_client import MAX_CONNECTIONS, TargetClient
from twistedcam.publishing.sender.protocol import SenderConfig


class HlsUpload:
    """Uploads segments and playlists to a web server, and deletes old segments.

    Several requests run at a time, because of the latency of the network. A playlist waits for the
    requests before it. While MAX_CONNECTIONS requests have no answer, the muxer waits.
    """

    def __init__(self, config: SenderConfig) -> None:
        self._client = TargetClient(config)
        self._threads = ThreadPoolExecutor(MAX_CONNECTIONS)  # joined at the end of the program
        self._pending: list[Future[None]] = []
        #: The address for FFmpeg.
        self.url = self._client.url

    def io_open(self, url: str, flags: int, options: dict[str, str]) -> _File:
        """Open a file for PyAV. The request is sent when FFmpeg closes it."""
        return _File(lambda body: self._start(options["method"], url, body))

    def check(self) -> None:
        """Raise OSError with the reason if a request has failed, in this and all later calls."""
        done = [each for each in self._pending if each.done()]
        for each in done:
            each.result()
        self._pending = [each for each in self._pending if each not in done]

    def _start(self, method: str, url: str, body: bytes) -> None:
        if len(self._pending) >= MAX_CONNECTIONS:
            wait(self._pending, return_when=FIRST_COMPLETED)
        self.check()
        before = list(self._pending) if body.startswith(b"#EXTM3U") else []
        self._pending.append(self._threads.submit(self._send, method, url, body, before))

    def _send(self, method: str, url: str, body: bytes, before: list[Future[None]]) -> None:
        for each in before:
            each.result()
        answer = self._client.request(method, url, body)
        if method == "PUT" and answer.status_code >= 400:
            raise OSError(f"{method}: {answer.status_code} {answer.reason}")


class _File:
    """A file in memory. Unlike BytesIO it does not close itself, so no partial file is sent."""

    def __init__(self, on_close: Callable[[bytes], None]) -> None:
        self._data = bytearray()
        self._on_close = on_close
        self.write = self._data.extend

    def close(self) -> None:
        self._on_close(bytes(self._data))
