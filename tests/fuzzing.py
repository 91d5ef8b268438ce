"""A pytest plugin: hypothesis tries FUZZ_CASES cases where it would try a hundred.

    FUZZ_CASES=20000 python -m pytest -p tests.fuzzing tests/wire

What it finds it prints with the @example line that keeps it as a case.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ_CASES", "20000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("fuzz")
