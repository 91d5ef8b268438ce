"""What was found out about files, so that each is read once: kept in memory and in the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twistedcam.recording.probe import SUFFIXES, Item, probe

#: The hidden folder: this index and the thumbnails, which can be made anew at any time, and the
#: settings that were saved (twistedcam.saved).
HIDDEN = ".twistedcam"
_FILE = "index.json"
_VERSION = 3

#: Size and time of last change: as long as both are the same, so is the file.
_Stamp = tuple[int, int]


class Index:
    """The recordings in a folder. All methods block; they are called on one thread.

    Arguments:
        folder: where the recordings are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._items: dict[str, tuple[_Stamp, Item]] | None = None

    def scan(self) -> list[Item]:
        """All recordings in the folder, newest first. Only what has changed is read.

        Raises:
            OSError: the folder cannot be read.
        """
        known = self._items if self._items is not None else self._load()
        found: dict[str, tuple[_Stamp, Item]] = {}
        fresh = 0
        for entry, status in self._files():
            stamp = status.st_size, status.st_mtime_ns
            old = known.get(entry.name)
            if old is not None and old[0] == stamp:
                found[entry.name] = old
                continue
            try:
                found[entry.name] = stamp, probe(Path(entry.path), status)
            except OSError:
                continue  # gone meanwhile, or not ours to read
            fresh += 1
        self._items = found
        if fresh or len(found) != len(known):
            self._save()
        return sorted(
            (item for _, item in found.values()),
            key=lambda item: (item.start, item.recording),
            reverse=True,
        )

    def _files(self) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
        try:
            entries = os.scandir(self.folder)
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                hidden = entry.name.startswith(".")
                if hidden or os.path.splitext(entry.name)[1].lower() not in SUFFIXES:
                    continue
                try:
                    if entry.is_file():
                        yield entry, entry.stat()
                except OSError:
                    continue

    def _load(self) -> dict[str, tuple[_Stamp, Item]]:
        """What an earlier run has kept; nothing, if it cannot be read."""
        try:
            kept = json.loads((self.folder / HIDDEN / _FILE).read_bytes())
            if kept["version"] != _VERSION:
                return {}
            return {
                each["item"]["recording"]: ((each["stamp"][0], each["stamp"][1]), _item(each))
                for each in kept["files"]
            }
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return {}

    def _save(self) -> None:
        """Keep it for the next run. A folder that cannot be written is listed all the same."""
        items = self._items or {}
        files = [{"stamp": stamp, "item": item.as_dict()} for stamp, item in items.values()]
        hidden = self.folder / HIDDEN
        try:
            hidden.mkdir(exist_ok=True)
            fresh = hidden / f"{_FILE}.{os.getpid()}"
            fresh.write_text(json.dumps({"version": _VERSION, "files": files}))
            fresh.replace(hidden / _FILE)
        except OSError:
            pass


def _item(kept: dict[str, Any]) -> Item:
    return Item(**kept["item"])
