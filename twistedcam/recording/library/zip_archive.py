"""A ZIP archive of recordings, made while it is sent: its size is known beforehand."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twistedcam.runtime.regular_file import open_regular
from twistedcam.util.escaped_name import show_name

#: Bytes read at once.
CHUNK = 1 << 18
#: Seconds since the UNIX epoch that a ZIP can have as a local time: years 1980 to 2107.
_EARLIEST, _LATEST = 315_964_800.0, 4_354_732_800.0
# Bytes of the parts of an archive (PKWARE APPNOTE.TXT 6.3.10, 4.3), as zipfile writes them.
_LOCAL, _CENTRAL, _END = 30, 46, 22
_WIDE_LOCAL, _WIDE_END = 20, 56 + 20
_DESCRIPTOR, _WIDE_DESCRIPTOR = 16, 24


class FileHasChanged(Exception):
    """A file is gone, or has another size than when the archive was planned."""


@dataclass(frozen=True)
class ZippedFile:
    """A file of an archive.

    Arguments:
        name: its name in there.
        size: bytes.
        changed: time of its last change, in seconds since the UNIX epoch.
    """

    path: Path
    name: str
    size: int
    changed: float

    @classmethod
    def of(cls, path: Path) -> ZippedFile:
        """The file at a path.

        Raises:
            OSError: there is none.
        """
        found = os.stat(path, follow_symlinks=False)
        return cls(path, show_name(path.name), found.st_size, found.st_mtime)

    @property
    def info(self) -> zipfile.ZipInfo:
        """The entry: stored, because video cannot be compressed."""
        when = time.localtime(min(max(self.changed, _EARLIEST), _LATEST))
        info = zipfile.ZipInfo(self.name, when[:6])
        info.file_size = self.size
        info.external_attr = 0o644 << 16
        return info

    @property
    def is_wide(self) -> bool:
        """True if its sizes take 64 bits (Zip64), by the rule of zipfile."""
        return self.size * 1.05 > zipfile.ZIP64_LIMIT


def archive_size(files: Sequence[ZippedFile]) -> int:
    """The bytes of an archive of these files."""
    offset = central = 0
    for each in files:
        name = len(each.name.encode("utf-8"))
        wide = 2 * (each.size > zipfile.ZIP64_LIMIT) + (offset > zipfile.ZIP64_LIMIT)
        central += _CENTRAL + name + (4 + 8 * wide if wide else 0)
        offset += _LOCAL + name + each.size
        offset += _WIDE_LOCAL + _WIDE_DESCRIPTOR if each.is_wide else _DESCRIPTOR
    is_wide = (
        len(files) > zipfile.ZIP_FILECOUNT_LIMIT
        or offset > zipfile.ZIP64_LIMIT
        or central > zipfile.ZIP64_LIMIT
    )
    return offset + central + _END + (_WIDE_END if is_wide else 0)


def write_archive(files: Sequence[ZippedFile]) -> Iterator[bytes]:
    """The bytes of an archive in parts of some 256 KB. Blocks.

    The checksums follow the files, so each file is read once.

    Raises:
        FileHasChanged: the archive cannot be completed.
        OSError: a file cannot be read.
    """
    written = _Written()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for each in files:
            try:
                fd = open_regular(each.path)
            except FileNotFoundError:
                raise FileHasChanged(f"{each.name} is gone") from None
            with open(fd, "rb", buffering=0) as source:
                left = each.size
                with archive.open(each.info, "w") as target:
                    while left:
                        data = source.read(min(CHUNK, left))
                        if not data:
                            raise FileHasChanged(f"{each.name} has become shorter")
                        left -= len(data)
                        target.write(data)
                        yield written.take()
    yield written.take()


class _Written(io.RawIOBase):
    """Collects what is written, and cannot seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data
