"""The list of recordings: three states, snapshots, files that do not play, unusual names."""

from __future__ import annotations

import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.chromium import Page
from tests.support.fakes import TINY_JPEG
from tests.support.http_server import serve, state
from tests.support.process import PATIENCE, ServerProcess, wait_for

DOOR = ("--camera", "door=pattern:?size=320x240&fps=10")
RIGHT_TO_LEFT = "\u0641\u064a\u0644\u0645 \u0637\u0648\u064a\u0644.jpg"
DECEIVING = "evil\u202egpj.mp4"
LOADING = """return import("/static/views/recordings.js").then(({ Recordings }) => {
    new Recordings().draw();
    return document.querySelector("#recording-list").innerText;
});"""


def row(name: str) -> str:
    return f".recording[data-name='{name}']"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("list") / "recordings"


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with serve(folder, *DOOR) as running:
        wait_for(lambda: state(running)["state"] == "live", "a picture")
        yield running


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Page:
    browser.look()
    browser.open(server.http + "/")
    return browser


def test_a_list_that_cannot_be_loaded_shows_the_reason_and_a_retry_button(
    page: Page, server: ServerProcess, folder: Path
) -> None:
    assert page.chrome.execute_script(LOADING).startswith("Loading")
    page.open(server.http + "/")
    page.wait(
        lambda: page.text("#recording-list").startswith("Nothing has been recorded yet"),
        "its state",
    )
    server.command_lines("snapshot door kept.jpg")
    page.wait(lambda: page.names() == ["kept.jpg"], "the snapshot")
    away = folder.with_name("away")
    folder.rename(away)
    while folder.is_dir() or not folder.exists():  # a file in its place: it cannot be read
        shutil.rmtree(folder, ignore_errors=True)  # the server may have made it again
        with suppress(FileExistsError):
            folder.touch(exist_ok=False)
    try:
        page.open(server.http + "/")
        page.wait(
            lambda: page.text("#recording-list").startswith("The list cannot be loaded: "),
            "its state",
        )
        assert "Not a directory" in page.text("#recording-list .reason")
        assert page.names() == []
        page.shoot("no-list-light-1280")
    finally:
        folder.unlink()
        away.rename(folder)
    page.click(".again")
    page.wait(lambda: page.names() == ["kept.jpg"], "the list again")
    assert "cannot be loaded" not in page.text("#recording-list")
    page.complaints()  # of the answer with status 503


def test_a_list_that_is_blocked_does_not_look_like_an_empty_one(
    page: Page, server: ServerProcess
) -> None:
    cdp = page.chrome.execute_cdp_cmd
    cdp("Network.enable", {})
    cdp("Network.setBlockedURLs", {"urls": ["*/api/v1/recordings*"]})
    try:
        page.open(server.http + "/")
        failed = "The list cannot be loaded: The server does not answer"
        page.wait(lambda: page.text("#recording-list").startswith(failed), "its state")
    finally:
        cdp("Network.setBlockedURLs", {"urls": []})
        cdp("Network.disable", {})
    page.click(".again")
    page.wait(lambda: page.names() == ["kept.jpg"], "the list again")
    page.complaints()


def test_a_snapshot_is_listed_is_shown_large_and_deleted(
    page: Page, server: ServerProcess, folder: Path
) -> None:
    server.command_lines("snapshot door porch.jpg")
    page.wait(lambda: "porch.jpg" in page.names(), "it in the list")
    assert page.text(f"{row('porch.jpg')} .kind").lower() == "jpg"
    width = "return document.querySelector(arguments[0])?.naturalWidth"
    page.wait(lambda: page.chrome.execute_script(width, f"{row('porch.jpg')} img") == 320, "it")
    page.click(f"{row('porch.jpg')} .thumb")
    page.wait(lambda: page.chrome.execute_script(width, "#player-picture") == 320, "it, large")
    assert not page.find("#player-video").is_displayed()
    page.click("#player button[aria-label=Close]")
    page.click(f"{row('porch.jpg')} .delete")
    page.click("#ask button[value=yes]")
    page.wait(lambda: "porch.jpg" not in page.names(), "a list without it")
    assert not (folder / "porch.jpg").exists()


def test_an_address_that_names_a_recording_opens_it_once(
    page: Page, server: ServerProcess, folder: Path
) -> None:
    server.command_lines("snapshot door 'a b.jpg'")
    page.open(server.http + "/#recording=a%20b.jpg")
    page.wait(lambda: page.text("#player-title") == "a b.jpg", "the player")
    assert page.chrome.execute_script("return location.hash") == ""
    page.click("#player button[aria-label=Close]")
    page.chrome.execute_script("location.hash = '#recording=none.mp4'")
    page.wait(lambda: "There is no recording" in page.text(".toast.bad"), "the reason")
    (folder / "a b.jpg").unlink()


@pytest.mark.parametrize("name", ["broken.mp4", "broken.mkv", "picture.jpg"])
def test_a_file_that_cannot_be_played_can_be_downloaded(
    page: Page, server: ServerProcess, folder: Path, name: str
) -> None:
    (folder / name).write_bytes(b"nothing " * 128)
    page.open(server.http + "/")
    page.wait(lambda: name in page.names(), "it in the list")
    page.click(f"{row(name)} .thumb")
    page.wait(lambda: page.text("#player-fault"), "word of it")
    what = "picture cannot be shown" if name.endswith("jpg") else "recording cannot be played"
    assert page.text("#player-fault") == f"This {what} here. Download it."
    href = page.find("#player-fault a").get_property("href")
    with urllib.request.urlopen(href, timeout=PATIENCE) as answer:
        assert answer.read() == (folder / name).read_bytes()
    page.click("#player button[aria-label=Close]")
    (folder / name).unlink()
    page.complaints()


def test_names_do_not_change_the_direction_of_text(
    page: Page, server: ServerProcess, folder: Path
) -> None:
    for name in (RIGHT_TO_LEFT, DECEIVING):
        (folder / name).write_bytes(b"x")
    page.open(server.http + "/")
    page.wait(lambda: {RIGHT_TO_LEFT, DECEIVING} <= {*page.names()}, "them in the list")
    direction = "return getComputedStyle(document.querySelector(arguments[0])).direction"
    directions = [
        page.chrome.execute_script(direction, f"{row(name)} .title")
        for name in (RIGHT_TO_LEFT, DECEIVING)
    ]
    assert directions == ["rtl", "ltr"]
    assert page.text(f"{row(DECEIVING)} .title") == "evil\ufffdgpj"
    page.click(f"{row(RIGHT_TO_LEFT)} .delete")
    page.click("#ask button[value=yes]")
    told = f"Deleted \u2068{RIGHT_TO_LEFT}\u2069"
    page.wait(lambda: told in page.text("#toasts"), "word of it")
    (folder / DECEIVING).unlink()
    page.complaints()


def test_the_quality_is_offered_only_if_jpegs_are_encoded(
    browser: Page, cameras: ServerProcess, server: ServerProcess, tmp_path: Path
) -> None:
    with serve(tmp_path, "--camera", f"relay={cameras.http}/stream/door") as passing:
        browser.look()
        for site, there in ((passing, 0), (server, 1)):
            browser.open(site.http + "/")
            browser.wait(browser.is_live, "a live camera")
            browser.wait(lambda: browser.widths(".camera[data-settings]"), "what can be set")
            browser.wait(
                lambda there=there: len(browser.widths("[name=quality]")) == there,  # type: ignore[misc]
                "the quality, or none",
            )
        note = passing.command_lines("set relay quality 40")
        assert any("own JPEGs are passed on" in line for line in note)
        browser.leave()


def test_recordings_are_under_their_days_found_by_words_and_selected(
    page: Page, server: ServerProcess, folder: Path
) -> None:
    now = time.time()
    made = {"cat-1.mp4": 0, "cat-2.mp4": 86400, "dog-3.v2.mp4": 86400}
    for name, ago in made.items():
        (folder / name).write_bytes(b"nothing " * 128)
        os.utime(folder / name, (now - ago, now - ago))
    page.open(server.http + "/")
    page.wait(lambda: made.keys() <= {*page.names()}, "them in the list")
    days = page.text("#recording-list .day h3").split("\n")
    assert days == ["Today", "Yesterday"]
    assert page.text(f"{row('dog-3.v2.mp4')} .title") == "dog-3.v2"
    assert page.text(f"{row('dog-3.v2.mp4')} .kind").lower() == "mp4"
    page.find("#recordings-search").send_keys("cat")
    page.wait(lambda: page.names() == ["cat-1.mp4", "cat-2.mp4"], "those with that word")
    page.click("#recordings-select")
    for name in page.names():
        page.click(f"{row(name)} .choose")
    assert page.text("#choice-text").startswith("2 selected")
    page.click("#choice-download")
    page.wait(lambda: "Downloading 2 files" in page.text("#toasts"), "the archive")
    page.click("#choice-protect")
    page.wait(lambda: "Protected 2 of 2" in page.text("#toasts"), "word of it")
    page.wait(lambda: "protected" in page.text(f"{row('cat-1.mp4')} .facts-line"), "their mark")
    page.click("#choice-all")
    page.click("#choice-delete")
    page.wait(lambda: "2 protected files are kept" in page.text("#toasts"), "that nothing is done")
    page.wait(lambda: page.text("#toasts") == "", "the end of the message")
    page.find("#recordings-search").send_keys("-1")
    page.wait(lambda: page.names() == ["cat-1.mp4"], "one of them")
    page.click(f"{row('cat-1.mp4')} .delete")
    page.wait(lambda: "1 protected file is kept" in page.text("#toasts"), "the same of one")
    page.find("#recordings-search").send_keys("\b\b")
    page.wait(lambda: len(page.names()) == 2, "both")
    server.command_lines("unprotect cat-2.mp4")
    facts = f"{row('cat-2.mp4')} .facts-line"
    page.wait(lambda: "protected" not in page.text(facts), "the end of its mark")
    page.click("#choice-delete")
    assert page.text("#ask-title, #ask-keep") == "Delete this file?\nKeep it"
    assert page.text("#ask-text") == "1 file is deleted · 1 protected file is kept"
    page.click("#ask button[value=yes]")
    page.wait(lambda: "Deleted 1 of 1" in page.text("#toasts"), "word of it")
    page.wait(lambda: page.names() == ["cat-1.mp4"], "the protected one alone")
    (folder / "cat-2.mp4").write_bytes(b"nothing " * 128)
    server.command_lines("protect cat-2.mp4")
    page.wait(lambda: "cat-2.mp4" in page.names(), "another file")
    page.click("#choice-all")
    page.click("#choice-unprotect")
    page.wait(lambda: "Unprotected 2 of 2" in page.text("#toasts"), "word of it")
    page.click("#choice-close")
    page.click(f"{row('cat-1.mp4')} .rename")
    page.find("#rename-name").send_keys("cat-2\n")  # the name is selected, and typed over
    page.wait(lambda: "'cat-2.mp4' already" in page.text("#rename-error"), "the reason")
    page.find("#rename-name").send_keys("\b s\n")
    page.wait(lambda: "cat- s.mp4" in page.names(), "the new name")
    assert not (folder / "cat-1.mp4").exists()
    page.click("#recordings-select")
    page.click("#choice-all")
    page.click("#choice-delete")
    page.click("#ask button[value=yes]")
    page.wait(lambda: page.names() == [], "a list without them")
    assert page.text("#recording-list") == "No recording matches the search."
    page.find("#recordings-search").clear()
    assert (folder / "dog-3.v2.mp4").exists()
    (folder / "dog-3.v2.mp4").unlink()
    page.complaints()


#: Counts cards of the list that are taken out and put back, and scrolls by some lines.
SCROLL = """self.moved = 0;
new MutationObserver((changes) => { for (const { removedNodes } of changes)
  for (const node of removedNodes) if (node.isConnected) self.moved += 1;
}).observe(document.querySelector("#recording-list"), {childList: true});
scrollBy(0, 1500)"""


def test_of_thousands_of_recordings_few_are_in_the_document(
    browser: Page, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("many")
    now = time.time()
    for number in range(3000):
        path = folder / f"{number:04}.jpg"
        path.write_bytes(TINY_JPEG)
        os.utime(path, (now - number * 600, now - number * 600))
    with serve(folder, *DOOR, "--stopped") as server:
        browser.look()
        browser.open(server.http + "/")
        browser.wait(lambda: "0000.jpg" in browser.names(), "the first ones")
        assert browser.text("#recordings-sum").startswith("3000 ·")
        assert len(browser.names()) < 100
        before = browser.names()
        browser.chrome.execute_script(SCROLL)
        browser.wait(lambda: browser.names()[-1] != before[-1], "the following ones")
        assert set(before) & {*browser.names()}
        assert browser.chrome.execute_script("return self.moved") == 0
        browser.chrome.execute_script("scrollTo(0, document.body.scrollHeight)")
        browser.wait(lambda: "2999.jpg" in browser.names(), "the last ones")
        assert "0000.jpg" not in browser.names()
        assert len(browser.names()) < 100
        browser.leave()


#: Answers requests for lists from 6,500 recordings, of which always three began at the same time.
LISTS = """
const [done] = arguments, asked = [];
const all = Array.from({length: 6500}, (_, at) => (
  {recording: `${at}.mp4`, start: 1e9 - Math.floor(at / 3), protected: false}));
window.fetch = async (url) => {
  const {pathname, searchParams} = new URL(url);
  asked.push(pathname.split("/").pop() + (searchParams.get("limit") ?? ""));
  const before = Number(searchParams.get("before") ?? Infinity);
  const recordings = all.filter((each) => each.start < before)
    .slice(0, Number(searchParams.get("limit") ?? Infinity));
  const body = pathname.endsWith("snapshots") ? {snapshots: []} : {recordings};
  return new Response(JSON.stringify(body), {headers: {"Content-Type": "application/json"}});
};
import(new URL("static/lib/recording_list.js", document.baseURI)).then(async (list) => {
  const items = await list.loadAll();
  const whole = asked.splice(0).includes("recordings");
  all.unshift({recording: "new.mp4", start: 1e9 + 9, protected: false});
  all.splice(6400, 1);
  const found = [
    list.applyEvent(items, {what: "deleted", name: "6399.mp4"}),
    list.applyEvent(items, {what: "renamed", name: "visit.mp4", before: "6000.mp4"}),
    list.applyEvent(items, {what: "protected", name: "visit.mp4"}),
    list.applyEvent(items, {what: "saved", name: "old.mp4"}),
  ];
  const now = await list.loadNew(items);
  const visit = now.find((each) => each.name === "visit.mp4");
  done([items.length + 1, whole, now.length, now[0].name, new Set(now.map((e) => e.name)).size,
    asked.filter((each) => each === "recordings300").length, found.join(),
    visit.protected, await list.loadNew(items.slice(0, 9))]);
}).catch((error) => done(String(error)));
"""


def test_a_long_list_is_loaded_in_parts_and_then_only_what_is_new(page: Page) -> None:
    page.chrome.set_script_timeout(30)
    found = page.chrome.execute_async_script(LISTS)
    assert found == [6500, False, 6500, "new.mp4", 6500, 1, "true,true,true,false", True, None]
    page.leave()
