"""Fragments with each choice of fields, and fragments that are broken."""

from __future__ import annotations

import struct

import pytest

from twistedcam.recording.mp4.boxes import UnreadableMovie, make_box, make_full_box
from twistedcam.recording.mp4.fragment_samples import TrackParts, add_fragment
from twistedcam.recording.mp4.sample_entry import SampleEntry

#: The position of the fragment, and the bytes of the file.
POSITION, SIZE = 1000, 100_000
NOT_SYNC = 0x10000


def make_track() -> TrackParts:
    entry = SampleEntry("h264", b"", b"")
    return TrackParts(1, "video", 1000, entry, 160, 120, 0, (40, 500, 0), [])


def fragment(*boxes: bytes, header: bytes = b"", flags: int = 0, id: int = 1) -> bytes:
    tfhd = make_full_box(b"tfhd", 0, flags, struct.pack(">I", id), header)
    return make_box(b"moof", make_box(b"traf", tfhd, *boxes))


def run(count: int, flags: int = 0, *numbers: int) -> bytes:
    fields = [number & 0xFFFF_FFFF for number in numbers]
    return make_full_box(b"trun", 0, flags, struct.pack(f">{1 + len(fields)}I", count, *fields))


def test_a_fragment_without_fields_has_the_defaults_of_its_track() -> None:
    track = make_track()
    add_fragment(fragment(run(3)), POSITION, [track], SIZE)
    [samples] = track.parts
    assert samples.offsets.tolist() == [1000, 1500, 2000]
    assert samples.times.tolist() == [0, 40, 80]
    assert (samples.is_sync.all(), samples.end) == (True, 120)


def test_a_fragment_may_have_its_own_base_description_and_defaults() -> None:
    track = make_track()
    header = struct.pack(">QIIII", 7000, 1, 20, 100, NOT_SYNC)
    add_fragment(fragment(run(2), header=header, flags=0x3B), POSITION, [track], SIZE)
    [samples] = track.parts
    assert samples.offsets.tolist() == [7000, 7100]
    assert (samples.sizes.tolist(), samples.times.tolist()) == ([100, 100], [0, 20])
    assert not samples.is_sync.any()


def test_a_run_may_have_its_position_and_all_numbers_of_its_samples() -> None:
    track = make_track()
    rows = (10, 100, NOT_SYNC, 5, 20, 200, NOT_SYNC, -5)
    add_fragment(fragment(run(2, 0xF05, 50, 0, *rows)), POSITION, [track], SIZE)
    [samples] = track.parts
    assert samples.offsets.tolist() == [1050, 1150]
    assert samples.durations.tolist() == [10, 20]
    assert samples.shifts.tolist() == [5, -5]
    assert samples.is_sync.tolist() == [True, False]  # the first one has flags of its own


@pytest.mark.parametrize(("version", "form"), [(0, ">I"), (1, ">Q")])
def test_a_fragment_begins_at_its_time_or_at_the_end_of_the_one_before(
    version: int, form: str
) -> None:
    track = make_track()
    tfdt = make_full_box(b"tfdt", version, 0, struct.pack(form, 900))
    add_fragment(fragment(tfdt, run(1), run(1)), POSITION, [track], SIZE)
    add_fragment(fragment(run(1)), POSITION, [track], SIZE)
    assert [part.times.tolist() for part in track.parts] == [[900], [940], [980]]


def test_samples_that_are_not_in_the_file_yet_are_left_out() -> None:
    track = make_track()
    add_fragment(fragment(run(1), run(2)), POSITION, [track], POSITION + 600)
    assert [len(part.sizes) for part in track.parts] == [1]


def test_fragments_of_other_tracks_and_empty_runs_are_left_out() -> None:
    track = make_track()
    add_fragment(fragment(run(1), id=2), POSITION, [track], SIZE)
    add_fragment(fragment(run(0)), POSITION, [track], SIZE)
    assert not track.parts


def test_more_samples_than_bytes_are_refused() -> None:
    with pytest.raises(UnreadableMovie, match="more samples than bytes"):
        add_fragment(fragment(run(SIZE + 1)), POSITION, [make_track()], SIZE)
