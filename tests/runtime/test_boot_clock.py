"""The time since boot, and whether the wall clock is synchronized."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from twistedcam.runtime import boot_clock


def test_the_time_since_boot_is_the_kernel_s() -> None:
    before = float(Path("/proc/uptime").read_text().split()[0])
    found = boot_clock.uptime()
    after = float(Path("/proc/uptime").read_text().split()[0])
    assert before - 0.02 <= found <= after + 0.02


def test_the_boot_has_a_name_of_16_digits() -> None:
    name = boot_clock.boot_id()
    assert len(name) == 16
    assert int(name, 16) >= 0


@pytest.mark.parametrize(("state", "is_synchronized"), [(0, True), (5, False), (-1, False)])
def test_the_kernel_says_whether_the_clock_is_synchronized(
    state: int, is_synchronized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        @staticmethod
        def adjtimex(_: object) -> int:
            return state

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library)
    assert boot_clock.is_synchronized() is is_synchronized


def test_a_system_without_adjtimex_counts_as_not_synchronized(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not boot_clock.is_synchronized()
