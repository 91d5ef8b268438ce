"""The parts of ``make release``: notes, checksums, and source archives that are equal each time."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from tools.release import (
    ReleaseError,
    checksums,
    missing_files,
    normalised,
    notes,
    put,
    with_subject,
    without_folder,
)

CHANGELOG = """# Changelog

## 0.2.0

### New

- Sound.

## 0.1.0

The first.
"""


def archive(seconds: int, owner: str, names: list[str]) -> bytes:
    """A source archive as a build on some machine makes it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as target:
        for name in names:
            member = tarfile.TarInfo(f"x-1/{name}")
            member.size, member.mtime, member.uname, member.mode = 3, seconds, owner, 0o660
            target.addfile(member, io.BytesIO(b"abc"))
    return written.getvalue()


def test_notes_are_those_of_the_version_or_of_what_is_unreleased() -> None:
    assert notes(CHANGELOG, "0.1.0") == "## 0.1.0\n\nThe first.\n"
    assert notes(CHANGELOG, "0.2.0").endswith("- Sound.\n")
    unreleased = CHANGELOG.replace("## 0.2.0", "## Unreleased")
    assert notes(unreleased, "0.1.0").startswith("## Unreleased\n")
    with pytest.raises(ReleaseError, match=r"no section 0\.3\.0"):
        notes(CHANGELOG, "0.3.0")


def test_archives_of_two_machines_become_equal() -> None:
    one = normalised(archive(1, "me", ["a", "b"]), 1000)
    other = normalised(archive(2, "you", ["b", "a"]), 1000)
    assert one == other
    with tarfile.open(fileobj=io.BytesIO(one)) as read:
        members = read.getmembers()
        content = read.extractfile(members[0])
        assert content is not None
        assert content.read() == b"abc"
    found = [(each.name, each.mtime, each.uid, each.uname, each.mode) for each in members]
    assert found == [("x-1/a", 1000, 0, "", 0o644), ("x-1/b", 1000, 0, "", 0o644)]


def test_checksums_are_read_by_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"abc")
    text = checksums(tmp_path)
    assert text == f"{hashlib.sha256(b'abc').hexdigest()}  a.whl\n"
    (tmp_path / "SHA256SUMS").write_text(text)
    subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_a_committed_file_that_the_source_archive_lacks_is_found() -> None:
    packed = archive(1, "me", ["Makefile", "tools/a.py"])
    assert missing_files(packed, [".ci/run", "Makefile", "tools/a.py"]) == []
    assert missing_files(packed, ["Makefile", "tools/a.py", "tools/b.py"]) == ["tools/b.py"]


def test_the_list_of_packages_does_not_name_the_folder_of_the_build(tmp_path: Path) -> None:
    wheel = tmp_path / "x-1-py3-none-any.whl"
    bill = f'{{"url": "file://{wheel}"}}'
    assert without_folder(bill, wheel) == '{"url": "x-1-py3-none-any.whl"}'


def test_the_list_of_packages_is_that_of_what_the_program_needs() -> None:
    own = {"bom-ref": "twistedcam==0.2.0", "name": "twistedcam", "type": "library"}
    other = {"bom-ref": "Twisted==26.10.0", "name": "Twisted", "type": "library"}
    needs = [{"ref": own["bom-ref"], "dependsOn": [other["bom-ref"]]}]
    bill = {"metadata": {"tools": []}, "components": [own, other], "dependencies": needs}
    assert json.loads(with_subject(json.dumps(bill))) == {
        "metadata": {"tools": [], "component": {**own, "type": "application"}},
        "components": [other],
        "dependencies": needs,
    }
    with pytest.raises(ReleaseError, match="no twistedcam"):
        with_subject(json.dumps({**bill, "components": [other]}))


def test_a_release_takes_the_place_of_an_earlier_one_and_of_nothing_else(tmp_path: Path) -> None:
    made, output = tmp_path / "made", tmp_path / "new" / "dist"
    made.mkdir()
    for name in ("twistedcam-0.2.0.tar.gz", "SHA256SUMS"):
        (made / name).write_text("new")
    put(made, output)
    for name in ("twistedcam-0.1.0-py3-none-any.whl", "NOTES.md", "twistedcam_0.1.0_amd64.deb"):
        (output / name).write_text("old")
    put(made, output)
    found = {each.name: each.read_text() for each in output.iterdir()}
    assert found == {
        "twistedcam-0.2.0.tar.gz": "new",
        "SHA256SUMS": "new",
        "twistedcam_0.1.0_amd64.deb": "old",
    }
