"""Draws the icons of the page as PNG files, from the same shapes as ``icon.svg``.

    python -m tools.icons

Phones and launchers want PNG files of certain sizes. A maskable icon is cut to any shape by the
launcher, so its drawing is within the safe zone, a circle of 80 % of the width (W3C, Web App
Manifest, "Icon masks and safe zone").
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).parents[1] / "twistedcam/servers/http/page/static"
BLUE, DARK, WHITE, GROUND = "#2f6fed", "#1b2f5b", "#ffffff", "#14171c"
CLEAR = "#ffffff00"
#: The side of the drawing in ``icon.svg``, and how much larger it is drawn before it is scaled.
SIDE, FINER = 64, 4


def draw(
    pixels: int,
    share: float = 1.0,
    ground: str | None = None,
    body: str = BLUE,
    lens: tuple[str, str, str] = (WHITE, DARK, WHITE),
) -> Image.Image:
    """Return an icon.

    Arguments:
        pixels: its width and height.
        share: the share of the width that the drawing has.
        ground: the colour behind it; None: it is transparent.
        body: the colour of the camera.
        lens: the colours of its lens, from the outside.
    """
    size = pixels * FINER
    image = Image.new("RGBA", (size, size), ground or CLEAR)
    pen = ImageDraw.Draw(image)
    scale = size * share / SIDE
    edge = size * (1 - share) / 2

    def at(*places: float) -> list[float]:
        return [edge + scale * place for place in places]

    pen.rounded_rectangle(at(4, 14, 60, 54), 12 * scale, body)
    pen.rounded_rectangle(at(20, 8, 44, 20), 5 * scale, body)
    for (x, y, radius), colour in zip(
        ((32, 34, 14), (32, 34, 8), (35, 31, 2.6)), lens, strict=True
    ):
        pen.ellipse(at(x - radius, y - radius, x + radius, y + radius), colour)
    return image.resize((pixels, pixels), Image.Resampling.LANCZOS)


def main() -> None:
    """Write all icons."""
    for name, image in (
        ("icon-192.png", draw(192)),
        ("icon-512.png", draw(512)),
        ("icon-maskable-512.png", draw(512, 0.66, GROUND)),
        ("icon-touch-180.png", draw(180, 0.8, GROUND)),
        (
            "icon-badge-96.png",
            draw(96, body=WHITE, lens=(CLEAR, WHITE, CLEAR)),
        ),  # one colour, for status bars
    ):
        image.save(FOLDER / name, optimize=True)


if __name__ == "__main__":
    main()
