"""Builds a release and checks it: ``make release``.

    python tools/release.py dist

The folder gets the source archive, the wheel, their checksums, a list of all packages that the
program needs (CycloneDX) and the notes of this version from CHANGELOG.md. Only what is committed is
built, with the time of the commit, twice: both builds must be equal, byte for byte. The wheel is
then installed into a virtual environment of its own, and the program is started there.

Needs the packages of the extra ``release``.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: What a release consists of.
_FILES = (
    *("twistedcam-*.whl", "twistedcam-*.tar.gz", "twistedcam-*.cdx.json"),
    *("NOTES.md", "SHA256SUMS"),
)
#: The versions of packages that the release is tested and described with.
LOCK = ROOT / "requirements" / "test.txt"
#: The extras that a server uses.
EXTRAS = "mqtt,discovery,push,prompt"


class ReleaseError(Exception):
    """The release cannot be made; the text says why."""


def main(folder: str = "dist") -> int:
    """Build into a folder; 1 if something is wrong."""
    output = Path(folder).resolve()
    try:
        release(output)
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    for each in sorted(output.iterdir()):
        print(f"{each.stat().st_size:>10}  {each}")
    return 0


def release(output: Path) -> None:
    """Build, check, and describe a release.

    Raises:
        ReleaseError: something is wrong; the folder stays as it was.
    """
    if _said("git", "status", "--porcelain"):
        raise ReleaseError("there are changes that are not committed")
    version = _version()
    # A commit that is made meanwhile is in neither build.
    commit, time = _said("git", "log", "-1", "--format=%H %ct").split()
    epoch = int(time)
    with tempfile.TemporaryDirectory(prefix="twistedcam-release-") as temporary:
        made = Path(temporary) / "release"
        again = Path(temporary) / "again"
        for each in (made, again):
            _build(Path(temporary) / f"source-{each.name}", each, commit, epoch)
        _compare(made, again)
        (source,) = made.glob("*.tar.gz")
        committed = _said("git", "ls-tree", "-r", "--name-only", commit).splitlines()
        if left_out := missing_files(source.read_bytes(), committed):
            raise ReleaseError(f"MANIFEST.in leaves out {', '.join(left_out[:5])}")
        (wheel,) = made.glob("*.whl")
        if f"-{version}-" not in wheel.name:
            raise ReleaseError(f"{wheel.name} has another version than twistedcam/version.py")
        _run(sys.executable, "-m", "twine", "check", "--strict", *map(str, made.iterdir()))
        _install(Path(temporary) / "venv", wheel, made / f"twistedcam-{version}.cdx.json")
        (made / "NOTES.md").write_text(notes((ROOT / "CHANGELOG.md").read_text(), version))
        (made / "SHA256SUMS").write_text(checksums(made))
        put(made, output)


def put(made: Path, output: Path) -> None:
    """Copy the files of a release to a folder, in place of those of an earlier one.

    Others stay, such as Debian packages.
    """
    output.mkdir(parents=True, exist_ok=True)
    for pattern in _FILES:
        for earlier in output.glob(pattern):
            earlier.unlink()
    shutil.copytree(made, output, dirs_exist_ok=True)


def notes(changelog: str, version: str) -> str:
    """Return the section of a version; before its release that of what is unreleased.

    Raises:
        ReleaseError: there is neither.
    """
    sections = re.split(r"^## +", changelog, flags=re.MULTILINE)[1:]
    found = {section.split(None, 1)[0]: section for section in sections}
    section = found.get("Unreleased") or found.get(version)
    if section is None:
        raise ReleaseError(f"CHANGELOG.md has no section {version}")
    return f"## {section.strip()}\n"


def checksums(folder: Path) -> str:
    """Return the SHA-256 of each file, as ``sha256sum --check`` reads it."""
    lines = [
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n"
        for each in sorted(folder.iterdir())
    ]
    return "".join(lines)


def normalised(archive: bytes, epoch: int) -> bytes:
    """Return a source archive whose files are in order, and of one owner and time.

    Setuptools writes the time of the build and the name of who builds into it.
    """
    written = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as read,
        gzip.GzipFile(fileobj=written, mode="wb", filename="", mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(read.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid = epoch, 0, 0
            member.uname = member.gname = ""
            member.pax_headers = {}
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            target.addfile(member, read.extractfile(member) if member.isfile() else None)
    return written.getvalue()


def missing_files(archive: bytes, committed: list[str]) -> list[str]:
    """Return the committed files that a source archive lacks.

    It needs all that ``make run``, ``make test`` and ``make deb`` use. Hidden files and folders at
    the top are for those who change the program.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as read:
        packed = {name.partition("/")[2] for name in read.getnames()}
    return [name for name in committed if not name.startswith(".") and name not in packed]


def _build(source: Path, output: Path, commit: str, epoch: int) -> None:
    """Build a commit in a folder of its own."""
    source.mkdir()
    archive = subprocess.run(
        ["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(source, filter="data")
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}
    words = [sys.executable, "-m", "build", "--outdir", str(output), str(source)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"the build failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    for each in output.glob("*.tar.gz"):
        each.write_bytes(normalised(each.read_bytes(), epoch))


def _compare(first: Path, second: Path) -> None:
    """Raise an error if two builds differ."""
    if checksums(first) != checksums(second):
        raise ReleaseError("two builds of one commit differ")


def _install(venv: Path, wheel: Path, bill: Path) -> None:
    """Install the wheel, start the program, and list what was installed."""
    _run(sys.executable, "-m", "venv", str(venv))
    programs = venv / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "--constraint", str(LOCK), f"{wheel}[{EXTRAS}]")
    with tempfile.TemporaryDirectory(prefix="twistedcam-release-") as elsewhere:
        for words in (["--version"], ["serve", "--check", "--camera", "pattern:"]):
            _run(str(programs / "twistedcam"), *words, cwd=Path(elsewhere))
    _run(str(python), "-m", "pip", "uninstall", "--quiet", "--yes", "pip", "setuptools")
    words = ["environment", str(python), "--output-reproducible", "--output-file", str(bill)]
    _run(sys.executable, "-m", "cyclonedx_py", *words)
    bill.write_text(with_subject(without_folder(bill.read_text(), wheel)))


def without_folder(bill: str, wheel: Path) -> str:
    """Return the list of packages without the folder of the build, which differs each time."""
    return bill.replace(wheel.as_uri(), wheel.name)


def with_subject(bill: str) -> str:
    """Return the list of packages as that of what twistedcam needs (CycloneDX, metadata.component).

    It is made of an environment, in which twistedcam is one package among others.

    Raises:
        ReleaseError: twistedcam is not in it.
    """
    content = json.loads(bill)
    components = content["components"]
    own = next((each for each in components if each["name"] == "twistedcam"), None)
    if own is None:
        raise ReleaseError("the list of packages has no twistedcam")
    components.remove(own)
    content["metadata"]["component"] = {**own, "type": "application"}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _version() -> str:
    text = (ROOT / "twistedcam" / "version.py").read_text()
    found = re.search(r'__version__ = "([^"]+)"', text)
    if found is None:
        raise ReleaseError("twistedcam/version.py has no version")
    return found[1]


def _said(*words: str) -> str:
    """The output of a program in the project's folder."""
    return subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def _run(*words: str, cwd: Path = ROOT) -> None:
    """Run a program.

    Raises:
        ReleaseError: it failed; with the end of what it said.
    """
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-4000:]
        raise ReleaseError(f"'{' '.join(words[:4])} ...' failed:\n{said}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
