"""ZIP archives of recordings: their sizes are known before they are written."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from twistedcam.recording.library.zip_archive import (
    CHUNK,
    FileHasChanged,
    ZippedFile,
    archive_size,
    write_archive,
)


def made(folder: Path, **sizes: int) -> list[ZippedFile]:
    """Files of these sizes."""
    for name, size in sizes.items():
        (folder / f"{name}.mp4").write_bytes(bytes(number % 251 for number in range(size)))
    return [ZippedFile.of(folder / f"{name}.mp4") for name in sizes]


# 2,000 takes 64 bits for each size, 6,000 for the place of the last file as well.
@pytest.mark.parametrize("limit", [zipfile.ZIP64_LIMIT, 2000, 6000])
def test_an_archive_has_the_size_that_was_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    files = made(tmp_path, small=10, large=2500, empty=0, Küche=1950, last=2 * CHUNK + 1)
    data = b"".join(write_archive(files))
    assert len(data) == archive_size(files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [each.name for each in files]
        for each in files:
            assert archive.read(each.name) == each.path.read_bytes()


def test_many_files_are_counted_in_64_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    for count in (3, 4):
        files = made(tmp_path, **{f"f{number}": 5 for number in range(count)})
        assert len(b"".join(write_archive(files))) == archive_size(files), count


def test_it_is_read_in_parts(tmp_path: Path) -> None:
    parts = list(write_archive(made(tmp_path, film=10 * CHUNK)))
    assert len(parts) == 11
    assert max(map(len, parts)) <= CHUNK + 100


def test_a_file_that_is_gone_or_shorter_ends_it(tmp_path: Path) -> None:
    one, other = made(tmp_path, one=10, other=10)
    other.path.write_bytes(b"short")
    with pytest.raises(FileHasChanged, match=r"other\.mp4 has become shorter"):
        list(write_archive([one, other]))
    other.path.unlink()
    with pytest.raises(FileHasChanged, match=r"other\.mp4 is gone"):
        list(write_archive([one, other]))


def test_a_date_before_1980_is_no_error(tmp_path: Path) -> None:
    (one,) = made(tmp_path, one=10)
    for changed in (-1e9, 1e11):
        old = ZippedFile(one.path, one.name, one.size, changed)
        assert len(b"".join(write_archive([old]))) == archive_size([old])
