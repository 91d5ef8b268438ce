"""Environments that several modules' tests share: they take a quarter of a minute to make."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.support.once import made_once
from tests.support.venvs import BIN, install, install_dependencies


@pytest.fixture(scope="session")
def dependencies(shared: Path) -> Path:
    """The folder of an environment with what twistedcam depends on."""
    return made_once(shared / "dependencies", install_dependencies)


@pytest.fixture(scope="session")
def plain(shared: Path, dependencies: Path) -> Path:
    """The bin folder of an environment that has a copy."""
    make = partial(install, dependencies=dependencies, editable=False)
    return made_once(shared / "plain", make) / BIN


@pytest.fixture(scope="session")
def editable(shared: Path, dependencies: Path) -> Path:
    """The bin folder of an environment that is led to the checkout."""
    make = partial(install, dependencies=dependencies, editable=True)
    return made_once(shared / "editable", make) / BIN


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A working directory that has nothing to do with the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder
