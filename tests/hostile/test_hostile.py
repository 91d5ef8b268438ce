"""No client without a right ends anybody's pictures, or takes much memory: a short form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.__main__ import MAX_MEMORY
from tests.hostile.attacks import ATTACKS
from tests.hostile.watching import Target, attack, target

SECONDS = 0.7


@pytest.fixture(scope="module")
def server() -> Iterator[Target]:
    with target() as made:
        yield made


@pytest.mark.parametrize("name", ATTACKS)
def test_a_client_without_a_right_takes_little_and_ends_nothing(server: Target, name: str) -> None:
    found = attack(server, name, ATTACKS[name].door, SECONDS)
    assert found.memory <= MAX_MEMORY
    assert server.server.process.poll() is None
