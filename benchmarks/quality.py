"""Measures the bytes of H.264 for viewers, compared with JPEG at an equal structural similarity."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.tables import table
from twistedcam.codecs.h264_encoder import CLOCK, H264Encoder, H264Settings
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.util.libraries import av, cv2, np

TITLE = "Bytes at equal quality"
FPS, SECONDS = 30, 3
#: Scenes: a moving picture, the same with the noise of a webcam, and one full of details.
FILMS = {
    "moving picture": "testsrc2=size=1280x720:rate=30,gblur=sigma=4",
    "with noise": "testsrc2=size=1280x720:rate=30,gblur=sigma=4,noise=alls=4:allf=t",
    "details": "mandelbrot=size=1280x720:rate=30",
}
#: One picture in so many is compared.
COMPARED = 15
#: The quality of the camera's JPEGs (FFmpeg's, 2 is the best).
CAMERA_QUALITY = 2


def measure(bench: Bench) -> Found:
    """Measure each film."""
    found: Found = {}
    if shutil.which("ffmpeg") is None:
        bench.say("left out: there is no ffmpeg")
        return found
    for name, film in FILMS.items():
        found[name] = _measure(film)
        bench.say(f"quality: {name}: {found[name]}")
    return found


def _measure(film: str) -> dict[str, Any]:
    frames = _camera_frames(film)
    encoded, ssim = _h264(frames, VideoSettings().encoding)
    return {"h264": encoded, "ssim": ssim, "jpeg": _size_at(ssim, frames)}


def _camera_frames(film: str) -> list[bytes]:
    """The JPEGs of a camera that shows a film."""
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
        path = Path(folder, "film.avi")
        words = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", film, "-t", str(SECONDS)]
        words += ["-c:v", "mjpeg", "-q:v", str(CAMERA_QUALITY), "-pix_fmt", "yuvj420p", str(path)]
        subprocess.run(words, check=True)
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def _h264(frames: list[bytes], settings: H264Settings) -> tuple[float, float]:
    """Bytes of a picture, and its similarity to the camera's, as averages."""
    height, width = _grey(frames[0]).shape
    encoder = H264Encoder(settings, width, height, FPS)
    decoder: Any = av.CodecContext.create("h264", "r")
    size, similar = 0, []
    for number, jpeg in enumerate(frames):
        is_key = number % (round(settings.keyframes * FPS)) == 0
        for each in encoder.encode(jpeg, number * CLOCK // FPS, is_key) or ():
            size += len(each.data)
            packet = av.Packet(each.data)
            packet.pts = number
            for picture in decoder.decode(packet):
                if picture.pts % COMPARED == 0:
                    shown = picture.reformat(format="gray", dst_color_range=2).to_ndarray()
                    similar.append(_ssim(_grey(frames[picture.pts]), shown))
    return size / len(frames), float(np.mean(similar))


def _jpeg(frames: list[bytes], quality: int) -> tuple[float, float]:
    """Bytes of a picture that is encoded as JPEG again, and its similarity, as averages."""
    sizes, similar = [], []
    for jpeg in frames[::COMPARED]:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        _, made = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        sizes.append(made.size)
        similar.append(_ssim(_grey(jpeg), _grey(made.tobytes())))
    return float(np.mean(sizes)), float(np.mean(similar))


def _size_at(ssim: float, frames: list[bytes]) -> float:
    """The size of JPEGs at a similarity, between the two nearest qualities."""
    low, high = 1, 100
    worse, better = _jpeg(frames, low), _jpeg(frames, high)
    while high - low > 1:
        quality = (low + high) // 2
        made = _jpeg(frames, quality)
        if made[1] < ssim:
            low, worse = quality, made
        else:
            high, better = quality, made
    share = (ssim - worse[1]) / (better[1] - worse[1])
    return worse[0] + share * (better[0] - worse[0])


def _grey(jpeg: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)


def _ssim(first: Any, second: Any) -> float:
    """The structural similarity of two grey pictures (Wang et al., 2004; a window of 11 pixels)."""
    a, b = first.astype(np.float32), second.astype(np.float32)

    def mean(picture: Any) -> Any:
        return cv2.GaussianBlur(picture, (11, 11), 1.5)

    ma, mb = mean(a), mean(b)
    va, vb, both = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * ma * mb + c1) * (2 * both + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return float(similar.mean())


def tell(found: Found) -> list[str]:
    """A table."""
    rows = [
        [
            name,
            f"{seen['ssim']:.3f}",
            f"{seen['h264'] / 1000:.1f}",
            f"{seen['jpeg'] / 1000:.1f}",
            f"{seen['h264'] / seen['jpeg']:.2f}",
        ]
        for name, seen in found.items()
    ]
    heads = ["1280x720 at 30/s", "SSIM", "H.264, KB a picture", "JPEG", "H.264 ÷ JPEG"]
    return table(heads, rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "quality", *sys.argv[1:]]))
