"""Recordings have the colours of the live picture in each player."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.support.chromium import Page
from tests.support.http_server import serve
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.system import require_program

#: The colours of the columns in RGB: greys, and edges of the colour space.
COLOURS = [
    (22, 22, 22),
    (90, 90, 90),
    (191, 191, 191),
    (228, 228, 228),
    (200, 40, 40),
    (40, 180, 60),
    (80, 100, 140),  # Chromium itself has less of a blue that is full, with the matrix of BT.709
    (190, 180, 50),
]
#: One size below the limit for the BT.709 matrix, and one above it.
SIZES = {"small": (640, 480), "large": (1280, 720)}
#: Largest difference from a value of the live picture.
NEAR = 4
#: Reads the middle of each column of a recording and of the live picture.
READ = """
const [film, live, columns, done] = arguments;
function middles(source, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.drawImage(source, 0, 0);
  return [...Array(columns).keys()].map((column) =>
    [...context.getImageData(Math.floor((column + 0.5) * width / columns),
                             Math.floor(height / 2), 1, 1).data].slice(0, 3));
}
(async () => {
  const answer = await fetch(live);
  const picture = await createImageBitmap(await answer.blob());
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  video.src = film;
  document.body.append(video);
  await new Promise((loaded, failed) => {
    video.onloadeddata = loaded;
    video.onerror = () => failed(new Error(`the film does not play: ${video.error.message}`));
  });
  const shown = new Promise((seen) => { video.requestVideoFrameCallback(seen); });
  video.currentTime = 0.5;
  await shown;
  done({live: middles(picture, picture.width, picture.height),
        film: middles(video, video.videoWidth, video.videoHeight)});
})().catch((error) => done({error: String(error)}));
"""


def patches(width: int, height: int) -> bytes:
    image = np.zeros((height, width, 3), np.uint8)
    for column, colour in enumerate(COLOURS):
        left, right = (at * width // len(COLOURS) for at in (column, column + 1))
        image[:, left:right] = colour[::-1]
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 97])
    assert encoded
    return data.tobytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the cameras ``small`` and ``large``, each with a recording."""
    folder = tmp_path_factory.mktemp("recordings")
    options: list[str] = []
    for name, size in SIZES.items():
        pictures = tmp_path_factory.mktemp(name)
        (pictures / "patches.jpg").write_bytes(patches(*size))
        options += ["--camera", f"{name}=folder:{pictures}?fps=20"]
    with serve(folder, *options) as running:
        for name in SIZES:
            assert running.command_lines(f"record start {name} {name}.mp4")[-1] == "OK"
        for name in SIZES:
            wait_for(
                lambda: float(running.status(name).get("recording_seconds", 0)) > 1,  # noqa: B023
                "a second of film",
            )
            assert running.command_lines(f"record stop {name}")[-1] == "OK"
        yield running


def film_of(server: ServerProcess, name: str) -> Path:
    return Path(server.command[server.command.index("--recordings") + 1]) / f"{name}.mp4"


def same(found: Any, expected: Any) -> None:
    differences = np.abs(np.array(found, int) - np.array(expected, int))
    assert differences.max() <= NEAR, f"{found} is not {expected}"


def middles(image: Any) -> list[list[int]]:
    """Return the middle of each column of an RGB image."""
    height, width = image.shape[:2]
    places = [int((column + 0.5) * width / len(COLOURS)) for column in range(len(COLOURS))]
    return [[int(value) for value in image[height // 2, at]] for at in places]


@pytest.mark.parametrize("name", SIZES)
def test_a_recording_declares_its_colours(server: ServerProcess, name: str) -> None:
    words = ["-v", "error", "-select_streams", "v", "-show_streams", "-of", "json"]
    done = subprocess.run(
        [require_program("ffprobe", "ffmpeg"), *words, str(film_of(server, name))],
        capture_output=True,
        check=True,
    )
    (stream,) = json.loads(done.stdout)["streams"]
    matrix = "bt470bg" if name == "small" else "bt709"
    assert (stream["pix_fmt"], stream["color_range"]) == ("yuv420p", "tv")
    assert (stream["color_space"], stream["color_primaries"]) == (matrix, "bt709")


@pytest.mark.parametrize("name", SIZES)
def test_ffmpeg_shows_the_live_colours(server: ServerProcess, name: str, tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    words = ["-v", "error", "-i", str(film_of(server, name)), "-frames:v", "1", "-y", str(shot)]
    subprocess.run([require_program("ffmpeg"), *words], check=True)
    image = cv2.imread(str(shot), cv2.IMREAD_COLOR)
    same(middles(image[:, :, ::-1]), COLOURS)


@pytest.mark.parametrize("name", SIZES)
def test_gstreamer_shows_the_live_colours(server: ServerProcess, name: str, tmp_path: Path) -> None:
    shot = tmp_path / "shot.rgb"
    program = require_program("gst-launch-1.0", "gstreamer1.0-tools")
    chain = f"filesrc location={film_of(server, name)} ! decodebin ! videoconvert"
    # The conversion of GStreamer to 8 bits is up to 6 too dark; that to 16 bits is exact.
    chain += f" ! video/x-raw,format=ARGB64_LE ! filesink location={shot}"
    done = subprocess.run(
        [program, "-q", *chain.split()], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    width, height = SIZES[name]
    image = np.frombuffer(shot.read_bytes()[: width * height * 8], "<u2")
    same(middles(image.reshape(height, width, 4)[:, :, 1:] >> 8), COLOURS)


def check_in_browser(answer: dict[str, Any]) -> None:
    assert "error" not in answer, answer
    same(answer["live"], COLOURS)
    same(answer["film"], answer["live"])


def addresses(server: ServerProcess, name: str) -> tuple[str, str, int]:
    return f"/recordings/{name}.mp4", f"/snapshot/{name}", len(COLOURS)


@pytest.mark.parametrize("name", SIZES)
def test_chromium_shows_the_live_colours(server: ServerProcess, name: str, browser: Page) -> None:
    browser.chrome.get(f"{server.http}/static/cameras.css")
    browser.chrome.set_script_timeout(PATIENCE)
    check_in_browser(browser.chrome.execute_async_script(READ, *addresses(server, name)))


@pytest.mark.parametrize("name", SIZES)
def test_firefox_shows_the_live_colours(server: ServerProcess, name: str, fox: Any) -> None:
    fox.navigate(f"{server.http}/static/cameras.css")
    check_in_browser(fox.execute_async_script(READ, addresses(server, name), sandbox=None))
