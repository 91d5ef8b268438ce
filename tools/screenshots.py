"""Takes the pictures of the documentation: ``python -m tools.screenshots DIR``.

DIR has photographs. Each becomes a camera with the file's name, over which the view moves slowly.
The pictures are written to docs/images: the page on a laptop with a phone beside it, and one camera
alone, in light and dark colours. Needs the packages of ``make test``, and Chromium.
"""

from __future__ import annotations

import base64
import contextlib
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from tests.support.chromium import Page, chromium
from twistedcam.testing import CameraServer

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LAPTOP, PHONE, COMPOSED = (1280, 800), (390, 780), (1280, 800)
SIZE = (1280, 720)
FPS, SECONDS = 15, 20
#: The lossy quality of WebP, 0 to 100.
QUALITY = 78
#: A laptop with a phone beside it, drawn around two pictures.
HTML = """<!doctype html><style>
body {{ margin: 0; width: 1280px; height: 800px; background: {back}; position: relative }}
img {{ display: block; width: 100% }}
.laptop {{ position: absolute; left: 40px; top: 40px; width: 1060px; padding: 14px;
  background: #222; border-radius: 18px; box-shadow: 0 12px 40px #0006 }}
.foot {{ position: absolute; left: 10px; top: 728px; width: 1148px; height: 18px;
  background: #8a8f98; border-radius: 2px 2px 16px 16px }}
.phone {{ position: absolute; right: 40px; bottom: 30px; width: 262px; padding: 10px;
  background: #111; border-radius: 34px; box-shadow: 0 12px 40px #0009 }}
.phone img {{ border-radius: 26px }}
</style><div class=foot></div><div class=laptop><img src="{laptop}"></div>
<div class=phone><img src="{phone}"></div>"""


def make_film(photo: Path, film: Path) -> None:
    """Write a film in which the view moves slowly over a photograph, there and back."""
    picture = cv2.imread(str(photo))
    height, width = picture.shape[:2]
    scale = max(SIZE[0] / width, SIZE[1] / height) * 1.12
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    room = np.array([picture.shape[1] - SIZE[0], picture.shape[0] - SIZE[1]])
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*"MJPG"), FPS, SIZE)
    for number in range(FPS * SECONDS):
        share = 0.5 - 0.5 * np.cos(2 * np.pi * number / (FPS * SECONDS))
        left, top = (room * share).astype(int)
        writer.write(picture[top : top + SIZE[1], left : left + SIZE[0]])
    writer.release()


def shoot(page: Page, size: tuple[int, int]) -> bytes:
    """Return a screenshot of the window as WebP."""
    page.chrome.execute_script("scrollTo(0, 0)")
    clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
    words = {"format": "webp", "quality": QUALITY, "clip": clip}
    shot = page.chrome.execute_cdp_cmd("Page.captureScreenshot", words)
    return base64.b64decode(shot["data"])


def look_at(
    page: Page, server: CameraServer, size: tuple[int, int], dark: bool, path: str
) -> bytes:
    """Open the page in that size and those colours; return its picture."""
    page.look(*size, dark=dark)
    page.open(f"{server.http}/{path}")
    page.wait(lambda: "Live" in page.text(".state"), "a live camera")
    time.sleep(3)  # until the curves and the rates have values, and the pictures are decoded
    return shoot(page, size)


def compose(page: Page, laptop: bytes, phone: bytes, dark: bool, folder: Path) -> bytes:
    """Return the picture of a laptop and a phone."""
    sources = {"laptop": laptop, "phone": phone}
    urls = {key: _data_url(data) for key, data in sources.items()}
    document = folder / "composed.html"
    document.write_text(HTML.format(back="#16181d" if dark else "#eef1f6", **urls))
    page.look(*COMPOSED)
    page.chrome.get(document.as_uri())
    return shoot(page, COMPOSED)


def _data_url(data: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(data).decode()


def main(photos: Path) -> int:
    """Write all pictures; return the exit code."""
    IMAGES.mkdir(exist_ok=True)
    photos = photos.absolute()
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path(name)
        options = []
        for photo in sorted(photos.iterdir()):
            film = folder / f"{photo.stem}.avi"
            make_film(photo, film)
            options += ["--camera", f"{photo.stem}=file:{film.name}"]
        with CameraServer(*options) as server, chromium(folder) as page:
            cameras = [photo.stem for photo in sorted(photos.iterdir())]
            for camera in cameras:
                server.wait_for_state("live", camera)
            for camera in cameras:  # so that timeline and list are not empty
                server.command("record", "start", camera)
            time.sleep(12)
            for camera in cameras:
                server.command("record", "stop", camera)
            for dark in (False, True):
                colours = "dark" if dark else "light"
                laptop = look_at(page, server, LAPTOP, dark, "")
                phone = look_at(page, server, PHONE, dark, "")
                alone = look_at(page, server, LAPTOP, dark, f"#{cameras[0]}")
                both = compose(page, laptop, phone, dark, folder)
                (IMAGES / f"overview-{colours}.webp").write_bytes(both)
                (IMAGES / f"camera-{colours}.webp").write_bytes(alone)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
