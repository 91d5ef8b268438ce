"""The recordings that are kept whatever the limits are."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.writer.part_file import part_of
from twistedcam.util.escaped_name import file_name

FILE = "protected.json"
_VERSION = 1
#: Bytes of the file at most.
_MAX_BYTES = 16 << 20


class Protection:
    """The names of protected recordings, in a file in the hidden folder. All methods block.

    Names are as from ``show_name``. A recording that gets another name is the user's own, and is
    kept anyway.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hidden = HiddenFolder(folder)
        self._path = self._hidden.path / FILE
        self._stamp: tuple[int, int, int] | None = None
        self._names: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """The protected names; those of the last call if the file cannot be read now.

        Another server that shares the folder may have changed them.
        """
        stamp = self._look()
        if stamp != self._stamp:
            self._names, self._stamp = self._read() if stamp else frozenset(), stamp
        return self._names

    def change(self, name: str, is_protected: bool) -> bool:
        """Protect a recording, or end that; True if it was otherwise before.

        Raises:
            OSError: the file cannot be written; it is unchanged.
            ValueError: the file has been damaged; it is unchanged.
        """
        with self._hidden.changing(FILE):
            names = self._read_strictly()
            if (name in names) == is_protected:
                return False
            names = names | {name} if is_protected else names - {name}
            # Another recording may get the name of one that was removed.
            names = frozenset(each for each in names if each == name or self._exists(each))
            content = {"version": _VERSION, "recordings": sorted(names)}
            self._hidden.write(FILE, json.dumps(content, indent=0).encode(), sync=True)
        self._stamp = None
        return True

    def _exists(self, name: str) -> bool:
        path = self._folder / file_name(name)
        return os.path.lexists(path) or os.path.lexists(part_of(path))

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.lstat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _read(self) -> frozenset[str]:
        with suppress(OSError, ValueError):
            return self._read_strictly()
        return self._names

    def _read_strictly(self) -> frozenset[str]:
        try:
            data, _ = self._hidden.read(FILE, _MAX_BYTES)
        except FileNotFoundError:
            return frozenset()
        try:
            found = json.loads(data)
            names = found["recordings"] if found["version"] == _VERSION else None
            if isinstance(names, list) and all(isinstance(each, str) for each in names):
                return frozenset(names)
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise ValueError(f"{self._path} cannot be read: it lists the protected recordings")
