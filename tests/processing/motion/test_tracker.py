"""Blobs are followed from picture to picture."""

from __future__ import annotations

import pytest

from twistedcam.processing.motion.tracker import LOST, Blob, BlobTracker, TrackedBlob


def blob(x: float, y: float = 10, label: int = 1, side: int = 4) -> Blob:
    left, top = round(x), round(y)
    return Blob(label, (left, top, left + side, top + side), (x + 2, y + 2), side * side, 5.0)


def test_a_thing_that_moves_is_one_track() -> None:
    tracks = BlobTracker()
    for step in range(10):
        found = tracks.update(step / 10, [blob(10 + 2 * step)])
    assert len(tracks.all) == 1
    track = found[1]
    assert (track.began, track.count, track.steady) == (0.0, 10, 10)
    shift, straight = track.shift(0.9)
    assert 17 <= shift <= 19 and straight > 0.95


def test_two_things_are_two_tracks() -> None:
    tracks = BlobTracker()
    for step in range(5):
        found = tracks.update(step / 10, [blob(10 + step), blob(60 - step, label=2)])
    assert len(tracks.all) == 2
    assert found[1].last.centre[0] == 16 and found[2].last.centre[0] == 58


def test_a_thing_that_trembles_has_no_straight_way() -> None:
    tracks = BlobTracker()
    for step in range(10):
        found = tracks.update(step / 10, [blob(10 + 2 * (step % 2))])
    shift, straight = found[1].shift(0.9)
    assert straight < 0.3 or shift < 0.9


def test_a_track_outlives_a_picture_without_its_blob() -> None:
    tracks = BlobTracker()
    tracks.update(0.0, [blob(10)])
    tracks.update(0.1, [])
    assert tracks.update(0.2, [blob(11)])[1].count == 2
    tracks.update(0.3 + LOST, [])
    assert not tracks.all


def test_what_was_lost_without_having_moved_is_clutter() -> None:
    tracks = BlobTracker()
    tracks.update(0.0, [blob(10)])
    assert tracks.clutter == 0
    tracks.update(1.0, [])
    assert tracks.clutter == 80.0
    tracks.update(9.0, [])
    assert tracks.clutter == 0


def test_light_that_grows_is_no_change_of_a_thing() -> None:
    tracks = BlobTracker()
    for step in range(4):
        track = tracks.update(step / 10, [blob(10)])[1]
        track.note_change(1.0, 0.98)
    assert track.changes == 0
    track.note_change(0.5, 0.4)
    assert track.changes == 1


def test_the_change_is_looked_for_where_it_is_and_was() -> None:
    tracks = BlobTracker()
    tracks.update(0.0, [blob(10)])
    track = tracks.update(0.1, [blob(14)])[1]
    assert track.area_of_change() == (10, 10, 18, 14)


def follow(*blobs: Blob) -> TrackedBlob:
    tracks = BlobTracker()
    for step, each in enumerate(blobs):
        found = tracks.update(step / 10, [each])
    return found[1]


def test_what_changes_in_one_place_stays_there_and_what_goes_on_does_not() -> None:
    flag = follow(*[blob(20, side=20 + step % 2) for step in range(30)])
    assert flag.stays_in_place(2.9)
    assert not flag.stays_in_place(1.5)
    assert not follow(*[blob(10 + step, side=20) for step in range(30)]).stays_in_place(2.9)


def test_what_comes_nearer_or_goes_away_in_one_place_does_not_stay_there() -> None:
    nearer = [blob(40 - step / 2, 40 - step / 2, side=10 + step) for step in range(30)]
    assert not follow(*nearer).stays_in_place(2.9)
    assert not follow(*reversed(nearer)).stays_in_place(2.9)


def test_a_thing_has_travelled_when_it_has_gone_by_its_own_width() -> None:
    assert not follow(*[blob(20 + step % 4) for step in range(30)]).has_travelled
    assert not follow(*[blob(10 + step) for step in range(5)]).has_travelled
    assert follow(*[blob(10 + step) for step in range(6)]).has_travelled


def test_a_thing_much_smaller_than_before_has_shrunk() -> None:
    assert follow(blob(20, side=9), blob(20, side=5)).has_shrunk(0.1)
    assert not follow(blob(20, side=9), blob(20, side=8)).has_shrunk(0.1)


def test_an_insect_is_too_fast_or_grows_and_shrinks() -> None:
    assert not follow(*[blob(10 + step) for step in range(5)]).is_erratic(0.4)
    assert follow(*[blob(10 + 3 * step) for step in range(5)]).is_erratic(0.4)
    assert follow(*[blob(10, side=4 + 3 * (step % 2)) for step in range(5)]).is_erratic(0.4)
    assert not follow(*[blob(10, side=4 + step) for step in range(5)]).is_erratic(0.4)


def test_a_whole_thing_moves_by_more_than_one_side() -> None:
    growing = follow(*[blob(10, side=20 + step) for step in range(5)])
    assert growing.shift(0.4)[0] == pytest.approx(2.4)
    assert growing.shift(0.4, is_inside=True)[0] < 0.1
    assert follow(*[blob(10 + 2 * step, side=20) for step in range(5)]).shift(0.4, True)[0] > 7
