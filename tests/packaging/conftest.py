"""Environments that several modules' tests share: each takes half a minute to make."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.once import made_once
from tests.packaging.venvs import BIN, make_venv


@pytest.fixture(scope="session")
def plain(shared: Path) -> Path:
    """The bin folder of an environment that has a copy."""
    return made_once(shared / "plain", partial(make_venv, editable=False)) / BIN


@pytest.fixture(scope="session")
def editable(shared: Path) -> Path:
    """The bin folder of an environment that is led to the checkout."""
    return made_once(shared / "editable", partial(make_venv, editable=True)) / BIN


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A working directory that has nothing to do with the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder
