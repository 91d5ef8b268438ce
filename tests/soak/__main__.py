"""``python -m tests.soak``: the server under hours of comings and goings."""

from __future__ import annotations

import sys

from tests.soak.server import main

if __name__ == "__main__":
    sys.exit(main())
