"""A browser as a camera: its fake device is recorded and watched like any camera."""

from __future__ import annotations

import json
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest

from tests.scenarios.test_page_behind_proxy import proxied
from tests.scenarios.test_page_video import before_the_page
from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.publish_peers import LOCAL
from tests.support.slow_line import SlowLine
from twistedcam.auth import Grant, TokenFile

#: Counts the pictures that a viewer gets by WebSocket, and measures their ages.
WATCH = """
    const done = arguments[arguments.length - 1];
    Promise.all([import("/static/lib/clock.js")]).then(async ([{ clock }]) => {
      for (let each = 0; each < 5; each += 1) await clock.measure();
      const socket = new WebSocket(new URL("/live/phone?codec=h264", location.href));
      socket.binaryType = "arraybuffer";
      const ages = [];
      let text = null;
      let began = null; // the packets of the group before are older
      socket.onmessage = ({ data }) => {
        if (typeof data === "string") { text = JSON.parse(data); return; }
        const view = new DataView(data);
        socket.send(JSON.stringify({ ack: Number(view.getBigUint64(0)) }));
        began ??= performance.now();
        const age = clock.now() - Number(view.getBigUint64(8)) / 1000;
        if (performance.now() - began > 700) ages.push(age);
        if (ages.length === 20) { socket.close(); done({ text, ages }); }
      };
    });
"""


def command(server: ServerProcess, path: str, **body: Any) -> Any:
    request = urllib.request.Request(
        f"{server.http}/api/v1/cameras/phone/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("recordings")
    with serve(folder, "--camera", "phone=push:?title=My%20phone") as running:
        running.folder = folder  # type: ignore[attr-defined]
        yield running


def age_of_picture(server: ServerProcess) -> float:
    """Return the age in seconds of a picture that is captured now, when the server has it."""
    address = f"{server.http}/snapshot/phone?fresh=1"
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        return time.time() - float(answer.headers["X-Timestamp"])


@contextmanager
def sending(page: Page, server: ServerProcess, address: str = "") -> Iterator[None]:
    """Let the page send the pictures of the browser's fake device."""
    page.look(390, 844)
    page.chrome.get(f"{address or server.http}/publish/phone")
    page.wait(lambda: page.text("#send") == "Start sending", "the button")
    page.click("#send")
    wait_for(lambda: state(server)["state"] == "live", "the pictures of the browser")
    try:
        yield
    finally:
        page.chrome.execute_script("localStorage.clear()")  # what was chosen
        page.leave()
        wait_for(lambda: state(server)["state"] == "recovering", "the end of the pictures")


def test_its_h264_is_recorded_as_it_comes_with_sound_and_seen_by_others(
    browser: Page, server: Any
) -> None:
    with sending(browser, server):
        browser.click("#microphone")
        wait_for(lambda: state(server).get("audio") == "opus 48000 Hz 1 ch", "sound")
        found = state(server)
        assert (found["codec"], found["size"], found["transcoding"]) == ("h264", "1280x720", "none")
        name = command(server, "record/start", name="phone.mkv")["recording"]
        seen = browser.chrome.execute_async_script(WATCH)
        assert (seen["text"]["width"], seen["text"]["container"]) == (1280, "annexb")
        middle = sorted(seen["ages"])[10]
        # The clocks of two pages are compared with the server's, each to some milliseconds.
        assert -100 < middle < 1000, seen["ages"]
        browser.wait(lambda: "H.264, 1280 × 720" in browser.text("#figures"), "the figures")
        assert violations(browser, [(390, 844, False), (390, 844, True)]) == []
        browser.look(844, 390)
        browser.shoot("publish-landscape")
        browser.look(390, 844, dark=True)
        browser.shoot("publish-portrait-dark")
        assert state(server)["transcoding"] == "none"
        command(server, "record/stop")
        # Another size: the server and its viewers go on with another track.
        browser.chrome.execute_script(
            "const it = document.querySelector('#size'); it.selectedIndex = 3;"
            "it.dispatchEvent(new Event('change'))"
        )
        wait_for(lambda: state(server)["size"] == "640x360", "the smaller pictures")
        assert browser.chrome.execute_async_script(WATCH)["text"]["width"] == 640
    with av.open(str(Path(server.folder) / name)) as film:
        codecs = [each.codec_context.name for each in film.streams]
        assert codecs[0] == "h264"
        assert "opus" in codecs[1]
        times = [each.time for each in film.decode(video=0)]
    assert len(times) > 10
    assert times == sorted(times)


def test_on_a_slow_line_the_pictures_are_worse_and_not_late(browser: Page, server: Any) -> None:
    port = urlsplit(server.http).port
    with (
        SlowLine(port, 1e6, is_uplink=True) as line,
        sending(browser, server, line.url),
    ):
        browser.wait(lambda: browser.text("#state") == "Sending", "the good line")
        line.limit(12_000)  # its best needs about ten times as much
        browser.wait(lambda: browser.text("#state") == "Slow connection", "word of it")
        browser.wait(lambda: "less detail" in browser.text("#note"), "what is done about it")
        wait_for(lambda: age_of_picture(server) < 1.5, "a picture that is not late")
        line.limit(1e6)


def test_a_phone_logs_in_behind_a_proxy_with_a_token_that_is_this_camera_only(
    browser: Page, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    token = tokens.add(Grant("phone", frozenset({"publish"}), frozenset({"phone"})))
    viewer = tokens.add(Grant("viewer", frozenset({"view"})))
    options = ("--camera", "phone=push:", "--tokens", str(tokens.path))
    with (
        serve(tmp_path / "recordings", *options, "--trusted-proxy", "127.0.0.1") as server,
        proxied(tmp_path, server.http, "/cam/") as nginx,
    ):
        address = f"http://{LOCAL}:{nginx.port}/cam/publish/phone"
        browser.chrome.get(address)
        field = browser.find("[name=token]")
        field.send_keys(token)
        field.submit()
        browser.wait(lambda: browser.text("#send") == "Start sending", "the page")
        browser.chrome.delete_all_cookies()
        browser.chrome.get(f"{address}?token={token}")
        browser.wait(lambda: browser.text("#send") == "Start sending", "the page, by a token")
        assert browser.chrome.current_url == address
        browser.click("#send")
        browser.wait(lambda: browser.text("#state") == "Sending", "that it sends")
        request = urllib.request.Request(
            f"{server.http}/api/v1/cameras/phone", headers={"Authorization": f"Bearer {viewer}"}
        )

        def is_live() -> bool:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return bool(json.load(answer)["state"] == "live")

        wait_for(is_live, "the pictures of the browser")
        tokens.remove("phone")
        browser.wait(lambda: "log in" in browser.text("#fault"), "the end of the login")
        assert browser.text("#state") == "Not sending"
        browser.leave()


def test_one_click_in_the_settings_adds_a_camera_for_a_phone(browser: Page, tmp_path: Path) -> None:
    file = tmp_path / "cam.toml"
    text = '# mine\n[camera.phone]\nsource = "pattern:?size=320x240&fps=5"\n'
    file.write_text(text)
    with serve(tmp_path / "recordings", "--config", str(file)) as server:
        browser.look()
        browser.open(server.http)
        browser.click("#settings-open")
        browser.wait(lambda: browser.value("#configuration textarea") == text, "the text")
        browser.click("#add-phone")
        part = ".camera[data-camera=phone-2] .phone"
        browser.wait(lambda: browser.text(f"{part} a"), "the address")
        assert browser.text(f"{part} a") == f"{server.http}/publish/phone-2"
        assert "Only the server's own computer" in browser.text(part)  # it listens there only
        picture = ".camera[data-camera=phone-2] .overlay"
        assert browser.text(picture).splitlines()[:2] == [
            "Waiting for a picture",
            "Use a phone as this camera",
        ]
        browser.click(f"{part} summary")
        browser.click(f"{picture} button")
        assert browser.text(f"{part} a")
        # Among other cameras it shows this one alone before.
        browser.click(f"{part} summary")
        browser.chrome.execute_script("location.hash = ''")
        browser.wait(lambda: browser.text(".camera[data-camera=phone]"), "both cameras")
        browser.click(f"{picture} button")
        browser.wait(lambda: browser.text(f"{part} a"), "the address again")
        assert tomllib.loads(file.read_text())["camera"]["phone-2"]["source"] == "push:"
        assert file.read_text().startswith(text)
        assert not browser.text(".camera[data-camera=phone] .phone")
        browser.leave()


#: Keeps the WebSockets of a page, so that a test can close them.
KEEP_SOCKETS = """
    const Original = WebSocket;
    self.sockets = [];
    self.WebSocket = class extends Original {
      constructor(...given) { super(...given); sockets.push(this); }
    };
"""


def test_a_lost_connection_is_replaced_at_once_and_another_page_is_refused(
    browser: Page, server: Any
) -> None:
    with before_the_page(browser, KEEP_SOCKETS), sending(browser, server):
        browser.chrome.execute_script("sockets[0].close()")
        opened = "return sockets.length > 1 && sockets[1].readyState === WebSocket.OPEN"
        browser.wait(lambda: browser.chrome.execute_script(opened), "another connection")
        browser.wait(lambda: browser.text("#state") == "Sending", "that it sends again")
        before = state(server)["frames"]
        wait_for(lambda: state(server)["frames"] > before, "further pictures")
        assert not browser.text("#fault")
        command(server, "stop")
        browser.wait(lambda: "stopped at the server" in browser.text("#note"), "the reason")
        command(server, "start")
        browser.wait(lambda: browser.text("#state") == "Sending", "that it sends once more")
        assert not browser.text("#note")
        # Another page is told why it has to wait, and changes nothing.
        chrome, first = browser.chrome, browser.chrome.current_window_handle
        chrome.switch_to.new_window("tab")
        chrome.get(f"{server.http}/publish/phone")
        browser.wait(lambda: browser.text("#send") == "Start sending", "the button")
        browser.click("#send")
        browser.wait(lambda: "Somebody else publishes" in browser.text("#fault"), "the refusal")
        chrome.close()
        chrome.switch_to.window(first)
        before = state(server)["frames"]
        wait_for(lambda: state(server)["frames"] > before, "that the first goes on")


def test_a_hidden_page_without_pictures_disconnects_until_it_is_shown(
    browser: Page, server: Any
) -> None:
    """As on a phone. The pictures are those that the video element shows."""
    hide = """
        const is = arguments[0];
        Object.defineProperty(document, "hidden", { value: is, configurable: true });
        const video = document.querySelector("#preview");
        if (is) video.pause(); else video.play();
        document.dispatchEvent(new Event("visibilitychange"));
    """
    other = before_the_page(browser, "delete self.MediaStreamTrackProcessor")
    with other, sending(browser, server):
        browser.chrome.execute_script(
            "const it = document.querySelector('#note'); self.notes = [];"
            "new MutationObserver(() => self.notes.push(it.textContent))"
            ".observe(it, { childList: true, characterData: true, subtree: true })"
        )
        browser.chrome.execute_script(hide, True)
        wait_for(lambda: state(server)["state"] == "recovering", "the end of the pictures")
        assert browser.text("#state") == "Hidden: not sending"
        browser.chrome.execute_script(hide, False)
        wait_for(lambda: state(server)["state"] == "live", "the pictures again")
        # On a slow computer another note, that the connection is slow, follows soon.
        notes = browser.chrome.execute_script("return self.notes")
        assert any("This page was hidden for" in each for each in notes)
        assert state(server)["codec"] == "h264"


def test_a_browser_without_an_encoder_sends_jpeg(browser: Page, server: Any) -> None:
    with before_the_page(browser, "delete self.VideoEncoder"), sending(browser, server):
        browser.wait(lambda: "JPEG, 1280 × 720" in browser.text("#figures"), "the figures")
        assert "cannot encode H.264" in browser.text("#note")
        assert (state(server)["codec"], state(server)["size"]) == ("mjpeg", "1280x720")


def test_a_camera_that_cannot_be_opened_is_explained(browser: Page, server: ServerProcess) -> None:
    browser.chrome.get(f"{server.http}/publish/phone")
    browser.wait(lambda: browser.text("#send") == "Start sending", "the button")
    for name, words in (
        ("NotAllowedError", "does not allow this page to use the camera"),
        ("NotReadableError", "The camera is in use"),
        ("NotFoundError", "no camera that the browser can use"),
    ):
        browser.chrome.execute_script(
            "navigator.mediaDevices.getUserMedia = () =>"
            f" Promise.reject(new DOMException('x', '{name}'))"
        )
        browser.click("#send")
        browser.wait(lambda: words in browser.text("#fault"), "the reason")  # noqa: B023
        assert browser.text("#state") == "Not sending"


def test_a_page_without_https_says_what_to_do(browser: Page, server: ServerProcess) -> None:
    insecure = "Object.defineProperty(self, 'isSecureContext', {value: false})"
    with before_the_page(browser, insecure):
        browser.chrome.get(f"{server.http}/publish/phone")
        browser.wait(lambda: "twistedcam tls-init" in browser.text("#fault"), "the reason")
        assert "https://127.0.0.1:8443/publish/phone" in browser.text("#fault")
        assert not browser.text("#send")


def test_the_line_and_the_clocks_are_judged(browser: Page, server: ServerProcess) -> None:
    """With delays and times that a script gives: without the noise of a busy machine."""
    browser.chrome.get(f"{server.http}/publish/phone")
    found = browser.chrome.execute_script("""
        return Promise.all([import("/static/publish/line.js"), import("/static/publish/times.js")])
          .then(([{ LineSpeed }, { MediaClock }]) => {
            const line = new LineSpeed();
            const shares = [];
            const second = (delay, leftOut) => {
              line.noteDelay(delay);
              for (let each = 0; each < leftOut; each += 1) line.noteLeftOut();
              if (leftOut < 20) line.noteSent();
              shares.push(Math.round(line.judge() * 100));
            };
            for (let each = 0; each < 4; each += 1) second(500, 10);
            const slow = line.isSlow;
            for (let each = 0; each < 10; each += 1) second(9000, 20); // nothing is sent
            for (let each = 0; each < 30; each += 1) second(20, 0);
            const clock = new MediaClock();
            let error = 0;
            // A device whose clock is 100 ppm fast, and whose pictures come up to 30 ms late.
            for (let at = 0; at < 60000; at += 40) {
              clock.note(at * 1.0001, 1e12 + at + (at % 7) * 5);
              const found = clock.toLocal(at * 1.0001) - 1e12;
              if (at > 1000) error = Math.max(error, Math.abs(found - at));
            }
            const [lost, last] = [shares[13], shares.at(-1)];
            return { shares: shares.slice(0, 4), slow, error, lost, last };
          });
    """)
    assert found["shares"] == [70, 70, 49, 49]
    assert (found["lost"], found["slow"], found["last"]) == (34, True, 100)
    assert found["error"] < 3


#: An encoder that gives no picture before it has got more than it can use at once, as x264 does.
HOLDING = """
    const late = self.setTimeout;
    self.setTimeout = (call, wait, ...given) => late(call, Math.min(wait, 1), ...given);
    self.VideoEncoder = class {
      static isConfigSupported = async () => ({ supported: true });
      encodeQueueSize = 0;
      configure() { this.state = "configured"; }
      encode() { /* it is held */ }
      close() { this.state = "closed"; }
    };
"""
ENCODE = """
    return import("/static/publish/encoders.js").then(async ({ H264Encoder, hasH264 }) => {
      const encoder = new H264Encoder(30, () => {}, () => {});
      const canvas = document.createElement("canvas");
      canvas.getContext("2d").fillRect(0, 0, 64, 64);
      const encode = (time) => encoder.encode(canvas, 64, 64, time);
      encode(0);
      while (encoder.isBusy) await 0;
      const taken = [];
      for (let time = 0; time < 300; time += 33) taken.push(encode(time));
      encoder.output({ timestamp: 66000, byteLength: 1, type: "delta", copyTo() {} });
      for (let time = 300; time < 500; time += 33) taken.push(encode(time));
      return [await hasH264(), taken.map(Number).join("")];
    });
"""


def test_an_encoder_that_holds_pictures_back_is_not_used(
    browser: Page, server: ServerProcess
) -> None:
    with before_the_page(browser, HOLDING):
        browser.chrome.get(f"{server.http}/publish/phone")
        is_used, taken = browser.chrome.execute_script(ENCODE)
    assert not is_used
    assert taken == "1111111100" + "1110000"  # eight are held at most, and three come out


def test_firefox_sends_what_it_can_encode(server: ServerProcess, fox: Any) -> None:
    fox.navigate(f"{server.http}/publish/phone")
    shown = "return document.querySelector('#send')?.checkVisibility() ?? false"
    wait_for(lambda: fox.execute_script(shown), "the button in Firefox")
    fox.execute_script("document.querySelector('#send').click()")
    wait_for(lambda: state(server)["state"] == "live", "the pictures of Firefox")
    figures = "return document.querySelector('#figures').textContent"
    wait_for(
        lambda: (
            state(server)["codec"].upper().replace("MJPEG", "JPEG")
            in fox.execute_script(figures).replace(".", "")
        ),
        "the figures",
    )
    fox.navigate("about:blank")
    wait_for(lambda: state(server)["state"] == "recovering", "the end of the pictures")
