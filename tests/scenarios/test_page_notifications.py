"""Notifications: switched on in the page, sent to a push service, and shown by the browser."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.push_service import PushService, signer_of

#: The browser's own push service is a company's: the page gets this one in place of it.
FAKE = """{
    const device = {...%s, options: {}, async unsubscribe() { localStorage.removeItem("device"); },
      toJSON() { return {endpoint: this.endpoint, keys: this.keys}; }};
    PushManager.prototype.getSubscription = async () => localStorage.getItem("device") && device;
    PushManager.prototype.subscribe = async ({applicationServerKey}) => {
      localStorage.setItem("device", applicationServerKey);
      return device;
    };
  }"""
SHOWN = """const done = arguments[0]; navigator.serviceWorker.ready
    .then((found) => found.getNotifications())
    .then((found) => done(found.map(({title, body, data}) => [title, body, data.url])))"""
#: More service workers than the browser has had in these tests.
MAX_WORKERS = 100


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    with PushService(tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, service: PushService
) -> Iterator[ServerProcess]:
    door = "door=pattern:?size=320x240&fps=10"
    env = {**os.environ, "SSL_CERT_FILE": str(service.ca)}
    folder = tmp_path_factory.mktemp("recordings")
    options = ("--camera", door, "--push-private", "--push-contact", "me@example.org")
    with serve(folder, *options, env=env) as running:
        yield running


@pytest.fixture
def page(
    browser: Page, service_worker: None, server: ServerProcess, service: PushService
) -> Iterator[Page]:
    granted = {"permissions": ["notifications"], "origin": server.http}
    browser.chrome.execute_cdp_cmd("Browser.grantPermissions", granted)
    script = {"source": FAKE % json.dumps(service.device("phone"))}
    added = browser.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    browser.look()
    browser.open(server.http + "/")
    yield browser
    browser.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    browser.chrome.execute_script("localStorage.clear()")
    browser.chrome.execute_cdp_cmd("Browser.resetPermissions", {})


def test_motion_is_told_to_a_browser_that_wants_it(
    page: Page, server: ServerProcess, service: PushService
) -> None:
    page.click("#notifications-open")
    page.wait(lambda: page.find("#notify-motion").is_enabled(), "the settings")
    assert not page.find("#notify-motion").is_selected()
    page.click("#notify-motion")
    page.wait(lambda: page.find("#notify-test").is_displayed(), "the device")
    assert violations(page, [(390, 844, True)]) == []
    page.look(390, 844)
    page.shoot("notifications-light-390")
    page.look()
    page.click("#notify-test")
    wait_for(lambda: service.messages, "a test")
    assert service.messages.pop()["kind"] == "test"
    claims, _ = signer_of(service.headers[-1])
    assert claims["sub"] == "mailto:me@example.org"
    begin = urllib.request.Request(server.http + "/api/v1/cameras/door/motion/on", method="POST")
    urllib.request.urlopen(begin, timeout=PATIENCE).close()
    wait_for(lambda: service.messages, "a motion")
    message = service.messages.pop()
    assert (message["kind"], message["title"], message["url"]) == ("motion", "door", "./#door")
    with urllib.request.urlopen(f"{server.http}/{message['image']}", timeout=PATIENCE) as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
    page.open(server.http + "/")
    page.click("#notifications-open")
    page.wait(lambda: page.find("#notify-motion").is_selected(), "what was chosen")
    assert not page.find("#notify-faults").is_selected()
    page.click("#notify-motion")
    page.wait(lambda: not page.find("#notify-test").is_displayed(), "none any more")
    assert page.chrome.execute_script("return localStorage.getItem('device')") is None


def test_the_browser_shows_what_was_sent(page: Page, server: ServerProcess) -> None:
    page.chrome.execute_async_script("navigator.serviceWorker.ready.then(() => arguments[0]())")
    page.chrome.execute_cdp_cmd("ServiceWorker.enable", {})
    sent = {"kind": "lost", "title": "Front door", "camera": "door", "reason": "it is unplugged",
            "url": "./#door", "time": 1.0, "topic": "lost door"}  # fmt: skip
    for number in range(MAX_WORKERS):
        given = {"origin": server.http, "registrationId": str(number), "data": json.dumps(sent)}
        page.chrome.execute_cdp_cmd("ServiceWorker.deliverPushMessage", given)
    page.wait(lambda: page.chrome.execute_async_script(SHOWN), "a notification")
    shown = ["Front door", "No picture: it is unplugged", server.http + "/#door"]
    assert page.chrome.execute_async_script(SHOWN) == [shown]


def test_without_encryption_the_page_says_why_there_are_none(
    page: Page, server: ServerProcess
) -> None:
    insecure = {"source": "Object.defineProperty(self, 'isSecureContext', {value: false})"}
    added = page.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", insecure)
    page.open(server.http + "/")
    page.click("#notifications-open")
    page.wait(lambda: "need an encrypted connection" in page.text("#notify-reason"), "the reason")
    assert not page.find("#notify-settings").is_displayed()
    page.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
