"""Sound in the page: off until a click, with a level, a volume and a mute at the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.test_page_video import before_the_page
from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.process import ServerProcess, wait_for
from tests.support.sounding_camera import sounding_camera

LEVEL = "return Number(document.querySelector('.sound').style.getPropertyValue('--level'))"
PRESSED = "return document.querySelector('.speaker').getAttribute('aria-pressed')"

#: Makes decoding fail.
FAILING = """AudioDecoder.prototype.decode = function() { throw new Error("it is broken"); };"""
#: Counts the samples that are to be played, and ends when they are half a second's.
COUNT_SAMPLES = """
    const [done] = arguments;
    import("/static/views/sound.js").then(({ Sound }) => {
      let samples = 0;
      class Counter extends Sound {
        play(timestamp, count) {
          samples += count;
          if (samples > 24000 && this.running) { this.stop(); done(samples); }
        }
      }
      new Counter("door", () => true).start();
    });
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with (
        serve(tmp_path_factory.mktemp("recordings"), "--camera", "door=push:") as running,
        sounding_camera(running.frames, "door") as paused,
    ):
        wait_for(lambda: state(running).get("audio"), "sound")
        running.paused = paused  # type: ignore[attr-defined]
        yield running


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Iterator[Page]:
    browser.look()
    browser.open(server.http + "/")
    browser.complaints()
    yield browser
    assert browser.complaints() == []
    browser.leave()


def is_heard(page: Page) -> Any:
    return page.chrome.execute_script(LEVEL) > 0.5


def test_sound_begins_with_a_click_and_is_remembered_with_its_volume(
    page: Page, server: ServerProcess
) -> None:
    page.wait(lambda: page.find(".speaker").is_displayed(), "the speaker")
    assert page.find(".speaker").accessible_name == "Listen to door"
    assert not page.find(".volume").is_displayed()
    viewers = state(server)["viewers"]
    page.click(".speaker")
    page.wait(lambda: is_heard(page), "sound")
    assert state(server)["viewers"] == viewers + 1
    assert page.find(".volume input").accessible_name == "Volume of door"
    page.chrome.execute_script(
        "const it = document.querySelector('.volume input'); it.value = 30;"
        "it.dispatchEvent(new Event('input'))"
    )
    page.shoot("sound-light-1280")
    page.open(server.http + "/")
    page.wait(lambda: page.find(".speaker").is_displayed(), "the speaker")
    assert page.chrome.execute_script(PRESSED) == "false"
    assert page.find(".speaker").get_property("title") == "Sound begins with the next click or key"
    page.click("h1")
    page.wait(lambda: is_heard(page), "sound, as before")
    assert page.value(".volume input") == "30"
    page.look(390, 844, dark=True)
    page.shoot("sound-dark-390")
    page.keys("m")
    wait_for(lambda: state(server)["viewers"] == viewers, "the end of the sound")
    page.open(server.http + "/")
    page.wait(lambda: page.find(".speaker").is_displayed(), "the speaker")
    page.click("h1")
    assert page.find(".speaker").get_property("title") == "Listen"
    page.keys("m")
    page.wait(lambda: is_heard(page), "sound, by the key m")


def test_mute_is_a_switch_that_all_see(page: Page, server: ServerProcess) -> None:
    page.click(".speaker")
    page.wait(lambda: is_heard(page), "sound")
    page.click(".mute")
    page.wait(lambda: page.text(".silent") == "Muted", "the sign")
    assert violations(page, [(390, 844, True)]) == []
    page.look()
    assert state(server)["muted"] is True
    page.wait(lambda: not page.chrome.execute_script(LEVEL), "silence")
    assert page.find(".mute").get_attribute("aria-pressed") == "true"
    assert page.chrome.execute_script(PRESSED) == "true"
    page.click(".mute")
    page.wait(lambda: is_heard(page), "sound again")
    assert not page.text(".silent")


def test_sound_goes_on_after_a_gap(page: Page, server: Any) -> None:
    page.click(".speaker")
    page.wait(lambda: is_heard(page), "sound")
    server.paused.set()
    page.wait(lambda: not page.chrome.execute_script(LEVEL), "silence")
    server.paused.clear()
    page.wait(lambda: is_heard(page), "sound again")


@pytest.mark.parametrize("script", ["delete self.AudioDecoder;", FAILING])
def test_browsers_that_cannot_decode_get_samples(
    page: Page, server: ServerProcess, script: str
) -> None:
    with before_the_page(page, script):
        page.open(server.http + "/")
        page.click(".speaker")
        page.wait(lambda: is_heard(page), "sound")
        assert "pcm_s16le" in state(server)["transcoding"]


def test_who_may_not_listen_sees_no_speaker_and_who_may_not_control_cannot_mute(
    page: Page,
) -> None:
    page.click(".speaker")
    page.wait(lambda: is_heard(page), "sound")
    page.chrome.execute_script("""
        return import("/static/lib/rights.js").then(({ rights }) => {
          rights.set({ token: "guest", rights: ["view"], cameras: null });
        })
    """)
    page.wait(lambda: not page.find(".speaker").is_displayed(), "no speaker")
    assert not page.find(".mute").is_enabled()
    page.wait(lambda: not page.chrome.execute_script(LEVEL), "silence")


def test_sound_stays_with_the_picture_or_follows_it_soon(page: Page) -> None:
    """With packets at the times that a script gives: without the noise of a busy machine."""
    found = page.chrome.execute_script("""
        return import("/static/views/sound.js").then(({ Sound }) => {
          const sound = new Sound("door", () => false, () => null);
          const found = [];
          const now = () => performance.timeOrigin + performance.now();
          Object.assign(sound, { least: Infinity, before: Infinity, end: -Infinity });
          Object.assign(sound, { margin: 40, times: [], count: 0 });
          const feed = (jitter, pictures) => {
            sound.pictureDelay = () => pictures;
            for (let each = 0; each < 400; each += 1) {
              sound.arrived(now() - 20 - (each % 2) * jitter);
            }
            found.push(Math.round((sound.delay - 20) / 10) * 10);
          };
          feed(5, 30); // a quiet line: sound is 20 ms behind the picture
          feed(100, 30); // packets that are up to 100 ms late
          feed(5, 150); // pictures that take longer
          feed(5, 9000); // and some that are not of now
          return found;
        });
    """)
    assert found == [40, 110, 130, 300]


def test_sound_goes_on_when_the_line_has_become_slower(page: Page) -> None:
    """With packets at the times that a script gives: without the noise of a busy machine."""
    found = page.chrome.execute_script("""
        return import("/static/views/sound.js").then(({ Sound }) => {
          const sound = new Sound("door", () => false, () => null);
          const start = performance.now();
          let passed = 0, played = 0;
          performance.now = () => start + passed;
          const context = { state: "running", outputLatency: 0 };
          context.createBuffer = () => { played += 1; throw new Error("it is played"); };
          Object.defineProperty(context, "currentTime", { get: () => passed / 1000 });
          Object.assign(sound, { context, least: Infinity, before: Infinity, end: -Infinity });
          Object.assign(sound, { margin: 40, times: [], count: 0, next: 0, leftOutSince: null });
          const feed = (age, packets) => {
            played = 0;
            for (let each = 0; each < packets; each += 1) {
              passed += 20;
              const time = performance.timeOrigin + performance.now() - age;
              sound.arrived(time);
              sound.next = 0; // nothing is scheduled
              try { sound.play(time * 1000, 960, 1, 48000, () => {}); } catch { /* it is played */ }
            }
            return played;
          };
          const found = [feed(20, 100), feed(1000, 30), feed(1000, 40)];
          found.push(feed(1000, 100), feed(20, 100));
          delete performance.now;
          return found;
        });
    """)
    assert found[0] == 100
    assert found[1] == 0, "late sound would be heard with another picture"
    assert found[2] > 0
    assert found[3:] == [100, 100]


def test_a_picture_waits_for_its_sound(page: Page) -> None:
    """With times that a script gives: without the noise of a busy machine."""
    found = page.chrome.execute_script("""
        const names = ["views/player", "views/sound", "lib/clock"];
        const imports = names.map((each) => import(`/static/${each}.js`));
        return Promise.all(imports).then(([{ Player }, { Sound }, { clock }]) => {
          const canvas = document.createElement("canvas");
          const player = new Player("x", canvas, () => true, () => {});
          const sound = new Sound("x", () => false);
          const found = [];
          player.held.show = (image, wait) => found.push(wait > 0 ? Math.round(wait / 10) * 10 : 0);
          const show = () => player.draw(canvas, 8, 8, { seq: 1, time: clock.local() - 50 });
          player.soundDelay = () => sound.heardDelay;
          show(); // nobody listens
          Object.assign(sound, { running: true, playedAt: performance.now() });
          sound.heard = 200;
          sound.noteHeard(210);
          show();
          sound.noteHeard(30);
          show(); // sound is earlier: the picture is late already
          sound.noteHeard(9000);
          show(); // a fault
          sound.playedAt = -1000;
          show(); // there is no sound any more
          return found;
        });
    """)
    assert found == [0, 150, 0, 500, 0]


def test_pictures_wait_in_order_and_none_once_one_is_due(page: Page) -> None:
    found = page.chrome.execute_async_script("""
        const [done] = arguments;
        import("/static/views/held_pictures.js").then(async ({ HeldPictures }) => {
          const held = new HeldPictures(), canvas = new OffscreenCanvas(8, 8), found = [];
          canvas.getContext("2d");
          const show = (name, wait) => new Promise((shown) => {
            held.show(canvas, wait, () => { found.push(name); shown(); });
          });
          await show("first", 0.001); // its copy needs longer
          show("overtaken", 5);
          await show("second", 5);
          show("never", 60000);
          await show("at once", 0);
          found.push(held.waiting.length);
          done(found);
        });
    """)
    assert [each for each in found if each != "overtaken"] == ["first", "second", "at once", 0]


def test_firefox_decodes_it_both_ways(server: ServerProcess, fox: Any) -> None:
    """It plays nothing here: that needs a sound device."""
    for has_webcodecs in (True, False):
        fox.set_pref("dom.media.webcodecs.enabled", has_webcodecs)
        fox.navigate(server.http + "/")
        shown = "return document.querySelector('.sound:not([hidden]) .speaker') !== null"
        wait_for(lambda: fox.execute_script(shown), "the speaker in Firefox")  # noqa: B023
        fox.execute_script("document.querySelector('.speaker').click()")
        assert fox.execute_async_script(COUNT_SAMPLES, sandbox=None) > 24_000
        assert ("pcm_s16le" in state(server)["transcoding"]) is not has_webcodecs
    fox.navigate("about:blank")
