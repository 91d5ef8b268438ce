"""``python -m tests.hostile``: attacks without any right, and what a viewer notices of each.

For what any web server can be attacked with, nginx is attacked beside it in the same way, with a
client that asks for a small file meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.hostile.attacks import ATTACKS
from tests.hostile.beside import Nginx, small_file_ages
from tests.hostile.watching import Outcome, attack, target

#: What is promised: no viewer's picture is older, and no more memory is taken.
OLDEST = 0.100
MAX_MEMORY = 64 << 20


def main() -> int:
    """Measure what was asked for; 1 if a promise was not kept."""
    parser = argparse.ArgumentParser("python -m tests.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each attack lasts")
    parser.add_argument("--only", default="", help="attacks whose names have this in them")
    arguments = parser.parse_args()
    failed = 0
    print(f"{'attack':46} {'fps':>5} {'oldest':>8} {'memory':>8}   beside: nginx")
    with tempfile.TemporaryDirectory() as folder, target() as made:
        nginx = Nginx(Path(folder))
        with nginx:
            for name, each in ATTACKS.items():
                if arguments.only not in name:
                    continue
                found = attack(made, name, each.door, arguments.seconds)
                line = _shown(name, found)
                if each.is_http:
                    age, memory = small_file_ages(nginx, name, arguments.seconds)
                    line += f"   {age * 1000:5.0f} ms {memory / 2**20:5.0f} MB"
                kept = found.seen.oldest <= OLDEST and found.memory <= MAX_MEMORY
                failed += not kept
                print(line + ("" if kept else "   NOT KEPT"), flush=True)
    return 1 if failed else 0


def _shown(name: str, found: Outcome) -> str:
    seen = found.seen
    age = f"{seen.oldest * 1000:5.0f} ms"
    return f"{name:46} {seen.fps:5.1f} {age:>8} {found.memory / 2**20:5.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
