"""The page behind nginx, with path prefixes, and with the configuration of docs/http.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.ports import free_port
from tests.support.process import ROOT, ServerProcess
from tests.support.publish_peers import LOCAL, Nginx
from twistedcam.auth import Grant, TokenFile

DOOR = ("--camera", "door=pattern:?size=320x240&fps=10", "--trusted-proxy", "127.0.0.1")
DOCS = (ROOT / "docs/http.md").read_text()
#: The first two lines of the location for a path prefix, as in the document.
LOCATION, BACKEND = "location / {", "http://127.0.0.1:8080;"
BELOW = "http://127.0.0.1:8080/;"
#: Snapshots that were polled, as without WebSockets.
PULLED = """return performance.getEntriesByType("resource").map((each) => each.name)
    .filter((name) => name.includes("after="))"""
#: The addresses that the service worker of the page is for.
SCOPE = "navigator.serviceWorker.ready.then(({scope}) => arguments[0](scope))"
LOADED = "return (document.querySelector(arguments[0])?.naturalWidth ?? 0) > 0"


def proxied(folder: Path, backend: str, path: str) -> Nginx:
    """Start nginx with the configuration of the document, for one path prefix only."""
    port = free_port()
    found = re.search(r"```nginx\n(map .*?\n}\n)(.*?)```", DOCS, re.DOTALL)
    assert found is not None
    shared, location = found[1], found[2]
    assert LOCATION in location
    assert BACKEND in location
    if path != "/":
        assert BELOW in DOCS
        location = location.replace(LOCATION, f'location "{unquote(path)}" {{').replace(
            BACKEND, BELOW
        )
    location = location.replace("127.0.0.1:8080", urlsplit(backend).netloc)
    own = "".join(
        f"{each}_temp_path {folder}/{each};\n"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    listen = f"server {{ listen {LOCAL}:{port};\n{location} }}"
    return Nginx(folder, f"http {{ access_log off;\n{own}{shared}{listen} }}\n", port)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with serve(folder, *DOOR) as running:
        yield running


@pytest.mark.usefixtures("service_worker")
@pytest.mark.parametrize("path", ["/cam/", "/a/path/of%20several/"])
def test_the_page_works_with_any_path_prefix(
    browser: Page, server: ServerProcess, folder: Path, tmp_path: Path, path: str
) -> None:
    with proxied(tmp_path / "nginx", server.http, path) as nginx:
        url = f"http://{LOCAL}:{nginx.port}{path}"
        browser.look()
        browser.open(url)
        browser.wait(browser.is_live, "a live camera")
        browser.moves()
        assert browser.chrome.execute_script(PULLED) == []
        scope = browser.chrome.execute_async_script(SCOPE)
        assert urlsplit(scope).path == path
        browser.click(".record")
        browser.wait(lambda: browser.text(".rec") >= "0:01", "a recording")
        name = state(server)["recording"]
        browser.click(".record")
        row = f".recording[data-name='{name}']"
        browser.wait(lambda: browser.text(f"{row} .kind").lower() == "mp4", "its end")
        browser.wait(lambda: browser.chrome.execute_script(LOADED, f"{row} img"), "its thumbnail")
        browser.click(f"{row} .download")
        saved = browser.downloads / name
        film = (folder / name).read_bytes()
        browser.wait(lambda: saved.exists() and saved.read_bytes() == film, "the download")
        browser.click(f"{row} .play")
        browser.wait(browser.plays, "it being played")
        browser.click("#player button[aria-label=Close]")
        browser.click(".snap")
        browser.wait(lambda: "Saved door_" in browser.text("#toasts"), "a snapshot")
        manifest = installed(browser)
        assert (manifest["start_url"], manifest["scope"]) == (url, url)
        assert fetched(browser, manifest["icons"][0]["src"]) == [200, "image/svg+xml"]
        for link in browser.chrome.find_elements("css selector", ".foot a"):
            assert fetched(browser, link.get_property("href"))[0] == 200
        assert browser.complaints() == []
        browser.leave()


def test_a_token_in_the_address_logs_in_below_a_path_and_leaves_the_address(
    browser: Page, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    token = tokens.add(Grant("boss", frozenset({"view", "control"})))
    options = (*DOOR, "--tokens", str(tokens.path))
    with (
        serve(tmp_path / "recordings", *options) as server,
        proxied(tmp_path / "nginx", server.http, "/cam/") as nginx,
    ):
        url = f"http://{LOCAL}:{nginx.port}/cam/"
        browser.look()
        browser.open(f"{url}?pictures=pull&token={token}#door")
        for _ in range(2):
            assert browser.chrome.current_url == f"{url}?pictures=pull#door"
            browser.wait(browser.is_live, "a live camera")
            browser.moves()
            browser.chrome.refresh()
        browser.wait(browser.is_live, "a live camera")
        browser.click(".snap")
        browser.wait(lambda: "Saved door_" in browser.text("#toasts"), "a command done")
        [cookie] = [each for each in browser.chrome.get_cookies() if each["path"] == "/cam"]
        assert (cookie["sameSite"], cookie["httpOnly"]) == ("Strict", True)
        first = browser.chrome.current_window_handle
        browser.chrome.switch_to.new_window("tab")
        try:
            browser.open(f"{url}?tab")
            assert browser.chrome.current_url == url
            browser.click("#logout button")
            browser.wait(lambda: browser.text("#login h2") == "Log in", "the page to log in")
            assert browser.chrome.current_url == url
        finally:
            browser.chrome.close()
            browser.chrome.switch_to.window(first)
        browser.wait(lambda: browser.text("#link") == "Logged out", "the end in the other tab")
        browser.leave()


def test_a_page_opened_with_a_password_measures_ages_and_lists_recordings(
    browser: Page, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    token = tokens.add(Grant("boss", frozenset({"view", "control"})))
    with serve(tmp_path / "recordings", *DOOR, "--tokens", str(tokens.path)) as server:
        browser.look()
        browser.chrome.get(server.http.replace("://", f"://x:{token}@") + "/healthz")
        browser.open(server.http)
        browser.moves()
        browser.wait(lambda: " old" in browser.text(".figures"), "a measured age")
        browser.click(".record")
        browser.wait(lambda: browser.text(".rec") >= "0:01", "a recording")
        browser.click(".record")
        browser.wait(lambda: browser.text(".kind").lower() == "mp4", "it in the list")
        browser.leave()


def installed(browser: Page) -> dict[str, Any]:
    """Return the manifest with its URLs resolved by the browser."""
    found: dict[str, Any] = browser.chrome.execute_async_script("""
        const done = arguments[0], url = document.querySelector("link[rel=manifest]").href;
        fetch(url).then((answer) => answer.json()).then((read) => {
          const whole = (address) => new URL(address, url).href;
          for (const icon of read.icons) icon.src = whole(icon.src);
          done({...read, start_url: whole(read.start_url), scope: whole(read.scope)});
        });
    """)
    return found


def fetched(browser: Page, url: str) -> list[Any]:
    """Return status and type of an address that the page fetches."""
    found: list[Any] = browser.chrome.execute_async_script(
        "const done = arguments[1]; fetch(arguments[0])"
        ".then((answer) => done([answer.status, answer.headers.get('Content-Type')]))",
        url,
    )
    return found
