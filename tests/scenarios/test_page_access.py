"""The page with tokens, and frames in the pages of other sites."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.auth import Grant, TokenFile

DOOR = ("--camera", "door=pattern:?size=320x240&fps=10")
#: Requests of dashboards for a camera; each returns a positive number.
READS = """
const [url, done] = [arguments[0], arguments[arguments.length - 1]];
async function stream() {
  const answer = await fetch(`${url}/?action=stream&timestamp=${Date.now()}`, {mode: "cors"});
  const reader = answer.body.getReader();
  let text = "";
  while ((text.match(/Content-Length/g) ?? []).length < 5) {
    text += new TextDecoder("latin1").decode((await reader.read()).value);
  }
  await reader.cancel();
  return 5;
}
function image(path, crossOrigin) {
  return new Promise((width) => {
    const made = new Image();
    if (crossOrigin) made.crossOrigin = crossOrigin;
    made.onload = () => { width(made.naturalWidth); made.src = ""; };
    made.onerror = () => width(0);
    made.src = url + path;
  });
}
(async () => done([
  await stream(),
  await image(`/?action=snapshot&bypassCache=${Date.now()}`),
  await image(`/?action=stream&cacheBust=${Date.now()}`, "anonymous"),
  await image("/stream"),
]))().catch((error) => done([String(error)]));
"""


#: Lets the page check several times, one hour later, if it should send a request.
AN_HOUR_LATER = """
const now = performance.now.bind(performance);
performance.now = () => now() + 3600e3;
let turns = 0;
return new Promise((done) => setInterval(() => { if (++turns === 5) done(); }, 200));
"""


class Dashboard(BaseHTTPRequestHandler):
    """A page of another site."""

    def do_GET(self) -> None:
        """Send an empty page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "15")
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def dashboard() -> Iterator[str]:
    """The origin of another site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Dashboard) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{site.server_port}"
        finally:
            site.shutdown()
            thread.join()


def test_the_page_of_a_dashboard_reads_and_shows_the_camera(
    browser: Page, cameras: ServerProcess
) -> None:
    """Mainsail reads the stream itself, Fluidd asks for images with ``crossorigin``."""
    with dashboard() as origin:
        browser.chrome.get(origin)
        browser.chrome.set_script_timeout(PATIENCE)
        found = browser.chrome.execute_async_script(READS, cameras.http)
        assert found == [5, 320, 320, 320]
        browser.leave()


def test_without_a_picture_nothing_is_reported_as_recorded(
    browser: Page, cameras: ServerProcess
) -> None:
    browser.look(390, 844)
    browser.open(f"{cameras.http}/#attic")
    browser.wait(lambda: browser.text(".state") == "No picture", "a camera that is not there")
    browser.keys("r")
    browser.wait(lambda: browser.text(".record") == "End recording", "one that waits for it")
    browser.keys("e")
    no_file = "No picture came, so there is no file attic_"
    browser.wait(lambda: browser.text(".toast.bad").startswith(no_file), "word of it")
    browser.shoot("no-picture-light-390")
    browser.click("[data-camera=attic] .snap")
    browser.wait(lambda: "\nattic has no picture" in browser.text(".toast.bad"), "its name")


def test_a_browser_logs_in_and_everything_that_it_opens_works_until_it_logs_out(
    browser: Page, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    boss = tokens.add(Grant("boss", frozenset({"view", "control"})))
    options = ("--camera", "door=pattern:?size=320x240&fps=10", "--tokens", str(tokens.path))
    port = free_port()
    with serve(tmp_path, *options, port=port) as server:
        browser.look(320, 640)
        browser.chrome.get(f"{server.http}/#door")
        assert browser.text("#login h2") == "Log in"
        assert browser.find("[name=token]") == browser.chrome.switch_to.active_element
        assert violations(browser, [(390, 844, True)]) == []
        browser.look(320, 640)
        browser.find("[name=token]").send_keys("wrong\n")
        browser.wait(lambda: browser.text(".error") == "That token is wrong", "why not")
        browser.shoot("login-light-320")
        browser.find("[name=token]").send_keys(f"{boss}\n")
        browser.wait(lambda: browser.text("#cameras .name") == "door", "the page")
        assert browser.chrome.current_url == f"{server.http}/#door"
        assert browser.chrome.execute_script("return document.cookie") == ""
        wide = "return document.documentElement.scrollWidth"
        assert browser.chrome.execute_script(wide) == 320
        browser.look()
        browser.moves()
        browser.complaints()
        browser.click(".record")
        browser.wait(lambda: browser.text(".rec").startswith("0:01"), "a recording")
        browser.click(".record")
        (name,) = browser.wait(browser.names, "it in the list")
        browser.wait(lambda: browser.text(".kind").lower() == "mp4", "its end")
        browser.wait(
            lambda: browser.chrome.execute_script(
                "return document.querySelector('.recording img').naturalWidth > 0"
            ),
            "its thumbnail",
        )
        browser.click(".recording .download")
        saved = browser.downloads / name
        browser.wait(saved.exists, "the download")
        assert saved.read_bytes() == (tmp_path / name).read_bytes()
        browser.click(".recording .play")
        browser.wait(browser.plays, "it being played")
        browser.click("#player button[aria-label=Close]")
        assert boss not in browser.chrome.page_source
        assert browser.complaints() == []
    with serve(tmp_path, *options, port=port) as server:  # a login survives a restart
        browser.wait(lambda: browser.text("#link") == "Connected", "the page again")
        browser.click("#logout button")
        browser.wait(lambda: browser.text("#login h2") == "Log in", "the page to log in")
        assert "logged out: the token 'boss'" in server.log
        browser.chrome.back()
        browser.wait(lambda: browser.text("#login h2") == "Log in", "no page by the history")
        browser.leave()


def test_a_page_offers_what_its_token_allows_and_names_the_restrictions(
    browser: Page, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    view, control = frozenset({"view"}), frozenset({"control"})
    guest, desk = tokens.add(Grant("guest", view)), tokens.add(Grant("desk", control))
    attendant = tokens.add(Grant("attendant", view | control, frozenset({"door"})))
    steers = [".toggle", ".record", ".snap", "[name=quality]"]

    def pressable() -> list[str]:
        return [each for each in steers if browser.find(each).is_enabled()]

    def shown(*parts: str) -> list[str]:
        return [part for part in parts if browser.find(f".recording {part}").is_displayed()]

    with serve(tmp_path, *DOOR, "--tokens", str(tokens.path)) as server:
        auth = f"auth {desk}"
        server.command_lines(auth, "start door", "record start door visit.mp4")
        grows = re.compile("recording_bytes: [1-9]").match
        wait_for(lambda: any(map(grows, server.command_lines(auth, "status door"))), "some of it")
        assert server.command_lines(auth, "record stop door")[-1] == "OK"
        browser.look()
        browser.complaints()
        browser.open(f"{server.http}/?token={guest}")
        browser.moves()
        browser.wait(lambda: browser.text(".slider"), "the settings")
        assert pressable() == []
        assert "you may view, but not change anything" in browser.text("#limits")
        browser.keys("s")
        browser.wait(
            lambda: "does not have the right to control" in browser.text(".toast.bad"), "why"
        )
        browser.wait(browser.names, "the recording")
        assert shown(".download", ".delete") == [".download"]
        browser.shoot("guest-light-1280")

        browser.leave()
        browser.open(f"{server.http}/?token={desk}")
        browser.wait(
            lambda: "does not have the right to view" in browser.text(".overlay"), "why not"
        )
        browser.wait(browser.names, "the recording")
        browser.wait(lambda: browser.text(".slider"), "the settings")
        assert (pressable(), shown(".download", ".delete")) == (steers, [".delete"])
        browser.shoot("desk-light-1280")
        browser.look(390, 844, dark=True)
        browser.shoot("desk-dark-390")
        browser.look()

        browser.leave()
        browser.open(f"{server.http}/?token={attendant}")
        browser.moves()
        browser.wait(browser.names, "the recording")
        assert pressable() == steers
        assert (shown(".download", ".delete"), browser.find(".play").is_enabled()) == ([], False)
        assert "recordings are listed, but cannot be seen or deleted" in browser.text("#limits")
        assert "Metrics" not in browser.text(".foot a")
        assert browser.complaints() == []
        assert "refused" not in server.log
        browser.leave()


def test_a_page_whose_token_was_removed_says_so_and_sends_no_more_requests(
    browser: Page, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    token = tokens.add(Grant("guest", frozenset({"view"})))
    options = (*DOOR, "--tokens", str(tokens.path))
    port = free_port()
    with serve(tmp_path, *options, port=port) as server:
        browser.look()
        browser.open(f"{server.http}/?token={token}")
        browser.wait(browser.is_live, "a live camera")
    tokens.remove("guest")
    with serve(tmp_path, *options, port=port) as server:
        browser.wait(lambda: browser.text("#link") == "Logged out", "a page that knows it")
        assert "requires a token. Log in again." in browser.text(".overlay")
        asked = server.log.count("refused: GET")
        assert asked <= 5  # each of those that were at it: pictures, clock, and whether to go on
        browser.shoot("refused-light-1280")
        browser.chrome.execute_script(AN_HOUR_LATER)
        assert server.log.count("refused: GET") == asked
        browser.click("#login-again")
        browser.wait(lambda: browser.text("#login h2") == "Log in", "the page to log in")
        browser.leave()
