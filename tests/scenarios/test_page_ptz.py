"""The pad in the page moves an ONVIF camera while a button is held, and stops it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.onvif_camera import PASSWORD, USER, OnvifTestCamera
from tests.support.ports import free_port
from tests.support.process import ServerProcess, wait_for


@pytest.fixture(scope="module")
def camera() -> Iterator[OnvifTestCamera]:
    with OnvifTestCamera() as found:
        yield found


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, camera: OnvifTestCamera
) -> Iterator[ServerProcess]:
    port = free_port()
    motors = f"onvif://{USER}:{quote(PASSWORD)}@127.0.0.1:{camera.port}"
    options = ["--camera", "still=pattern:?size=320x180&fps=5", "--rtsp", f"127.0.0.1:{port}"]
    options += ["--camera", f"door=rtsp://127.0.0.1:{port}/still#ptz={quote(motors, safe=':/@')}"]
    with serve(tmp_path_factory.mktemp("recordings"), *options) as running:
        wait_for(lambda: state(running, "door")["ptz"] == "yes", "the camera's motors")
        yield running


def test_the_pad_is_shown_for_cameras_that_move(
    browser: Page, server: ServerProcess, camera: OnvifTestCamera
) -> None:
    assert state(server, "still")["ptz"] == "no"
    assert state(server, "door")["ptz_axes"] == "pan, tilt, zoom"
    browser.look()
    browser.open(server.http + "/#door")
    browser.complaints()
    pad = '[data-camera="door"] .ptz'
    browser.wait(lambda: browser.find(pad).is_displayed(), "the pad")
    assert not browser.find('[data-camera="still"] .ptz').is_displayed()
    browser.click(f"{pad} summary")
    left = browser.find(f'{pad} [data-direction="left"]')
    browser.chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", left)
    camera.calls.clear()
    # By mouse: it moves while the button is held, and is told again to go on.
    ActionChains(browser.chrome).click_and_hold(left).perform()
    wait_for(lambda: len(camera.moves()) >= 2, "two commands")
    ActionChains(browser.chrome).release().perform()
    wait_for(lambda: camera.moves()[-1] == ("Stop",), "the end")
    assert camera.moves()[0] == ("ContinuousMove", (-0.5, 0.0), None, "PT1.5S")
    # By keyboard: arrows and + while the pad has the focus, Enter on a button.
    for key, expected in (
        (Keys.ARROW_UP, ((0.0, 0.5), None)),
        ("+", (None, 0.5)),
        (Keys.ENTER, ((-0.5, 0.0), None)),
    ):
        camera.calls.clear()
        left.send_keys(key)
        wait_for(lambda: camera.moves()[-1:] == [("Stop",)], f"the end of {key}")
        assert camera.moves()[0][1:3] == expected
    # Positions.
    name = browser.find(f"{pad} .ptz-name")
    name.send_keys("My yard", Keys.ENTER)
    presets = browser.find(f"{pad} .ptz-preset")
    browser.wait(lambda: presets.get_attribute("value") == "My yard", "the new position")
    camera.calls.clear()
    browser.click(f"{pad} .ptz-go")
    wait_for(lambda: camera.moves() == [("GotoPreset", "2")], "the position")
    browser.click(f"{pad} .ptz-delete")
    wait_for(lambda: "2" not in camera.presets, "the deletion")
    browser.shoot("ptz")
    assert violations(browser, [(390, 844, True)]) == []
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [360, 1280])
def test_the_pad_fits(browser: Page, server: ServerProcess, width: int) -> None:
    browser.look(width)
    browser.open(server.http + "/#door")
    pad = '[data-camera="door"] .ptz'
    browser.wait(lambda: browser.find(pad).is_displayed(), "the pad")
    browser.click(f"{pad} summary")
    wide = browser.chrome.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0
    browser.complaints()


def test_lines_of_the_control_port_move_it(server: ServerProcess, camera: OnvifTestCamera) -> None:
    camera.calls.clear()
    lines = server.command_lines("ptz move door up-right 1 --seconds 3", "ptz stop door")
    assert [line.startswith("OK") for line in lines] == [True, True]
    assert camera.moves() == [("ContinuousMove", (1.0, 1.0), None, "PT3S"), ("Stop",)]
    lines = server.command_lines("ptz presets door", "ptz move still left")
    assert any("Gate" in line for line in lines)
    assert "still cannot be moved: it has neither pan, tilt nor zoom" in lines[-1]
