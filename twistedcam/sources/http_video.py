"""Videos and live streams over HTTP that FFmpeg decodes; the camera client sends the requests."""

from __future__ import annotations

from typing import Any

from twistedcam.errors import CameraFailed
from twistedcam.sources.container import STREAM_FORMATS, ContainerSource, open_container
from twistedcam.sources.http_client import TIMEOUT, CameraClient, CameraResponse

#: HLS and DASH are playlists. The client requests their segments, on the same host only.
_FORMATS = f"hls,dash,{STREAM_FORMATS},aac,mp3,webvtt"
#: FFmpeg makes no connection itself, but checks the schemes of a playlist.
_PROTOCOLS = "http,https"


class HttpVideo(ContainerSource):
    """Decodes a video. All requests are sent by the client, with its login.

    Arguments:
        client: sends the requests.
        response: the response to the first request, or None.
        start: the bytes of the response that were read already.
    """

    def __init__(self, client: CameraClient, response: CameraResponse | None, start: bytes) -> None:
        super().__init__(client.url, client.host, TIMEOUT)
        self._client = client
        self._response = response
        self._start = start

    @classmethod
    def at(cls, url: str) -> HttpVideo:
        """Return a source that sends its first request when it is opened."""
        return cls(CameraClient(url), None, b"")

    def interrupt(self) -> None:
        """Interrupt a read."""
        self._client.interrupt()

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._client.close()

    def _open_container(self) -> Any:
        url = self._client.url if self._response is None else self._response.url
        return open_container(
            url,
            formats=_FORMATS,
            protocols=_PROTOCOLS,
            # No nobuffer: it would drop the frames with which FFmpeg detects the stream.
            options={"flags": "low_delay", "http_persistent": "0"},
            timeout=TIMEOUT,
            io_open=self._io_open,
        )

    def _io_open(self, url: str, flags: int, options: dict[str, str]) -> HttpFile:
        response, self._response = self._response, None
        start, self._start = self._start, b""
        return HttpFile(self._client, url, response or self._client.request(url), start)


class HttpFile:
    """A file over HTTP. It is seekable if the server supports ``Range``.

    Arguments:
        client: sends the requests.
        url: the address.
        response: the response to the request for the whole file.
        start: the bytes of the response that were read already.
    """

    def __init__(
        self, client: CameraClient, url: str, response: CameraResponse, start: bytes
    ) -> None:
        self._client = client
        self._url = url
        self._response = response
        self._ready = start
        #: The offset of the next read, and of the response.
        self._at = self._response_at = 0
        ranges = response.headers.get("Accept-Ranges", "").lower() == "bytes"
        self.size = response.length if ranges else None

    def read(self, size: int) -> bytes:
        """Wait for data; return up to ``size`` bytes, or nothing at the end."""
        if self._at != self._response_at:
            if self._at >= (self.size or 0):
                return b""
            self._request_again()
        if not self._ready:
            self._ready = self._response.read()
        data, self._ready = self._ready[:size], self._ready[size:]
        self._at += len(data)
        self._response_at = self._at
        return data

    def seekable(self) -> bool:
        """Return True if the server supports ranges and has given the length."""
        return self.size is not None

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the offset of the next read, which sends a request."""
        base = (0, self._at, self.size or 0)[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the offset of the next read."""
        return self._at

    def close(self) -> None:
        """Close the connection."""
        self._response.close()

    def _request_again(self) -> None:
        self._response.close()
        self._ready = b""
        self._response = self._client.request(self._url, {"Range": f"bytes={self._at}-"})
        if self._response.status != 206:
            raise CameraFailed(f"{self._client.host} does not support ranges")
        self._response_at = self._at
