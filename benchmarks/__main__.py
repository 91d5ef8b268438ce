"""``python -m benchmarks``: this server beside the peers that the machine has."""

from __future__ import annotations

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main())
