"""The page in other languages: the choice, its formats, the page to log in, right to left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chromium import Page
from tests.support.http_server import serve
from tests.support.process import ROOT, ServerProcess
from twistedcam.auth import Grant, TokenFile

STATIC = ROOT / "twistedcam/servers/http/page/static"
#: What modules of the page return for one language.
FORMATS = """
const { t, plural, number, list, locale } = await import("/static/lib/text.js");
const { bytes, dateTime, age } = await import("/static/lib/format.js");
return {
  locale, bytes: bytes(3400000), number: number(4567.5), age: age(1500, 10),
  date: dateTime(new Date(2020, 2, 1, 18, 4, 11)), list: list(["a", "b"]),
  files: [1, 2].map((count) =>
    plural(count, "{count} file is deleted", "{count} files are deleted")),
};
"""
#: Elements that are cut by the window, of those that are shown.
CUT = """
return [...document.querySelectorAll("header *, main *, footer *")].filter((each) => {
  const { left, right, width } = each.getBoundingClientRect();
  return width > 0 && each.checkVisibility({ visibilityProperty: true })
    && !each.closest(".visually-hidden, .within .ghost span")
    && (left < -1 || right > innerWidth + 1);
}).map((each) => `${each.tagName}.${each.className}`);
"""
#: Buttons and headings of dialogs that are cut; each dialog is opened and closed again.
CUT_IN_DIALOGS = """
return [...document.querySelectorAll("dialog")].flatMap((dialog) => {
  dialog.showModal();
  const { left, right } = dialog.getBoundingClientRect();
  const cut = [...dialog.querySelectorAll("button, h2")].filter((each) => {
    const place = each.getBoundingClientRect();
    return each.checkVisibility() && (place.left < left || place.right > right
      || each.scrollWidth > each.clientWidth + 1);
  }).map((each) => `${each.id} ${each.className} ${each.textContent}`);
  dialog.close();
  return cut;
});
"""


#: The buttons of the camera whose text is on more lines than it has words.
BROKEN_WORDS = """
return [...document.querySelectorAll(".camera:not([hidden]) .tools button")].filter((each) => {
  const text = each.querySelector("span").firstChild;
  const range = document.createRange();
  if (!each.checkVisibility() || !text) return false;
  range.selectNodeContents(text);
  const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
  return lines.size > text.textContent.trim().split(/[\\s\\u00a0]+/).length;
}).map((each) => each.innerText);
"""
#: Shows what the head and the timeline may have at most, each with its longest texts.
FULL = """
for (const each of document.querySelectorAll(".within > [hidden]:not(#login-again)")) {
  each.hidden = false;
}
const others = document.querySelector("#timeline-others");
others.hidden = document.querySelector("#timeline").hidden = false;
others.open = true;
others.lastElementChild.innerHTML = `<label><input type="checkbox">${"a name ".repeat(9)}</label>`;
"""


def prefer(page: Page, *languages: str) -> None:
    """Set the languages of the browser, the best first."""
    agent = page.chrome.execute_script("return navigator.userAgent")
    wanted = {"userAgent": agent, "acceptLanguage": ",".join(languages)}
    page.chrome.execute_cdp_cmd("Emulation.setUserAgentOverride", wanted)


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    browser.look()
    yield browser
    prefer(browser, "en-US", "en")
    browser.chrome.execute_script("localStorage.removeItem('twistedcam language')")


def read(page: Page, url: str) -> dict[str, Any]:
    """Open the page and return its formats."""
    page.chrome.get(url)
    found: dict[str, Any] = page.chrome.execute_script(f"return (async () => {{{FORMATS}}})()")
    return found


def test_the_page_has_the_first_language_of_the_browser_that_it_knows(
    page: Page, cameras: ServerProcess
) -> None:
    prefer(page, "nl", "de-CH", "fr")
    found = read(page, cameras.http + "/#door")
    assert found == {
        "locale": "de-CH",
        "bytes": "3.4 MB",
        "number": "4567.5",
        "age": "1.5 s",
        "date": "1. März 2020 18:04:11",
        "list": "a und b",
        "files": ["1 Datei wird gelöscht", "2 Dateien werden gelöscht"],
    }
    page.wait(lambda: page.text("#link") == "Verbunden", "a connected page")
    page.wait(lambda: page.text(".state") == "Live", "a live camera")
    assert page.chrome.execute_script("return document.documentElement.lang") == "de"
    assert page.text(".record") == "Aufnehmen"
    assert page.find("#events-title").text == "Ereignisse"
    assert page.find("#recordings-search").get_dom_attribute("placeholder") == "Suchen"
    assert page.find("[data-camera=attic] .open").get_dom_attribute("title") == "Nur attic zeigen"
    page.complaints()  # of cameras that are not there


def test_the_choice_of_the_language_is_remembered(page: Page, cameras: ServerProcess) -> None:
    from selenium.webdriver.support.select import Select

    page.open(cameras.http + "/")
    Select(page.find("select.language")).select_by_visible_text("Français")
    page.wait(lambda: page.text("#link") == "Connecté", "the page in French")
    assert read(page, cameras.http + "/")["bytes"] == "3,4 Mo"
    page.wait(lambda: page.text("#link") == "Connecté", "the page in French again")
    Select(page.find("select.language")).select_by_visible_text("Comme le navigateur")
    page.wait(lambda: page.text("#link") == "Connected", "the page in the browser's language")


def test_without_a_catalogue_the_page_is_english(page: Page, cameras: ServerProcess) -> None:
    prefer(page, "zh-CN")
    page.chrome.execute_cdp_cmd("Network.enable", {})
    page.chrome.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/static/texts/zh.json"]})
    page.open(cameras.http + "/")
    page.chrome.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.chrome.get(cameras.http + "/")
    page.wait(lambda: page.text("#link") == "已连接", "the page in Chinese")
    assert page.chrome.execute_script("return document.documentElement.lang") == "zh-Hans"


def test_the_page_to_log_in_and_its_errors_are_translated(page: Page, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    tokens.add(Grant("viewer", frozenset({"view"})))
    prefer(page, "es-MX")
    with serve(tmp_path, "--camera", "door=pattern:?fps=1", "--tokens", str(tokens.path)) as server:
        page.chrome.get(server.http + "/")
        page.wait(lambda: page.text("h2") == "Iniciar sesión", "the page in Spanish")
        assert page.text("#help").endswith("con twistedcam token add NAME --right view.")
        page.find("[name=token]").send_keys("wrong")
        page.click("form button")
        page.wait(lambda: page.text(".error") == "Este token no es correcto", "the error")
    page.complaints()


def test_the_page_fits_from_right_to_left(page: Page, cameras: ServerProcess) -> None:
    page.open(cameras.http + "/#door")
    page.wait(lambda: page.text(".state") == "Live", "a live camera")
    page.chrome.execute_script("document.documentElement.dir = 'rtl'")
    for width in (1280, 820, 390):
        page.look(width)
        assert page.chrome.execute_script(CUT) == [], width
        name, heading = (page.find(each).rect["x"] for each in (".brand", "#recordings-title"))
        assert name > width / 2, "the head begins on the right"
        assert heading > width / 2, "headings too"
    page.look()


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_the_head_the_timeline_and_dialogs_fit(
    page: Page, cameras: ServerProcess, language: str
) -> None:
    prefer(page, language)
    page.look(320, 640)
    page.chrome.get(cameras.http + "/")
    page.wait(lambda: page.text("#link"), "the page")
    assert page.chrome.execute_script(CUT_IN_DIALOGS) == []
    page.chrome.execute_script(FULL)
    for width in (320, 390, 640, 768, 844, 1024, 1280):
        page.look(width)
        assert page.chrome.execute_script(CUT) == [], width
        page.shoot(f"head-{language}-{width}")
    page.complaints()


@pytest.mark.parametrize("language", ["de", "es", "fr", "en"])
def test_no_button_of_a_camera_breaks_a_word_on_a_narrow_phone(
    page: Page, cameras: ServerProcess, language: str
) -> None:
    prefer(page, language)
    page.look(320, 640)
    page.leave()  # an address that differs in its hash alone is no new page
    page.chrome.get(f"{cameras.http}/#door")
    page.wait(lambda: page.text(".camera:not([hidden]) .record"), "the buttons")
    for width in (320, 360, 390):
        page.look(width, 640)
        assert page.chrome.execute_script(BROKEN_WORDS) == []


def test_style_sheets_have_no_sides() -> None:
    side = "(?:left|right)"
    sides = rf"(?:margin|padding|border)-{side}|text-align: {side}|(?<![-\w]){side}:"
    found = []
    for path in sorted(STATIC.glob("*.css")):
        if path.name != "direction.css":
            found += [(path.name, each) for each in re.findall(sides, path.read_text())]
    assert found == [], "use logical properties, such as margin-inline-start"
