"""The wall: layouts, order, groups, and which cameras send it pictures."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from selenium.webdriver import ActionChains

from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.process import PATIENCE, ServerProcess, wait_for

NAMES = ["a", "b", "c", "d", "e", "f"]
#: Pretends that the tab is in the background, or is not any more.
HIDE = """Object.defineProperty(document, "hidden", {value: arguments[0], configurable: true});
    document.dispatchEvent(new Event("visibilitychange"))"""
CHOOSE = """const select = document.querySelector(arguments[0]);
    select.value = arguments[1]; select.dispatchEvent(new Event("change"))"""
ORDER = """return [...document.querySelectorAll(".wall-item")]
    .filter((each) => !each.hidden).map((each) => each.dataset.camera)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    cameras = [f"{name}=pattern:?size=320x240&fps=2" for name in NAMES]
    words = [word for each in cameras for word in ("--camera", each)]
    with serve(tmp_path_factory.mktemp("recordings"), *words) as running:
        wait_for(lambda: state(running, "f")["state"] == "live", "the last camera")
        yield running


@pytest.fixture
def wall(browser: Page, server: ServerProcess) -> Iterator[Page]:
    browser.look()
    browser.open(server.http + "/#/wall")
    browser.wait(lambda: order(browser) == NAMES, "all cameras")
    browser.complaints()
    yield browser
    assert browser.complaints() == []
    browser.chrome.execute_script("localStorage.clear()")


def order(page: Page) -> list[str]:
    found: list[str] = page.chrome.execute_script(ORDER)
    return found


def watched(server: ServerProcess) -> list[str]:
    """The cameras that have a viewer."""
    return [name for name in NAMES if state(server, name)["viewers"]]


def tile(name: str) -> str:
    return f".wall-item[data-camera={name}] .wall-tile"


def test_only_what_is_seen_is_sent_and_a_tile_opens_its_camera(
    wall: Page, server: ServerProcess
) -> None:
    wall.wait(lambda: watched(server) == NAMES, "a picture of each")
    wall.wait(lambda: state(server, "a")["transcoding"] == "mjpeg→h264: 1 viewer", "H.264")
    assert violations(wall, [(1280, 900, False), (390, 844, True)]) == []
    wall.chrome.execute_script(CHOOSE, "#wall-layout", "four")
    wall.wait(lambda: order(wall) == NAMES[:4], "the first four")
    wall.wait(lambda: watched(server) == NAMES[:4], "no others")
    wall.wait(lambda: state(server, "a")["transcoding"] == "none", "JPEG of few cameras")
    wall.click("#wall-later")
    wall.wait(lambda: watched(server) == NAMES[4:], "the others")
    wall.chrome.execute_script(HIDE, True)
    wall.wait(lambda: watched(server) == [], "none in the background")
    wall.chrome.execute_script(HIDE, False)
    wall.wait(lambda: watched(server) == NAMES[4:], "them again")
    wall.chrome.execute_script("document.querySelector(arguments[0]).focus()", tile("f"))
    wall.keys("\ue007")
    wall.wait(lambda: wall.text(".camera .name") == "f", "the camera alone")
    wall.wait(lambda: watched(server) == ["f"], "one viewer")
    wall.click("#back")
    wall.wait(lambda: order(wall) == NAMES[4:], "the wall again")
    focused = "return document.activeElement.closest('.wall-item')?.dataset.camera"
    assert wall.chrome.execute_script(focused) == "f"
    wall.click("#back")
    wall.wait(lambda: wall.find("#cameras").is_displayed(), "the cards")


def test_the_order_is_changed_by_keys_clicks_and_dragging_and_remembered(
    wall: Page, server: ServerProcess
) -> None:
    wall.click("#wall-arrange")
    wall.chrome.execute_script("document.querySelector(arguments[0]).focus()", tile("a"))
    wall.keys("\ue014")  # arrow right
    assert order(wall) == ["b", "a", "c", "d", "e", "f"]
    wall.keys("\ue015")  # arrow down: three in a row
    assert order(wall) == ["b", "c", "d", "e", "a", "f"]
    wall.click(tile("f"))
    wall.click(tile("b"))
    assert order(wall) == ["f", "b", "c", "d", "e", "a"]
    dragging = ActionChains(wall.chrome).drag_and_drop(wall.find(tile("a")), wall.find(tile("c")))
    dragging.perform()
    assert order(wall) == ["f", "b", "a", "c", "d", "e"]
    assert wall.chrome.current_url.endswith("#/wall")
    wall.chrome.refresh()
    wall.wait(lambda: order(wall) == ["f", "b", "a", "c", "d", "e"], "the same order")


def test_groups_are_made_changed_and_deleted(wall: Page, server: ServerProcess) -> None:
    def choose(*names: str) -> None:
        for name in names:
            wall.click(f"#wall-cameras input[value={name}]")

    wall.click("#wall-groups")
    wall.click("#wall-save")
    assert wall.text("#wall-error") == "Give the group a name"
    wall.find("#wall-name").send_keys("Yard")
    wall.click("#wall-save")
    assert wall.text("#wall-error") == "Select at least one camera"
    choose("b", "e")
    wall.click("#wall-save")
    wall.wait(lambda: order(wall) == ["b", "e"], "the group")
    wall.wait(lambda: watched(server) == ["b", "e"], "no others")
    wall.chrome.refresh()
    wall.wait(lambda: order(wall) == ["b", "e"], "the group again")
    wall.click("#wall-groups")
    choose("c")
    wall.click("#wall-save")
    wall.wait(lambda: order(wall) == ["b", "c", "e"], "one more")
    wall.click("#wall-groups")
    wall.click("#wall-delete")
    wall.wait(lambda: order(wall) == NAMES, "all")


def test_layouts_fit_the_window(wall: Page) -> None:
    found = wall.chrome.execute_script("""
        return import("/static/lib/wall_layout.js").then(({ moved, placePictures, readWall }) => [
          ...[["fit", 16, 1280, 700], ["fit", 16, 390, 740], ["fit", 40, 390, 740],
            ["large", 6, 1280, 700], ["large", 16, 1280, 700], ["nine", 3, 1280, 700],
          ].map((each) => {
            const { columns, perPage, span, width } = placePictures(...each, 16 / 9);
            return [columns, perPage === Infinity ? null : perPage, span, width];
          }),
          moved(["a", "b", "c", "d"], ["a", "c"], "c", 0),
          readWall("{"),
          readWall('{"layout": "odd", "group": "x", "order": 5, "groups": [{}, {"name": "g"}]}'),
        ]);
    """)
    assert found == [
        [4, None, 1, 303],  # four rows in 700 pixels
        [2, None, 1, 155],
        [2, None, 1, 192],  # the wall scrolls
        [3, 6, 2, 407],
        [5, 17, 3, 240],
        [3, 9, 1, 407],
        ["c", "b", "a", "d"],
        {"layout": "fit", "group": "", "order": [], "groups": []},
        {"layout": "fit", "group": "", "order": [], "groups": [{"name": "g", "cameras": []}]},
    ]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose camera ``good`` has a smaller stream, and ``bad`` has one that fails."""
    folder = tmp_path_factory.mktemp("films")
    for name, size in (("main", "1280x720"), ("small", "320x180")):
        picture = f"testsrc2=size={size}:rate=5:duration=4"
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p"]
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "5"]
        subprocess.run([*command, f"{folder}/{name}.mp4"], check=True, timeout=PATIENCE)
    words = []
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    for name, substream in (("good", f"file:{folder}/small.mp4"), ("bad", closed)):
        words += ["--camera", f"{name}=file:{folder}/main.mp4"]
        words += ["--video", f"{name}:substream={substream}"]
    with serve(folder, *words) as running:
        yield running


def test_small_pictures_are_of_the_smaller_stream_if_that_works(
    browser: Page, films: ServerProcess
) -> None:
    browser.look()
    browser.open(films.http + "/#/wall")
    browser.chrome.execute_script(CHOOSE, "#wall-layout", "nine")
    sizes = """return import("/static/views/player.js").then(({ Player }) => {
      const { configure } = Player.prototype;
      Player.prototype.configure = function(decoder, format) {
        self.formats = { ...self.formats, [this.path]: format.width };
        configure.call(this, decoder, format);
      };
    })"""
    browser.chrome.execute_script(sizes)
    shown = "return self.formats"
    expected = {"good": 320, "bad": 1280}
    browser.wait(lambda: browser.chrome.execute_script(shown) == expected, "both pictures")
    assert state(films, "good")["substream"] == "live"
    assert state(films, "good")["transcoding"] == "none"
    assert state(films, "bad")["substream"] == "recovering"
    browser.chrome.execute_script(CHOOSE, "#wall-layout", "one")
    browser.wait(
        lambda: browser.chrome.execute_script(shown).get("good") == 1280, "the large picture"
    )
    browser.chrome.execute_script("self.formats = {}")
    browser.click("#back")
    browser.wait(lambda: browser.chrome.execute_script(shown).get("good") == 320, "the card")
    browser.chrome.execute_script("location.hash = '#good'")
    browser.wait(
        lambda: browser.chrome.execute_script(shown).get("good") == 1280, "the camera alone"
    )
    browser.chrome.execute_script("localStorage.clear()")
