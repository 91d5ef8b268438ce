"""What is sent to push services, and to whom nothing is sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.push_service import PushService, signer_of
from twistedcam.errors import BadArgument, PushFailed
from twistedcam.notifications.devices import device_from
from twistedcam.notifications.push_client import PushClient, check_endpoint, is_public
from twistedcam.notifications.vapid_key import VapidKey

HEADERS = {"Topic": "abc", "Urgency": "high"}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    with PushService(tmp_path / "tls") as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.ca))
        yield running


def client(folder: Path, allows_private: bool = True) -> PushClient:
    key = VapidKey(folder, lambda: None).private()
    return PushClient(key, "mailto:me@example.org", allows_private)


def test_a_message_is_encrypted_for_the_device_and_signed(
    service: PushService, tmp_path: Path
) -> None:
    device = device_from(service.device("a"), "")
    client(tmp_path).send(device, b'{"kind": "test"}', 60, HEADERS)
    assert service.messages == [{"kind": "test"}]
    [headers] = service.headers
    assert (headers["ttl"], headers["topic"], headers["urgency"]) == ("60", "abc", "high")
    claims, key = signer_of(headers)
    assert claims["sub"] == "mailto:me@example.org"
    assert claims["aud"] == service.url.removesuffix("/send/")
    assert key == VapidKey(tmp_path, lambda: None).public_text()


@pytest.mark.parametrize(("status", "wait"), [(410, None), (404, None), (429, 90), (500, None)])
def test_a_refusal_has_its_status(
    service: PushService, tmp_path: Path, status: int, wait: int | None
) -> None:
    service.statuses = [(status, {} if wait is None else {"Retry-After": str(wait)})]
    with pytest.raises(PushFailed, match=f"localhost answered HTTP {status}") as failed:
        client(tmp_path).send(device_from(service.device("a"), ""), b"{}", 60, HEADERS)
    assert (failed.value.status, failed.value.wait) == (status, wait)
    assert service.url not in str(failed.value)


def test_no_redirect_is_followed(service: PushService, tmp_path: Path) -> None:
    service.statuses = [(307, {"Location": service.url + "other"})]
    with pytest.raises(PushFailed, match="HTTP 307"):
        client(tmp_path).send(device_from(service.device("a"), ""), b"{}", 60, HEADERS)
    assert service.messages == []


def test_private_addresses_and_unknown_certificates_are_refused(
    service: PushService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = device_from(service.device("a"), "")
    with pytest.raises(PushFailed, match="must have port 443"):
        client(tmp_path, allows_private=False).send(device, b"{}", 60, HEADERS)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(PushFailed, match=r"localhost cannot be reached \(SSLError\)"):
        client(tmp_path).send(device, b"{}", 60, HEADERS)
    assert service.messages == []


def test_a_name_that_becomes_private_after_its_check_is_not_connected(
    service: PushService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["8.8.8.8", "127.0.0.1"]

    def resolve(host: str, port: int, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    connected: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", lambda *words: connected.append(words))
    values = service.device("a") | {"endpoint": "https://push.example/a"}
    with pytest.raises(PushFailed, match="cannot be reached"):
        client(tmp_path, allows_private=False).send(device_from(values, ""), b"{}", 60, HEADERS)
    assert (answers, connected) == ([], [])


def test_endpoints_are_https_addresses_of_public_machines() -> None:
    for text in (
        "http://8.8.8.8/", "https://", "https://user@8.8.8.8/", "https://8.8.8.8:8443/",
        "https://[::1/",
        "https://8.8.8.8:99999/", "file:///etc/passwd", "https://127.0.0.1/", "https://10.1.2.3/",
        "https://[::1]/", "https://[fd00::1]/", "https://169.254.169.254/", "https://localhost/",
        "https://0x7f000001/", "https://2130706433/", "https://0/",
    ):  # fmt: skip
        with pytest.raises(BadArgument, match=r"endpoint|push service"):
            check_endpoint(text)
    check_endpoint("https://8.8.8.8/send")
    check_endpoint("https://127.0.0.1:8443/send", allows_private=True)
    with pytest.raises(BadArgument, match="https"):
        check_endpoint("http://127.0.0.1/", allows_private=True)


def test_addresses_in_disguise_are_private() -> None:
    for text in (
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1%1",
        "224.0.0.1",
        "100.64.0.1",
    ):
        assert not is_public(text), text
    assert is_public("2001:4860:4860::8888")
