"""Environments that several modules' tests share: each takes half a minute to make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.venvs import make_venv


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that has a copy."""
    return make_venv(tmp_path_factory.mktemp("plain"), editable=False)


@pytest.fixture(scope="session")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that is led to the checkout."""
    return make_venv(tmp_path_factory.mktemp("editable"), editable=True)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A working directory that has nothing to do with the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder
