"""The settings in the page: cameras are tried, added, renamed and removed in the configuration."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.fakecam import FakeBus, Format, require_fakecam
from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve
from twistedcam.auth import Grant, TokenFile

TEXT = '# mine\n[camera.door]\nsource = "pattern:?size=320x240&fps=5"   # a test\n'
#: True if the message is in sight, and not covered.
IN_SIGHT = """const note = document.querySelector("#settings-note");
    const box = note.getBoundingClientRect();
    return document.elementFromPoint(box.left + box.width / 2, box.bottom - 20) === note"""
#: Returns true if the browser asks before it leaves the page.
LEAVE = """const leaving = new Event("beforeunload", { cancelable: true });
    dispatchEvent(leaving); return leaving.defaultPrevented"""


def write(browser: Page, selector: str, text: str) -> None:
    field = browser.find(selector)
    field.clear()
    field.send_keys(text)


def test_a_camera_is_added_renamed_and_removed_and_the_change_is_shown_before(
    browser: Page, tmp_path: Path
) -> None:
    file = tmp_path / "cam.toml"
    file.write_text(TEXT)
    with serve(tmp_path / "recordings", "--config", str(file)) as server:
        browser.look()
        browser.open(server.http)
        browser.click("#settings-open")
        browser.wait(lambda: browser.value("#configuration textarea") == TEXT, "the text")
        assert browser.text("#configuration-path") == str(file)
        assert not browser.find("#configuration-save").is_enabled()

        write(browser, "#new-camera [name=source]", "rtsp://127.0.0.1:1/x")
        write(browser, "#new-camera [name=name]", "yard")
        browser.click("#new-try")
        browser.wait(lambda: "refused" in browser.text("#new-result").lower(), "what is wrong")
        write(browser, "#new-camera [name=source]", "pattern:?size=320x240&fps=5")
        browser.click("#new-try")
        browser.wait(lambda: "320 × 240, 5 frames/s" in browser.text("#new-result"), "its size")
        browser.shoot("settings-light-1280")
        browser.click("#new-add")
        browser.wait(
            lambda: "+[camera.yard]" in browser.text("#configuration-difference"), "the change"
        )
        assert file.read_text() == TEXT
        assert violations(browser, [(390, 844, True)]) == []
        browser.look(320, 640)
        wide = "return document.querySelector('#settings').scrollWidth"
        browser.wait(lambda: browser.chrome.execute_script(wide) <= 320, "a narrow form")
        browser.shoot("settings-light-320")
        browser.look()
        browser.click("#configuration-save")
        browser.wait(lambda: browser.text("#settings-note") == "Saved: added: yard.", "word of it")
        assert browser.chrome.execute_script(IN_SIGHT)
        assert file.read_text().startswith(TEXT)
        browser.wait(lambda: server.status("yard")["state"] == "live", "the new camera")

        file.write_text(file.read_text() + "# by another\n")
        write(browser, "#change-camera [name=new]", "garden")
        browser.find("#change-camera option[value=yard]").click()
        browser.click("[data-action=rename]")
        browser.wait(
            lambda: "+[camera.garden]" in browser.text("#configuration-difference"), "its change"
        )
        assert browser.chrome.execute_script(LEAVE)
        browser.click("#configuration-save")
        browser.wait(
            lambda: "has changed meanwhile" in browser.text("#configuration-error"), "why not"
        )
        assert "garden" not in file.read_text()
        browser.click("#configuration-load")
        question = browser.chrome.switch_to.alert
        assert question.text == "Load the file again, and lose the changes?"
        question.accept()
        browser.wait(
            lambda: "# by another" in browser.value("#configuration textarea"), "the other's text"
        )
        assert not browser.chrome.execute_script(LEAVE)
        browser.find("#change-camera option[value=yard]").click()
        browser.click("[data-action=remove]")
        browser.wait(
            lambda: "-[camera.yard]" in browser.text("#configuration-difference"), "its end"
        )
        browser.click("#configuration-save")
        browser.wait(lambda: "removed: yard" in browser.text("#settings-note"), "word of that")
        browser.click("#configuration-undo")
        browser.wait(lambda: "[camera.yard]" in file.read_text(), "it back")
        write(browser, "#configuration textarea", '[[hook]]\non = "state:live"\nrun = ["x"]\n')
        browser.click("#configuration-check")
        browser.wait(
            lambda: "'hook' cannot be changed in the page" in browser.text("#configuration-error"),
            "no program",
        )
        browser.leave()


def put(browser: Page, path: str, value: str) -> None:
    """Set the value of an option's field, as a user who leaves the field then."""
    browser.chrome.execute_script(
        "const field = document.querySelector(`[data-path='${arguments[0]}']`);"
        "field.closest('details').open = true;"
        "const control = field.querySelector('input, select, textarea');"
        "control.value = arguments[1]; control.dispatchEvent(new Event('change'));",
        path,
        value,
    )


def test_options_are_set_in_a_form_and_two_tabs_lose_nothing(browser: Page, tmp_path: Path) -> None:
    file = tmp_path / "cam.toml"
    file.write_text(TEXT)
    words = ("--config", str(file), "--log-level", "info")
    with serve(tmp_path / "recordings", *words) as server:
        browser.look()
        browser.open(server.http)
        browser.click("#settings-open")
        level = "[data-path=log-level]"
        browser.wait(lambda: browser.chrome.find_elements("css selector", level), "the fields")
        said = "return document.querySelector(arguments[0]).textContent"
        assert "comes before the file" in browser.chrome.execute_script(said, level)
        tokens = browser.find("[data-path=tokens] input")
        assert not tokens.is_enabled()

        browser.find("#options option[value=door]").click()
        fps = '[data-path="camera.door.fps"]'
        browser.wait(lambda: browser.chrome.find_elements("css selector", fps), "the camera's")
        assert browser.value(f"{fps} input") == "5"
        put(browser, "camera.door.recording.segment", "soon")
        browser.wait(lambda: "not a duration" in browser.text("#options"), "what is wrong")
        described = browser.find("[aria-invalid=true]").get_attribute("aria-describedby")
        assert "not a duration" in browser.text(f"#{described.split()[-1]}")
        assert "1 value is not valid" in browser.text("#options-state")
        put(browser, "camera.door.recording.segment", "10m")
        put(browser, "camera.door.fps", "7")
        browser.wait(lambda: "2 options are changed" in browser.text("#options-state"), "both")
        browser.shoot("options-light-1280")
        assert violations(browser, [(390, 844, True)]) == []
        browser.look(320, 640)
        wide = "return document.querySelector('#settings').scrollWidth"
        browser.wait(lambda: browser.chrome.execute_script(wide) <= 320, "a narrow form")
        browser.look()
        assert file.read_text() == TEXT
        file.write_text(TEXT + 'title = "Mine"  # of another tab\n')
        browser.click("#options-review")
        assert "+fps = 7" in browser.text("#configuration-difference")
        browser.click("#configuration-save")
        browser.wait(lambda: browser.find("#configuration-merge").is_displayed(), "the way out")
        browser.click("#configuration-merge")
        browser.wait(lambda: "in the new text now" in browser.text("#settings-note"), "it merged")
        assert "title" in browser.value("#configuration textarea")
        browser.click("#configuration-save")
        browser.wait(lambda: "changed: door" in browser.text("#settings-note"), "word of it")
        found = tomllib.loads(file.read_text())["camera"]["door"]
        assert (found["fps"], found["title"], found["recording"]) == (7, "Mine", {"segment": "10m"})
        assert "# of another tab" in file.read_text()
        assert server.status("door")["title"] == "Mine"
        browser.click(f"{fps} .option-reset")
        browser.wait(lambda: "-fps = 7" in browser.text("#configuration-difference"), "its default")
        browser.leave()


def test_a_webcam_is_found_shown_and_added_with_a_size_that_it_has(
    browser: Page, tmp_path: Path
) -> None:
    require_fakecam()
    file = tmp_path / "cam.toml"
    file.write_text(TEXT)
    with FakeBus() as bus:
        webcam = bus.plug([Format("MJPG", 640, 480, (30,)), Format("MJPG", 320, 240, (15,))])
        with serve(tmp_path / "recordings", "--config", str(file), env=bus.env) as server:
            browser.look()
            browser.open(server.http)
            browser.click("#settings-open")
            browser.wait(lambda: browser.value("#configuration textarea") == TEXT, "the text")
            browser.click("#find-webcams")
            browser.wait(lambda: "640x480, 320x240" in browser.text("#found"), "the webcam")
            browser.click("#found button")
            browser.wait(lambda: "640 × 480" in browser.text("#new-result"), "its picture")
            select = "const mode = document.querySelector('[name=mode]'); mode.selectedIndex = 2;"
            browser.chrome.execute_script(select + "mode.dispatchEvent(new Event('change'))")
            browser.wait(lambda: "320 × 240, 15 frames/s" in browser.text("#new-result"), "it")
            browser.shoot("settings-webcam-light-1280")
            write(browser, "#new-camera [name=name]", "desk")
            browser.click("#new-add")
            browser.wait(
                lambda: '+size = "320x240"' in browser.text("#configuration-difference"), "its size"
            )
            browser.click("#configuration-save")
            browser.wait(lambda: "added: desk" in browser.text("#settings-note"), "word of it")
            browser.wait(lambda: server.status("desk")["state"] == "live", "the camera")
            assert server.status("desk")["size"] == "320x240"
            assert f'source = "webcam:{webcam.by_id}"' in file.read_text()
            browser.leave()


def test_who_may_not_change_it_is_not_offered_it_and_a_missing_file_is_said(
    browser: Page, tmp_path: Path
) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    boss = tokens.add(Grant("boss", frozenset({"view", "control"})))
    operator = tokens.add(Grant("operator", frozenset({"view", "admin"})))
    options = ("--camera", "door=pattern:?fps=5", "--tokens", str(tokens.path))
    with serve(tmp_path / "recordings", *options) as server:
        browser.open(f"{server.http}/?token={boss}")
        browser.wait(lambda: browser.find("#logout").is_displayed(), "the rights")
        assert not browser.find("#settings-open").is_displayed()
        browser.leave()
        browser.open(f"{server.http}/?token={operator}")
        browser.wait(lambda: browser.find("#settings-open").is_displayed(), "the button")
        browser.click("#settings-open")
        browser.wait(
            lambda: "start it with --config FILE" in browser.text("#settings-note"), "why not"
        )
        assert browser.text("#settings-body") == ""
        browser.leave()
