"""The saved positions of webcams, which have no memory for them."""

from __future__ import annotations

import json
from threading import Lock
from typing import Any, Protocol

from twistedcam.errors import DiskError

FILE = "ptz.json"
#: Bytes of the file, presets of a camera, and characters of a name at most.
_MAX_BYTES, _MAX_PRESETS = 1 << 20, 100
#: Held while the file is changed: each camera has a thread of its own.
_LOCK = Lock()


class Folder(Protocol):
    """The folder of this program's own files (recording.library.hidden_folder)."""

    def read(self, name: str, most: int, *, within: str | None = None) -> tuple[bytes, int]:
        """Return a file's contents, and its last change."""

    def write(
        self, name: str, data: bytes, *, within: str | None = None, sync: bool = False
    ) -> None:
        """Replace a file atomically."""


class PresetFile:
    """The presets of one camera in the file of all cameras. All methods block.

    Arguments:
        folder: has the file.
        camera: the camera's name.
    """

    def __init__(self, folder: Folder, camera: str) -> None:
        self._folder = folder
        self._camera = camera

    def read(self) -> dict[str, dict[str, int]]:
        """Return the positions of the axes by the preset's name."""
        found = self._read_all().get(self._camera)
        if not isinstance(found, dict):
            return {}
        return {
            name: {axis: value for axis, value in each.items() if isinstance(value, int)}
            for name, each in found.items()
            if isinstance(each, dict)
        }

    def write(self, presets: dict[str, dict[str, int]]) -> None:
        """Replace the presets.

        Raises:
            DiskError: the file cannot be written, or there are too many.
        """
        if len(presets) > _MAX_PRESETS:
            raise DiskError(f"a camera can have {_MAX_PRESETS} presets at most")
        with _LOCK:
            everything = {**self._read_all(), self._camera: presets}
            try:
                self._folder.write(FILE, json.dumps(everything, ensure_ascii=False).encode())
            except OSError as error:
                raise DiskError(f"the preset cannot be saved: {error.strerror}") from None

    def _read_all(self) -> dict[str, Any]:
        try:
            found = json.loads(self._folder.read(FILE, _MAX_BYTES)[0])
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
