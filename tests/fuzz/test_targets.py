"""What the fuzzers found stays mended, and any bytes keep the promises."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.__main__ import HERE, TARGETS


def load(name: str) -> Any:
    return importlib.import_module(f"tests.fuzz.{name}")


@pytest.mark.parametrize("case", sorted(HERE.glob("found/*/*")), ids=lambda path: path.name)
def test_what_was_found_is_mended(case: Path) -> None:
    load(case.parent.name).check(case.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_what_reaches_every_branch_keeps_the_promises(name: str) -> None:
    target = load(name)
    for data in [*target.seeds(), *(path.read_bytes() for path in HERE.glob(f"corpus/{name}/*"))]:
        target.check(data)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_any_bytes_keep_the_promises(name: str, data: st.DataObject) -> None:
    target = load(name)
    begin = data.draw(st.sampled_from([b"", *target.seeds()]))
    cut = data.draw(st.integers(0, len(begin)))
    target.check(begin[:cut] + data.draw(st.binary(max_size=200)) + begin[cut:])
