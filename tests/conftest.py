"""How hypothesis looks for cases: a slow machine is no failure, and FUZZ_CASES says how many.

And what the programs under test inherit: signals as a terminal gives them.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.loose_ends"]

settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ_CASES", "100")),
    deadline=None,
    print_blob=True,  # what it finds it prints with the @example line that keeps it as a case
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("fuzz" if "FUZZ_CASES" in os.environ else "tests")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is made once: all processes that run tests side by side have it."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


# Each of the programs below would otherwise compile the same hundred modules when it starts.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell without job control starts what it puts in the background with these ignored, and all
# programs below would have it from there: none of them could be interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
