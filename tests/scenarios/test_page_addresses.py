"""The addresses that the page gives for other programs: each is used as that program does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import requests

from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve
from tests.support.process import PATIENCE
from tests.support.qr import read_qr
from twistedcam.auth import Grant, TokenFile

CAMERA = "front door"
OPTIONS = ("--camera", f"{CAMERA}=pattern:?size=320x240&fps=10", "--rtsp", "0.0.0.0:0")
#: The lines of every program: [label, text].
ALL = """
const side = document.querySelector(".addresses");
const select = side.querySelector("select");
return Object.fromEntries([...select.options].map(({ value }) => {
  select.value = value;
  select.dispatchEvent(new Event("change"));
  const lines = [...side.querySelectorAll(".address-lines > div")];
  return [value, lines.map((each) => [
    each.querySelector(".address-head span")?.innerText ?? "",
    (each.querySelector("pre") ?? each).textContent,
  ])];
}));
"""


def size_of(url: str) -> tuple[int, int]:
    """Return the size of the first picture of a stream."""
    options = {"rtsp_transport": "tcp"} if url.startswith("rtsp") else {}
    with av.open(url, options=options, timeout=PATIENCE) as container:
        frame = next(container.decode(video=0))
        return frame.width, frame.height


def is_jpeg(url: str, login: tuple[str, str] | None = None) -> bool:
    """True if there is a JPEG at an address, or a stream of them."""
    with requests.get(url, auth=login, stream=True, timeout=PATIENCE) as answer:
        assert answer.status_code == 200, (url, answer.text)
        return b"\xff\xd8\xff" in answer.raw.read(4096)


def run(command: Any, folder: Path, **more: Any) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False, **more
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_address_works_in_its_program(browser: Page, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    token = tokens.add(Grant("nvr", frozenset({"view"})))
    with serve(tmp_path / "recordings", *OPTIONS, "--tokens", str(tokens.path)) as server:
        browser.look()
        browser.open(f"{server.http}/?token={token}")
        browser.wait(browser.is_live, "a live camera")
        browser.click(".addresses summary")
        browser.wait(lambda: "/video/front%20door" in browser.text(".address-lines"), "addresses")
        assert token not in browser.text(".address-lines")
        assert not browser.find(".address-warning").is_displayed()
        browser.find(".address-token input").send_keys(token)
        assert "Everybody who sees such an address" in browser.text(".address-warning")
        browser.shoot("addresses-light-1280")
        browser.click(".address-head button")
        browser.wait(lambda: "Copied: Video" in browser.text("#toasts"), "word of it")
        browser.click(".address-head button:nth-of-type(2)")
        browser.wait(lambda: "contains the token" in browser.text(".address-code"), "a warning")
        text = read_qr(browser.find(".address-code img").screenshot_as_png)
        assert text == f"{server.http}/video/front%20door?token={token}"
        assert violations(browser, [(390, 844, True)]) == []
        browser.look(320, 640)
        wide = "return document.documentElement.scrollWidth"
        assert browser.chrome.execute_script(wide) == 320
        found = {name: dict(lines) for name, lines in browser.chrome.execute_script(ALL).items()}
        browser.click(".addresses summary")
        closed = "return document.querySelector('.address-token input').value"
        browser.wait(lambda: browser.chrome.execute_script(closed) == "", "no token left")
        browser.leave()

        assert size_of(found["VLC, mpv"]["Video"]) == (320, 240)
        assert size_of(found["VLC, mpv"]["RTSP"]) == (320, 240)
        home = found["Home Assistant"]
        login = (home["Username"], home["Password"])
        assert is_jpeg(home["MJPEG URL"], login)
        assert is_jpeg(home["Still image URL"], login)
        for each in found["OctoPrint"].values():
            assert is_jpeg(each)
        [path] = re.findall(r"- path: (\S+)", found["Frigate"]["Camera"])
        assert path == found["VLC, mpv"]["RTSP"]
        words = dict(line.split(" ", 1) for line in found["Motion"]["Camera"].splitlines())
        assert is_jpeg(words["netcam_url"], tuple(words["netcam_userpass"].split(":")))  # type: ignore[arg-type]
        if shutil.which("ffmpeg"):
            command = found["FFmpeg"]["Command"]
            assert "-t 10 " in command
            run(command.replace("-t 10 ", "-t 1 "), tmp_path, shell=True, stdin=subprocess.DEVNULL)
            assert size_of(str(tmp_path / "front_door.mp4")) == (320, 240)
        if shutil.which("gst-launch-1.0"):
            command = found["GStreamer"]["Command"]
            assert command.endswith("! autovideosink")
            run(command.replace("autovideosink", "fakesink num-buffers=3"), tmp_path, shell=True)
        code = "\n".join(found["Python"].values())
        said = run([sys.executable, "-c", code], tmp_path).splitlines()
        assert said[0] == "True (240, 320, 3)"
        assert said[1].endswith(" (240, 320, 3)")


def test_a_port_that_the_reader_cannot_reach_is_not_offered(browser: Page) -> None:
    """Addresses as a page of another computer shows them."""
    browser.chrome.get("about:blank")
    script = (
        Path(__file__).parents[2] / "twistedcam/servers/http/page/static/lib/addresses.js"
    ).read_text()
    script = re.sub(r"^export |^import .*", "", script, flags=re.MULTILINE)
    english = "const t = (text, values) => text.replace(/{(\\w+)}/g, (_, name) => values[name]);"
    script = english + script  # translations are loaded from a server
    server = {"rtsp": "rtsp://127.0.0.1:8554", "view": "twistedcam://0.0.0.0:9530"}
    found = browser.chrome.execute_script(
        script + "return programs(arguments[0]).map(({ name, lines }) => [name, lines]);",
        {"base": "https://cam.example/door", "server": server, "camera": "it's", "token": "a&b"},
    )
    lines = dict(found)
    assert "--rtsp 0.0.0.0:8554" in lines["Frigate"][0][1]
    assert [label for label, _ in lines["VLC, mpv"]] == ["Video"]
    assert "twistedcam://cam.example:9530/it's" in dict(lines["Python"])["twistedcam"]
    assert (
        "'https://cam.example/door/video/it'\\''s?codec=h264&token=a%26b'" in lines["FFmpeg"][0][1]
    )
