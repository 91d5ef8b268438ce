"""Empty virtual environments that twistedcam is installed into, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.process import ROOT

#: Where an environment's programs are, below the folder that it was made in.
BIN = Path("venv", "bin")


def environment() -> dict[str, str]:
    """This one, without anything that would lead Python back to the checkout."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def make_venv(folder: Path, editable: bool) -> None:
    """Install the checkout into an empty environment below ``folder``: its programs are in BIN."""
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    source = ROOT
    if not editable:  # pip builds in place: keep the checkout clean
        source = folder / "source"
        source.mkdir()
        tracked = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
        ).stdout.split(b"\0")
        for name in filter(None, map(os.fsdecode, tracked)):
            if (ROOT / name).is_file():
                target = source / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((ROOT / name).read_bytes())
    words = ["-m", "pip", "install", "--quiet"]
    words += ["--editable"] if editable else []
    subprocess.run([venv / "bin" / "python", *words, source], check=True, env=environment())
