"""Responses of cameras: what their headers say wrongly is left out."""

from __future__ import annotations

import http.client
import socket

import pytest

from twistedcam.sources.lenient_response import LenientHTTPResponse, UnmeasuredHTTPResponse


def response_of(
    data: bytes, kind: type[LenientHTTPResponse] = LenientHTTPResponse
) -> LenientHTTPResponse:
    """Return the response that a camera sends before it closes the connection."""
    camera, client = socket.socketpair()
    with camera, client:
        camera.sendall(data)
        camera.shutdown(socket.SHUT_WR)
        response = kind(client)
        response.begin()
        return response


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        b"\r\nICY 200 OK\r\nContent-Type: image/jpeg\r\n\r\n",
        b"",
    ],
)
def test_a_wrong_head_does_not_end_the_body(head: bytes) -> None:
    response = response_of(head + b"\xff\xd8picture")
    assert response.status == 200
    assert response.read() == b"\xff\xd8picture"
    assert response.headers["Content-Length"] is None


def test_a_right_length_is_used_unless_it_is_to_be_ignored() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 7\r\n\r\npicture more"
    response = response_of(data)
    assert response.read() == b"picture"
    assert not response.will_close
    response = response_of(data, UnmeasuredHTTPResponse)
    assert response.read() == b"picture more"
    assert response.will_close


@pytest.mark.parametrize(
    ("line", "error"),
    [(b"", http.client.RemoteDisconnected), (b"hello\r\n\r\n", http.client.BadStatusLine)],
)
def test_what_is_no_response_is_an_error(line: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        response_of(line)
