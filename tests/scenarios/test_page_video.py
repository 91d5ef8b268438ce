"""H.264 in the page: by WebCodecs, by Media Source Extensions, and JPEG where neither works."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np
import pytest

from tests.fakecam import FakeCam, Format, encode_h264, moving_picture, require_fakecam
from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.slow_line import SlowLine
from twistedcam.media import barcode

#: Bytes a second of a line that is too slow for the camera's H.264, and not for half its size.
WIDE, NARROW = 1e9, 28e3
#: Seconds within which the page uses the next way, and those between two texts of it.
FALLBACK, TICK = 2.0, 1.1
CHOOSE = """const select = document.querySelector(".video select");
    select.value = arguments[0]; select.dispatchEvent(new Event("change"))"""
#: Scripts that run before those of the page. They leave out decoders, or make them fail.
WITHOUT_WEBCODECS = "delete self.VideoDecoder;"
WITHOUT_MEDIA_SOURCE = "delete self.MediaSource; delete self.ManagedMediaSource;"
FAILING_LATER = """{
    const decode = VideoDecoder.prototype.decode;
    VideoDecoder.prototype.decode = function(chunk) {
      if (self.isBroken) throw new Error("the decoder is broken");
      decode.call(this, chunk);
    };
  }"""
SILENT = "SourceBuffer.prototype.appendBuffer = () => {};"
#: The pixels of the canvas, as the barcode has them.
PIXELS = """const canvas = document.querySelector(".picture");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, 16);
    return [canvas.width, Array.from(data).filter((_, index) => index % 4 === 1)]"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    door = ("--camera", "door=pattern:?size=640x360&fps=20")
    with serve(tmp_path_factory.mktemp("recordings"), *door) as running:
        wait_for(lambda: running.status().get("state") == "live", "a picture")
        yield running


@contextmanager
def before_the_page(browser: Page, script: str) -> Iterator[None]:
    """Run a script before those of each page that is opened."""
    added = browser.chrome.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": script}
    )
    try:
        yield
    finally:
        browser.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def says(browser: Page, codec: str) -> Callable[[], bool]:
    """A probe: the page says that it shows this codec, and its age."""
    return lambda: (
        browser.text(".figures").startswith(f"{codec}, ") and " old" in browser.text(".figures")
    )


def choose(browser: Page, codec: str) -> None:
    browser.wait(lambda: browser.text(".video label") == "Video", "the choice")
    browser.chrome.execute_script(CHOOSE, codec)


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Iterator[Page]:
    browser.look()
    browser.open(server.http + "/")
    browser.complaints()
    yield browser
    assert browser.complaints() == []
    browser.chrome.execute_script("localStorage.clear()")


def test_h264_is_chosen_shown_and_remembered(page: Page, server: ServerProcess) -> None:
    page.wait(says(page, "JPEG"), "JPEG, which costs the server nothing")
    assert state(server)["transcoding"] == "none"
    choose(page, "h264")
    page.wait(says(page, "H.264"), "H.264")
    assert "bit/s, " in page.text(".figures")
    page.moves()
    # A busy machine may ask for a smaller size meanwhile.
    assert re.fullmatch(r"mjpeg→h264( \d+x\d+)?: 1 viewer", state(server)["transcoding"])
    page.shoot("h264-light-1280")
    page.open(server.http + "/")
    page.wait(says(page, "H.264"), "H.264 again")
    assert page.value(".video select") == "h264"
    choose(page, "jpeg")
    page.wait(says(page, "JPEG"), "JPEG")
    page.moves()
    wait_for(lambda: state(server)["transcoding"] == "none", "the end of the encoder")


def test_the_camera_s_own_h264_is_shown_without_being_asked_for(
    browser: Page, tmp_path: Path
) -> None:
    require_fakecam()
    units = encode_h264(moving_picture(320, 240, 60), 10)
    with (
        FakeCam([Format("H264", 320, 240, (30,), units)]) as camera,
        serve(
            *(tmp_path, "--camera", f"door=webcam:{camera.by_id}?format=h264&size=320x240"),
            env=camera.env,
        ) as server,
    ):
        browser.open(server.http + "/")
        browser.wait(says(browser, "H.264"), "H.264")
        told = state(server)
        assert (told["codec"], told["transcoding"], told["viewers"]) == ("h264", "none", 1)
        with av.open(f"{server.http}/video", timeout=PATIENCE) as film:
            sizes = {(frame.width, frame.height) for frame, _ in zip(
                film.decode(video=0), range(12), strict=False)}  # fmt: skip
        assert sizes == {(320, 240)}
        assert state(server)["transcoding"] == "none"
        browser.leave()


def test_without_webcodecs_media_source_extensions_are_used(
    page: Page, server: ServerProcess
) -> None:
    with before_the_page(page, WITHOUT_WEBCODECS):
        page.open(server.http + "/")
        choose(page, "h264")
        page.wait(says(page, "H.264"), "H.264")
        page.moves()
    with before_the_page(page, WITHOUT_WEBCODECS + WITHOUT_MEDIA_SOURCE):
        page.open(server.http + "/")
        page.wait(says(page, "JPEG"), "JPEG")
        assert not page.find(".video").is_displayed()


def test_old_video_is_removed_only_while_the_buffer_takes_no_other(page: Page) -> None:
    found = page.chrome.execute_script("""
        return import("/static/views/mse.js").then(({ MseDecoder }) => {
          const removed = [], buffered = { length: 1, start: () => 0 };
          const buffer = { updating: true, buffered, remove: (...times) => removed.push(times) };
          const video = { currentTime: 20 }, source = { readyState: "open" };
          const decoder = Object.assign(Object.create(MseDecoder.prototype), {
            buffer, video, source, packets: [], queue: [] });
          decoder.onAppended(); // the next append began before the event of the last one came
          buffer.updating = false;
          decoder.onAppended();
          return removed;
        });""")
    assert found == [[0, 16]]


def test_when_decoding_fails_later_the_next_way_is_used_soon(
    page: Page, server: ServerProcess
) -> None:
    with before_the_page(page, FAILING_LATER + SILENT):
        page.open(server.http + "/")
        choose(page, "h264")
        page.wait(says(page, "H.264"), "H.264 by WebCodecs")
        page.moves()
        begin = time.monotonic()
        page.chrome.execute_script("self.isBroken = true")
        page.wait(says(page, "JPEG"), "JPEG, because nothing else works")
        # Two ways have failed.
        assert time.monotonic() - begin < 2 * FALLBACK + 2 * TICK
        page.moves()


def test_a_line_that_is_too_slow_for_jpeg_gets_h264_while_that_is_better(page: Page) -> None:
    found = page.chrome.execute_script("""
        return import("/static/views/player.js").then(({ Player }) => {
          const player = new Player("x", document.createElement("canvas"), () => true, () => {});
          const found = [];
          let fps = 0;
          Object.defineProperty(player, "fps", { get: () => fps });
          // Each second: frames per second and their age. Then the codecs that are wanted.
          const watch = (seconds, drawn, age) => {
            fps = drawn;
            for (let each = 0; each < seconds; each += 1) player.judgeLine(age);
            player.Decoder = player.wantedCodecs.length ? class Other {} : jpeg;
            found.push(player.wantedCodecs.join());
          };
          const jpeg = player.Decoder;
          player.running = true;
          player.status = { state: "live", fps: 30, codec: "mjpeg", size: "1280x720" };
          watch(9, 29, 20);
          player.running = false; // another view is open
          watch(9, 0, 300);
          player.Decoder = class Other {};
          watch(9, 0, null);
          found.push(player.line.halvings);
          player.running = true;
          watch(1, 29, 20);
          watch(4, 10, 300);
          watch(1, 29, 20);
          watch(5, 10, 300); // too slow for five seconds
          watch(20, 30, 100);
          player.want("auto");
          watch(0, 0, 0);
          watch(5, 10, 300);
          watch(10, 8, 500); // H.264 is not better
          watch(100, 10, 300);
          player.want("h264");
          watch(0, 0, 0);
          player.want("auto");
          player.status = { state: "live", fps: 30, codec: "hevc" };
          watch(1, 30, 20);
          player.want("h264");
          watch(0, 0, 0);
          player.want("jpeg");
          watch(0, 0, 0);
          return found;
        });
    """)
    assert found == [
        "",
        "",
        "",
        0,
        "",
        "",
        "",
        "h264",
        "h264",
        "",
        "h264",
        "",
        "",
        "h264",
        "hevc",
        "hevc,h264",
        "",
    ]


def test_a_line_that_is_too_slow_for_h264_gets_smaller_pictures_and_larger_ones_again(
    page: Page,
) -> None:
    found = page.chrome.execute_script("""
        return import("/static/views/line.js").then(({ Line }) => {
          const line = new Line(), found = [];
          // So many seconds with so many of 30 frames a second. Then the size that is wanted.
          const watch = (seconds, fps, size = "1280x720") => {
            for (let each = 0; each < seconds; each += 1) line.judgeVideo(fps, 30, size);
            found.push(line.sizeOf(size));
          };
          watch(100, 29);
          watch(5, 4); // a dead line
          watch(1, 29);
          watch(6, 4); // a slow one
          watch(10, 12); // better, so it stays
          watch(6, 12);
          watch(10, 30); // the trial
          watch(29, 30);
          watch(1, 30); // good for 30 s
          watch(6, 10);
          watch(10 + 59, 30); // that was too early: it waits for twice as long
          watch(1, 30);
          watch(60, 30);
          watch(6, 10, "640x480");
          watch(10, 9, "640x480"); // it does not help
          watch(290, 9, "640x480");
          found.push(line.pause, line.sizeOf("320x200"), line.sizeOf("0x0"), line.sizeOf());
          return found;
        });
    """)
    half, quarter = "640x360", "320x180"
    assert found == [
        *(None, None, None, half, half, quarter, quarter, quarter, half),
        *(quarter, quarter, half, None, "320x240", None, None),
        *(10, None, None, None),
    ]


def test_on_a_slow_line_the_page_asks_for_a_smaller_size_and_says_so(
    browser: Page, server: ServerProcess
) -> None:
    port = urlsplit(server.http).port
    assert port is not None
    with SlowLine(port, WIDE) as line:
        browser.open(line.url + "/")
        choose(browser, "h264")
        browser.wait(says(browser, "H.264"), "H.264")
        line.limit(NARROW)
        browser.wait(lambda: "H.264 320 × 180, " in browser.text(".figures"), "a smaller size")
        assert "mjpeg→h264 320x180: 1 viewer" in state(server)["transcoding"]
        shown = r"H\.264 320 × 180, [\d.]+ [kM]bit/s, [\d.]+ ms old"
        browser.wait(lambda: re.fullmatch(shown, browser.text(".figures")), "new pictures")
        browser.chrome.execute_script("localStorage.clear()")
        browser.leave()


def test_old_pictures_are_not_shown(page: Page) -> None:
    shown = page.chrome.execute_script("""
        return import("/static/lib/freshness.js").then(({ Freshness }) => {
          let now = 0;
          const found = [], fresh = new Freshness(() => now);
          // When they arrive, and when they were captured by a clock that is 5000 ms ahead.
          for (const [at, captured] of [
            [0, 4980], [40, 5010], [3100, 5080], [3110, 5120], [3120, 8090], [3160, 8120],
            [4000, 8000], [5000, 9000], [6100, 10050], [6200, 10150],
          ]) {
            now = at;
            fresh.arrived(captured);
            found.push(fresh.isFresh(captured));
          }
          return found;
        });
    """)
    # After an interruption two are old. A line that has become slower is accepted after 2 s.
    assert shown == [True, True, False, False, True, True, False, False, True, True]


def test_firefox_shows_h264_both_ways(server: ServerProcess, fox: Any) -> None:
    text = "return document.querySelector('.figures')?.textContent ?? ''"
    for has_webcodecs in (True, False):
        fox.set_pref("dom.media.webcodecs.enabled", has_webcodecs)
        fox.navigate(server.http + "/")
        fox.execute_script("localStorage.setItem('twistedcam video door', 'h264')")
        fox.navigate(server.http + "/")
        assert fox.execute_script("return 'VideoDecoder' in window") is has_webcodecs
        wait_for(lambda: fox.execute_script(text).startswith("H.264, "), "H.264 in Firefox")
        before = time.time()
        wait_for(lambda: shown_at(fox) > before, "a later picture")  # noqa: B023
        assert fox.execute_script(text).startswith("H.264, ")


def shown_at(fox: Any) -> float:
    """The time of capture of the picture on the canvas; 0 if it cannot be read."""
    width, green = fox.execute_script(PIXELS)
    found = barcode.read(np.array(green, np.uint8).reshape(-1, width))
    return 0.0 if found is None else found.time_us / 1e6
