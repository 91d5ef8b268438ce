"""A recording is as old as it is, whatever the clock of the computer says meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from twistedcam.recording.library.age import EARLIEST, UNSETTLED, Ages
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.retention import RetentionLimits, recordings_to_delete
from twistedcam.runtime.clock import boot_id, is_synchronized, uptime

DAY = 86400.0
#: When this is tried, by a clock that is right, and since when the computer has been up.
NOW, UP = 1_800_000_000.0, 2 * UNSETTLED
THIS, BEFORE = "a" * 16, "b" * 16
WEEK = RetentionLimits(keep_days=7)


class Machine:
    """A computer with a clock that can be set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wall, self.up = NOW, UP
        self.boot = THIS
        self.is_set = False
        self.start()

    def start(self) -> None:
        """The server starts."""
        self.ages = Ages(self.folder, lambda: self.wall, lambda: self.up, self.boot,
                         lambda: self.is_set)  # fmt: skip

    def pass_by(self, seconds: float) -> None:
        """Time goes on."""
        self.wall += seconds
        self.up += seconds

    def made(self, name: str) -> LibraryEntry:
        """A recording that is begun now."""
        return LibraryEntry(
            name, "cam", self.wall, 1.0, 9, own=True, since=self.wall, boot=self.boot, up=self.up
        )

    def going(self, *items: LibraryEntry) -> list[str]:
        """Those that are older than a week."""
        self.ages.learn(items)
        return [each.recording for each in recordings_to_delete(items, WEEK, self.ages, 0)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("wrong", [0.0, NOW - 40 * DAY, NOW + 400 * DAY])
def test_what_was_recorded_by_a_wrong_clock_is_as_old_as_it_is(
    machine: Machine, wrong: float
) -> None:
    machine.wall = wrong
    machine.start()
    film = machine.made("film")
    assert machine.going(film) == []
    machine.wall, machine.is_set = NOW, True  # NTP
    assert machine.ages.of(film) == 0
    assert machine.going(film) == []
    machine.pass_by(6 * DAY)
    assert machine.going(film) == []
    assert machine.ages.of(film) == 6 * DAY
    machine.pass_by(2 * DAY)
    assert machine.going(film) == ["film"]


@pytest.mark.parametrize("wrong", [0.0, NOW - 40 * DAY])
def test_it_is_as_old_as_it_is_after_the_next_boot_too(machine: Machine, wrong: float) -> None:
    machine.wall = wrong
    machine.start()
    film = machine.made("film")
    machine.wall, machine.is_set = NOW, True
    assert machine.going(film) == []  # here the right time is kept
    machine.boot, machine.up = BEFORE, UP
    machine.start()
    machine.pass_by(6 * DAY)
    assert machine.going(film) == []
    machine.pass_by(2 * DAY)
    assert machine.going(film) == ["film"]


def test_a_clock_that_is_put_forward_by_hand_deletes_nothing(machine: Machine) -> None:
    old = replace(machine.made("old"), boot=BEFORE, since=NOW - 6.5 * DAY)
    older = replace(machine.made("older"), boot=None, up=None, since=NOW - 7.5 * DAY)
    assert machine.going(old, older) == ["older"]
    machine.wall += 400 * DAY
    assert machine.going(old, older) == ["older"]
    machine.is_set = True  # now something says that it is right
    assert machine.going(old, older) == ["older", "old"]


def test_a_clock_that_is_adjusted_bit_by_bit_is_followed(machine: Machine) -> None:
    old = replace(machine.made("old"), boot=BEFORE, since=NOW - 6.5 * DAY)
    for _ in range(1441):  # half a day in all, and 30 s
        assert machine.going(old) == []
        machine.wall += 30
    assert machine.going(old) == ["old"]


def test_a_clock_that_nothing_has_set_is_not_believed_at_first(machine: Machine) -> None:
    old = replace(machine.made("old"), boot=BEFORE, since=NOW - 20 * DAY)
    machine.up = 30.0
    machine.start()
    assert machine.going(old) == []
    machine.pass_by(UNSETTLED)
    assert machine.going(old) == ["old"]


def test_a_recording_from_before_any_clock_is_not_judged_by_it(machine: Machine) -> None:
    for since in (0.0, EARLIEST - 1):
        film = replace(machine.made("film"), boot=BEFORE, since=since)
        assert machine.ages.of(film) is None
        assert machine.going(film) == []
    machine.wall = 5.0
    assert machine.going(replace(machine.made("old"), boot=BEFORE, since=NOW)) == []


def test_the_oldest_goes_first_also_where_the_clock_says_otherwise(machine: Machine) -> None:
    machine.wall = 0.0
    machine.start()
    new = machine.made("new")
    machine.wall, machine.is_set = NOW, True
    old = replace(machine.made("old"), boot=None, up=None, since=NOW - DAY)
    going = recordings_to_delete([new, old], RetentionLimits(keep=9), machine.ages, 0)
    assert [each.recording for each in going] == ["old"]


def test_two_servers_and_a_file_of_nonsense_do_no_harm(machine: Machine) -> None:
    kept = machine.folder / ".twistedcam" / "clocks.json"
    kept.parent.mkdir()
    for nonsense in (b"", b"[]", b'{"x": []}', b"\xff"):
        kept.write_bytes(nonsense)
        assert machine.going(machine.made("film")) == []
    other = Machine(machine.folder)
    for each in (machine, other):
        each.wall = 0.0
        each.start()
        film = each.made("film")
        each.wall = NOW
        assert each.going(film) == []
    assert kept.read_text() == f'{{"{THIS}": {NOW - UP}}}'


def test_this_machine_says_which_boot_it_is_and_since_when() -> None:
    assert len(boot_id()) in (0, 16)
    assert uptime() > 0
    assert is_synchronized() in (True, False)
