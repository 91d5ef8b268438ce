"""A folder of pictures, shown one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from twistedcam.errors import CameraFailed, SourceEnded, StartupError
from twistedcam.media.jpeg import MAX_PIXELS
from twistedcam.sources.base import RawPicture, SourceInfo
from twistedcam.sources.pace import Ticker
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.util.libraries import cv2

DEFAULT_FPS = 1.0
_JPEG = (".jpg", ".jpeg")
_KINDS = (*_JPEG, ".png", ".bmp", ".webp", ".tif", ".tiff")


class FolderSource:
    """Shows pictures in the order of their names; passes JPEGs on unchanged.

    The folder is read again for each round, so that new pictures are shown. Files that cannot be
    read are skipped.

    Arguments:
        path: the folder.
        fps: pictures per second.
        loop: True to begin again at the end; else the camera stops there.
    """

    def __init__(self, path: Path, fps: float = DEFAULT_FPS, loop: bool = True) -> None:
        self.path = path
        self.fps = fps
        self.loop = loop
        self._ticker: Ticker | None = None
        self._names: Iterator[Path] | None = None
        #: True if a picture of this round could be read; and the error of one that could not.
        self._was_shown = False
        self._unreadable = ""

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> FolderSource:
        """Return the source for ``folder:pictures/?fps=2&loop=0``."""
        path = spec.path("pictures/")
        if not path.is_dir():
            raise StartupError(f"there is no folder {str(path)!r} to show pictures from")
        fps = settings.number("fps", 0.001, 1000, DEFAULT_FPS) or DEFAULT_FPS
        return cls(path, fps, settings.flag("loop", True))

    def open(self) -> SourceInfo:
        """Check that there are pictures."""
        if not self._list():
            kinds = ", ".join(_KINDS)
            raise CameraFailed(f"there are no pictures in {self.path}: put some there ({kinds})")
        self._ticker = Ticker(self.fps)
        self._names = self._rounds()
        return SourceInfo(0, 0, self.fps, "pictures", self.path.name, steady=False)

    def read(self) -> RawPicture | None:
        """Return the next picture when it is due.

        Raises:
            ValueError: the picture is too large.
        """
        assert self._ticker is not None and self._names is not None, "not open"
        if not self._ticker.wait():
            return None
        for name in self._names:
            try:
                picture = _load(name)
            except OSError as error:  # no permission, or deleted since the folder was read
                self._unreadable = f"{name.name}: {error.strerror}"
                continue
            except ValueError:
                self._was_shown = True
                raise
            self._was_shown = True
            return picture
        raise SourceEnded(f"the last picture of {self.path.name} was shown")

    def interrupt(self) -> None:
        """Interrupt a read."""
        if self._ticker is not None:
            self._ticker.stop()

    def close(self) -> None:
        """Interrupt a read; no file is open between two pictures."""
        self.interrupt()

    def _list(self) -> list[Path]:
        try:
            names = (each for each in self.path.iterdir() if each.suffix.lower() in _KINDS)
            return sorted(each for each in names if each.is_file())
        except OSError as error:
            raise CameraFailed(f"{self.path}: {error.strerror}") from None

    def _rounds(self) -> Iterator[Path]:
        while names := self._list():
            self._was_shown = False
            yield from names
            if not self._was_shown:
                raise CameraFailed(f"no picture in {self.path} can be read: {self._unreadable}")
            if not self.loop:
                return
        raise CameraFailed(f"there are no pictures in {self.path} any more")


def _load(path: Path) -> RawPicture:
    """Load a picture. One that cannot be decoded has no image, and is counted as corrupt."""
    if path.suffix.lower() in _JPEG:
        return RawPicture(time.time(), jpeg=path.read_bytes())
    _check_size(path)
    return RawPicture(time.time(), image=cv2.imread(str(path), cv2.IMREAD_COLOR))  # type: ignore[arg-type]


def _check_size(path: Path) -> None:
    """Raise ValueError if a picture is too large to be decoded."""
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.TiffImagePlugin import TiffImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    # Image.open has a limit of its own and writes warnings to stderr. For formats other than these
    # OpenCV has a limit.
    for reader in (PngImageFile, BmpImageFile, WebPImageFile, TiffImageFile):
        try:
            with reader(path) as picture:
                width, height = picture.size
        except OSError as error:
            if error.errno:
                raise
        except Exception:  # of any kind, from the parser of a corrupt picture
            continue
        else:
            if width * height > MAX_PIXELS:
                raise ValueError(
                    f"{path.name} is {width}x{height} pixels: it can have {MAX_PIXELS:,}"
                )
            return
