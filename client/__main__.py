"""``python -m client``: the same as ``twistedcam view``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from client.main import add_arguments, run
from twistedcam.cli.main import run_command


def main(words: Sequence[str] | None = None) -> int:
    """Run the viewer and return its exit code."""
    parser = argparse.ArgumentParser("python -m client", description="Show a camera.")
    add_arguments(parser)
    return run_command(run, parser.parse_args(words))


if __name__ == "__main__":
    sys.exit(main())
