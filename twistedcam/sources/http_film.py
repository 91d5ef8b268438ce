"""Films and live streams over HTTP that are neither MJPEG nor pictures: FFmpeg reads, we ask."""

from __future__ import annotations

from typing import Any

from twistedcam.errors import CameraFailed
from twistedcam.sources.container import STREAM_FORMATS, ContainerSource, open_container
from twistedcam.sources.http_client import TIMEOUT, Answer, CameraClient

#: HLS and DASH are playlists: what they name is asked for by the client, of the same host.
_FORMATS = f"hls,dash,{STREAM_FORMATS},aac,mp3,webvtt"
#: FFmpeg itself makes no connection. It only has to know the schemes that a playlist may have.
_PROTOCOLS = "http,https"


class HttpFilm(ContainerSource):
    """Decodes what a web server gives. All requests are made by the client, with its log-in.

    Arguments:
        client: asks the server.
        answer: its answer to the first request.
        start: the bytes of it that were read already.
    """

    def __init__(self, client: CameraClient, answer: Answer | None, start: bytes) -> None:
        super().__init__(client.url, client.host, TIMEOUT)
        self._client = client
        self._answer = answer
        self._start = start

    @classmethod
    def at(cls, url: str) -> HttpFilm:
        """One that asks when it is opened."""
        return cls(CameraClient(url), None, b"")

    def interrupt(self) -> None:
        """Wake who waits for the server."""
        self._client.interrupt()

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._client.close()

    def _open_container(self) -> Any:
        url = self._client.url if self._answer is None else self._answer.url
        return open_container(
            url,
            formats=_FORMATS,
            protocols=_PROTOCOLS,
            # Without nobuffer: it would throw away all pictures that tell what the stream is.
            options={"flags": "low_delay", "http_persistent": "0"},
            timeout=TIMEOUT,
            io_open=self._io_open,
        )

    def _io_open(self, url: str, flags: int, options: dict[str, str]) -> HttpFile:
        answer, self._answer = self._answer, None
        start, self._start = self._start, b""
        return HttpFile(self._client, url, answer or self._client.ask(url), start)


class HttpFile:
    """An answer as a file. It can be sought in if the server gives parts of it (``Range``).

    Arguments:
        client: asks the server.
        url: where it is.
        answer: the answer to the request for the whole.
        start: the bytes of it that were read already.
    """

    def __init__(self, client: CameraClient, url: str, answer: Answer, start: bytes) -> None:
        self._client = client
        self._url = url
        self._answer = answer
        self._ready = start
        #: Where the next read begins, and where the answer stands.
        self._at = self._answer_at = 0
        ranges = answer.headers.get("Accept-Ranges", "").lower() == "bytes"
        self.size = answer.length if ranges else None

    def read(self, size: int) -> bytes:
        """What has come, at most so many bytes; waits for something. Nothing at the end."""
        if self._at != self._answer_at:
            if self._at >= (self.size or 0):
                return b""
            self._ask_again()
        if not self._ready:
            self._ready = self._answer.read()
        data, self._ready = self._ready[:size], self._ready[size:]
        self._at += len(data)
        self._answer_at = self._at
        return data

    def seekable(self) -> bool:
        """Whether the server gives parts of the file, and has said how long it is."""
        return self.size is not None

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go on elsewhere; the server is asked when it is read from there."""
        base = (0, self._at, self.size or 0)[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def close(self) -> None:
        """End the connection."""
        self._answer.close()

    def _ask_again(self) -> None:
        self._answer.close()
        self._ready = b""
        self._answer = self._client.ask(self._url, {"Range": f"bytes={self._at}-"})
        if self._answer.status != 206:
            raise CameraFailed(f"{self._client.host} gives no parts of a file")
        self._answer_at = self._at
