"""A camera steers no request elsewhere, certificates count as told, and nobody waits for ever."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.http_camera import PICTURES, HttpCamera, Request, head, opened, read, whole
from tests.support.process import PATIENCE
from twistedcam.errors import CameraFailed
from twistedcam.sources.http import HttpSource
from twistedcam.sources.http_client import CameraClient
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse
from twistedcam.tls.certificate import make_certificate


def redirect(to: str, status: int = 302) -> bytes:
    return head(f"Location: {to}", "Content-Length: 0", status=f"{status} Found")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to", ["/picture", "picture", "http://127.0.0.1:{port}/picture", "//127.0.0.1:{port}/picture"]
)
def test_a_redirect_on_the_same_server_is_followed(to: str, status: int) -> None:
    def answer(request: Request) -> Iterable[bytes]:
        if request.target == "/picture":
            return [whole(PICTURES[0])]
        return [redirect(to.replace("{port}", str(camera.port)), status)]

    with HttpCamera(answer) as camera, opened(camera.url("/start")) as source:
        assert read(source).jpeg == PICTURES[0]


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:{other}/",
        "http://localhost:{other}/",
        "http://localhost:{port}/",
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "http://user:SECRET@192.0.2.1/",
        "ftp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "rtsp://127.0.0.1:{port}/",
        "gopher://127.0.0.1:{port}/",
        "javascript:alert(1)",
        "//192.0.2.1/",
        "http://[",
        "http://127.0.0.1:99999/",
        "https://192.0.2.1/",
    ],
)
def test_a_redirect_elsewhere_is_refused_and_nobody_is_asked(to: str) -> None:
    with HttpCamera(lambda _: [whole(PICTURES[0])]) as other:
        target = to.replace("{other}", str(other.port))
        with HttpCamera(lambda _: [redirect(target.replace("{port}", str(camera.port)))]) as camera:
            with pytest.raises(CameraFailed) as error, opened(camera.url()):
                pass
            assert len(camera.requests) == 1
        assert other.connections == 0
    assert "refers to another server" in str(error.value) or "invalid address" in str(error.value)
    assert "SECRET" not in str(error.value)


def test_a_redirect_with_a_body_without_end_is_not_read() -> None:
    def answer(request: Request) -> Iterator[bytes]:
        if request.target == "/":
            yield head("Location: /picture", "Connection: close", status="302 Found")
            while True:
                yield bytes(1 << 16)
        yield whole(PICTURES[0])

    with HttpCamera(answer) as camera, opened(camera.url()) as source:
        assert read(source).jpeg == PICTURES[0]


def test_redirects_in_a_circle_end() -> None:
    with (
        HttpCamera(lambda request: [redirect(request.target + "x")]) as camera,
        pytest.raises(CameraFailed, match="endlessly"),
        opened(camera.url()),
    ):
        pass


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate, for another name, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, ["camera.invalid"], datetime.now(UTC))
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def tls(pem: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pem)
    return context


def test_a_self_signed_certificate_is_refused_and_taken_if_told_so(tls: ssl.SSLContext) -> None:
    with HttpCamera(lambda _: [whole(PICTURES[0])], tls) as camera:
        with (
            pytest.raises(CameraFailed, match=r"not trusted .*add #verify=0"),
            opened(camera.url()),
        ):
            pass
        assert camera.requests == []
        with opened(f"{camera.url()}#verify=0&fps=50") as source:
            assert [read(source).jpeg for _ in range(2)] == [PICTURES[0]] * 2
        assert camera.connections == 2


def test_https_at_a_port_without_tls_says_what_to_write() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            connection = server.accept()[0]
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        peer = threading.Thread(target=answer)
        peer.start()
        with (
            pytest.raises(CameraFailed, match="does not use TLS here: write http://"),
            opened(f"https://127.0.0.1:{port}/"),
        ):
            pass
        peer.join(PATIENCE)


def test_a_name_without_an_address_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find)
    with pytest.raises(CameraFailed, match="no computer of this name"), opened("http://nobody/"):
        pass


def test_old_tls_is_taken_if_certificates_do_not_count(tls: ssl.SSLContext) -> None:
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tls.maximum_version = ssl.TLSVersion.TLSv1  # as cameras of 2010 have it
    with HttpCamera(lambda _: [whole(PICTURES[0])], tls) as camera:
        with opened(f"{camera.url()}#verify=0") as source:
            assert read(source).jpeg == PICTURES[0]
        with pytest.raises(CameraFailed), opened(camera.url()):
            pass


def test_from_http_to_https_on_the_same_host_is_allowed(tls: ssl.SSLContext) -> None:
    with (
        HttpCamera(lambda _: [whole(PICTURES[0])], tls) as safe,
        HttpCamera(lambda _: [redirect(f"https://127.0.0.1:{safe.port}/")]) as camera,
        opened(f"{camera.url()}#verify=0") as source,
    ):
        assert read(source).jpeg == PICTURES[0]


@pytest.mark.parametrize("when", ["before the head", "within the head", "within the body"])
def test_who_waits_can_be_interrupted(when: str) -> None:
    arrived, over = threading.Event(), threading.Event()

    def answer(_: Request) -> Iterator[bytes]:
        if when != "before the head":
            yield b"HTTP/1.1 200 OK\r\n"
        if when == "within the body":
            yield b"Content-Type: image/jpeg\r\nContent-Length: 5000\r\n\r\n\xff\xd8"
        arrived.set()
        over.wait(PATIENCE)

    with HttpCamera(answer) as camera:
        source = make_source(parse(camera.url()))
        assert isinstance(source, HttpSource)
        thread = threading.Thread(target=lambda: (arrived.wait(), source.interrupt()))
        thread.start()
        try:
            with pytest.raises(CameraFailed) as error:
                source.open()
            assert "nothing came" not in str(error.value)
        finally:
            over.set()
            thread.join()
            source.close()


def test_the_environment_s_proxy_and_netrc_are_not_for_cameras(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    with HttpCamera(lambda _: [whole(PICTURES[0])]) as camera:
        with opened(camera.url()) as source:
            assert read(source).jpeg == PICTURES[0]
        assert camera.requests[0].authorization == ""
        assert camera.requests[0].headers["accept-encoding"] == "identity"


def test_a_client_asks_no_other_server_for_what_a_playlist_names() -> None:
    client = CameraClient("http://127.0.0.1:9/list.m3u8")
    for url in ("http://192.0.2.1/a.ts", "file:///etc/passwd", "http://127.0.0.1:10/"):
        with pytest.raises(CameraFailed, match="refers to another server"):
            client.request(url)
    client.close()
