"""``python -m benchmarks``: compares this server with the others that are installed."""

from __future__ import annotations

import sys

from benchmarks.run import main

if __name__ == "__main__":
    sys.exit(main())
