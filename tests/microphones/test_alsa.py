"""ALSA gets a configuration that only this program and root can write."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from twistedcam.microphones import alsa
from twistedcam.microphones.alsa import device_of, reason_in, reason_of, safe_environment


def test_nothing_is_read_from_where_others_can_write() -> None:
    found = safe_environment({})
    assert set(found) == {"ALSA_CONFIG_PATH", "ALSA_CONFIG_DIR", "ALSA_PLUGIN_DIR"}
    for path in (*found["ALSA_CONFIG_PATH"].split(":"), found["ALSA_PLUGIN_DIR"]):
        here = Path(alsa.__file__).parent  # a checkout may be anywhere
        assert Path(path).parent == here or not path.startswith(tempfile.gettempdir())
        assert os.path.isabs(path)
    for path in found["ALSA_CONFIG_PATH"].split(":"):
        assert Path(path).is_file()


def test_without_a_configuration_of_the_system_there_is_one_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alsa, "_SYSTEM", Path("/nowhere/alsa.conf"))
    first = safe_environment({})["ALSA_CONFIG_PATH"].split(":")[0]
    assert "pcm.hw" in Path(first).read_text()


def test_plugins_are_those_of_this_machine_s_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are there for programs of 32 bits, and cannot be loaded."""
    for kind in ("i386-linux-gnu", "x86_64-linux-gnu"):
        (tmp_path / kind / "alsa-lib").mkdir(parents=True)
    monkeypatch.setattr(alsa, "_PLUGINS", (f"{tmp_path}/*/alsa-lib", f"{tmp_path}/none"))
    for kind in ("i386-linux-gnu", "x86_64-linux-gnu"):
        monkeypatch.setattr(alsa.sysconfig, "get_config_var", lambda name, kind=kind: kind)
        found = safe_environment({})["ALSA_PLUGIN_DIR"]
        assert found == f"{tmp_path}/{kind}/alsa-lib"


def test_what_the_user_has_set_stays() -> None:
    given = {"ALSA_CONFIG_PATH": "/home/me/asound.conf", "ALSA_PLUGIN_DIR": "/opt/alsa"}
    found = safe_environment(given)
    assert found["ALSA_CONFIG_PATH"].split(":")[0] == "/home/me/asound.conf"
    assert found["ALSA_PLUGIN_DIR"] == "/opt/alsa"


@pytest.mark.parametrize(
    ("microphone", "device"),
    [
        ("alsa:default", ("alsa", "default")),
        ("alsa:plughw:CARD=C920,DEV=0", ("alsa", "plughw:CARD=C920,DEV=0")),
        ("pulse:default", ("alsa", "twistedcam_pulse_default")),
        ("pulse:cam.monitor", ("alsa", "twistedcam_pulse:'cam.monitor'")),
        ("pulse:a'b", ("alsa", "twistedcam_pulse:'a\\'b'")),
        ("avfoundation:0", ("avfoundation", ":0")),
        ("dshow:Microphone (C920)", ("dshow", "audio=Microphone (C920)")),
    ],
)
def test_names_are_those_of_ffmpeg(microphone: str, device: tuple[str, str]) -> None:
    assert device_of(microphone) == device


@pytest.mark.parametrize(
    ("errors", "reason", "said"),
    [
        ("", "No such file or directory", "there is no such microphone"),
        (
            "x\nstream: No such entity\n",
            "Input/output error",
            "no such microphone",
        ),
        ("", "No such device", "it is not plugged in"),
        ("", "Device or resource busy", "another program uses it"),
        ("", "Permission denied", "the group 'audio'"),
        ("Unable to connect: Connection refused", "Connection refused", "does not run"),
        ("", "Input/output error", "it was unplugged"),
        ("Traceback\nValueError: odd", "", "ValueError: odd"),
        ("", "", "its process has ended"),
    ],
)
def test_reasons_are_for_people(errors: str, reason: str, said: str) -> None:
    assert said in reason_in(errors, reason)


def test_the_reason_is_that_of_the_system() -> None:
    assert reason_of(OSError(19, "No such device")) == "No such device"
    assert reason_of(OSError("it gives nothing")) == "it gives nothing"
