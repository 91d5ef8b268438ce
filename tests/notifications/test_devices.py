"""The devices that get notifications: their file, limits, and what a browser may send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import capturedLogs

from tests.support.push_service import BrowserKeys
from twistedcam.errors import BadArgument, TooMany
from twistedcam.notifications import devices as module
from twistedcam.notifications.devices import FILE, PushDevice, PushDevices, device_from
from twistedcam.recording.library.hidden_folder import HIDDEN

KEYS = BrowserKeys().as_json


def device(name: str, login: str = "", **more: Any) -> PushDevice:
    return device_from({"endpoint": f"https://push.example/{name}", "keys": KEYS, **more}, login)


def devices_in(folder: Path) -> PushDevices:
    return PushDevices(folder, lambda: None)


def test_devices_are_kept_changed_and_removed(tmp_path: Path) -> None:
    devices = devices_in(tmp_path)
    devices.put(device("a", "login", expirationTime=None))
    devices.put(device("b", motion=False, language="de"))
    devices.put(device("a", "login", faults=False))
    file = tmp_path / HIDDEN / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    again = devices_in(tmp_path)
    assert again.all() == [
        device("b", motion=False, language="de"),
        device("a", "login", faults=False),
    ]
    again.remove("https://push.example/a")
    again.remove("https://push.example/none")
    assert [each.endpoint for each in devices_in(tmp_path).all()] == ["https://push.example/b"]
    assert again.all()[0].host == "push.example"


def test_a_login_has_few_devices_and_the_server_a_limited_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_DEVICES", 7)
    devices = devices_in(tmp_path)
    for number in range(7):
        devices.put(device(str(number), "login"))
    assert [each.endpoint[-1] for each in devices.all()] == list("23456")
    devices.put(device("x"))
    devices.put(device("y"))
    with pytest.raises(TooMany, match="7 devices"):
        devices.put(device("z"))
    devices.put(device("y", motion=False))  # it is one of them
    assert len(devices.all()) == 7


def test_wrong_values_of_a_browser_are_refused(tmp_path: Path) -> None:
    wrong: list[dict[str, Any]] = [
        {"endpoint": 5}, {"endpoint": "https://push.example/" + "x" * 1000},
        {"endpoint": "https://ü/"},
        {"keys": {}}, {"keys": None}, {"keys": {**KEYS, "auth": "AAAA"}},
        {"keys": {**KEYS, "p256dh": "A" * 87}}, {"keys": {**KEYS, "auth": "?" * 22}},
        {"motion": "yes"}, {"language": "../x"},
    ]  # fmt: skip
    for values in wrong:
        with pytest.raises(BadArgument):
            device(
                "a", **values
            ) if "endpoint" not in values and "keys" not in values else device_from(
                {"endpoint": "https://push.example/a", "keys": KEYS, **values}, ""
            )
    # A browser cannot choose the login.
    assert (
        device_from({"endpoint": "https://push.example/a", "keys": KEYS, "login": "x"}, "me").login
        == "me"
    )


@pytest.mark.parametrize(
    "text", ["{", '{"version": 2, "devices": []}', '{"version": 1, "devices": [{}]}']
)
def test_a_file_that_is_not_valid_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / HIDDEN).mkdir()
    (tmp_path / HIDDEN / FILE).write_text(text)
    with capturedLogs() as logs:
        assert devices_in(tmp_path).all() == []
    assert "were not read" in logs[0]["log_format"]


def test_the_file_has_no_login_of_others(tmp_path: Path) -> None:
    devices_in(tmp_path).put(device("a", "key"))
    [saved] = json.loads((tmp_path / HIDDEN / FILE).read_text())["devices"]
    assert sorted(saved) == ["auth", "endpoint", "faults", "language", "login", "motion", "p256dh"]
