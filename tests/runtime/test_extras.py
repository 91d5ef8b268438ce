"""What to enter to install an extra, in each kind of installation."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from twistedcam.runtime import extras
from twistedcam.runtime.extras import how_to_install

METADATA = [
    "segno<2,>=1.5.2",
    'paho-mqtt<3,>=2.1; extra == "mqtt"',
    'ifaddr<1; extra == "discovery"',
    "zeroconf<1; extra == 'discovery'",
    'PyGObject<3.51; sys_platform == "linux" and extra == "tray"',
    'paho-mqtt; extra == "test"',
]


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of an installed wheel, in an environment that the user may change."""
    monkeypatch.setattr(extras, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr("importlib.metadata.requires", lambda _: METADATA)
    monkeypatch.setattr(extras.sys, "executable", "/opt/my cam/bin/python")
    return tmp_path


def test_an_installed_wheel_names_the_packages_and_its_python(wheel: Path) -> None:
    pip = "'/opt/my cam/bin/python' -m pip install "
    assert how_to_install("mqtt", wheel) == pip + "'paho-mqtt<3,>=2.1'"
    assert how_to_install("discovery", wheel) == pip + "'ifaddr<1' 'zeroconf<1'"
    assert how_to_install("tray", wheel) == pip + "'PyGObject<3.51'"


def test_an_environment_without_pip_is_changed_by_uv(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    monkeypatch.setattr(extras.shutil, "which", lambda _: "/usr/bin/uv")
    told = "uv pip install --python '/opt/my cam/bin/python' 'paho-mqtt<3,>=2.1'"
    assert how_to_install("mqtt", wheel) == told


def test_the_environment_of_a_debian_package_is_changed_by_the_system_s_pip(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    monkeypatch.setattr(extras.shutil, "which", lambda _: None)
    monkeypatch.setattr(extras.os, "access", lambda *_: False)
    told = "sudo python3 -m pip --python '/opt/my cam/bin/python' install 'paho-mqtt<3,>=2.1'"
    assert how_to_install("mqtt", wheel) == told


def test_a_checkout_in_another_environment_names_its_python(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (wheel / "pyproject.toml").touch()
    told = f"'/opt/my cam/bin/python' -m pip install -e '{wheel}[mqtt]'"
    assert how_to_install("mqtt", wheel) == told
    monkeypatch.setattr(extras.sys, "prefix", str(wheel / ".venv"))
    assert how_to_install("mqtt", wheel).startswith(".venv/bin/pip install -e '.[mqtt]'")


def test_a_copy_without_metadata_names_the_extra(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack(_: str) -> list[str]:
        raise PackageNotFoundError

    monkeypatch.setattr("importlib.metadata.requires", lack)
    assert how_to_install("mqtt", wheel).endswith("'twistedcam[mqtt]'")
