"""Cut pictures that end in an end marker are found, and good ones cost next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

import pytest

from tests.support.odd_jpegs import cut, make_jpeg, with_frame_header, with_padded_restarts
from twistedcam.media import jpeg
from twistedcam.media import jpeg_truncation as truncation
from twistedcam.media.jpeg_decoder import Damaged
from twistedcam.media.jpeg_truncation import ALERT, TruncationDetector

SHARES = [0.05, 0.3, 0.5, 0.75, 0.88]


class Clocks:
    """Time of the wall and of the processor, which the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.used = 0.0


class Case:
    """A detector that is shown pictures, 30 a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clocks = Clocks()
        self.decodes = 0
        self.cost = 0.002
        check = truncation.check_jpeg

        def count(data: bytes) -> bool:
            self.decodes += 1
            self.clocks.used += self.cost
            return check(data)

        monkeypatch.setattr(truncation, "check_jpeg", count)
        self.detector = TruncationDetector(lambda: self.clocks.now, lambda: self.clocks.used)

    def is_good(self, data: bytes, since: float = 1 / 30) -> bool:
        self.clocks.now += since
        try:
            self.detector.check(data, jpeg.read_header(data))
        except ValueError:
            return False
        return True


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    return Case(monkeypatch)


def pictures(count: int, **options: int) -> Iterator[bytes]:
    made = [make_jpeg(seed=seed, **options) for seed in range(8)]
    return islice(cycle(made), count)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("restart", [0, 5, 20])
@pytest.mark.parametrize("progressive", [0, 1])
def test_a_cut_picture_among_good_ones_is_found(
    case: Case, share: float, restart: int, progressive: int
) -> None:
    options = {"restart": restart, "progressive": progressive}
    assert all(case.is_good(each) for each in pictures(20, **options))
    assert not case.is_good(cut(make_jpeg(seed=9, **options), share))
    assert all(case.is_good(each) for each in pictures(20, **options))


@pytest.mark.parametrize("share", SHARES)
def test_the_first_picture_is_not_believed_either(case: Case, share: float) -> None:
    assert not case.is_good(cut(make_jpeg(), share))
    assert not case.is_good(cut(make_jpeg(seed=2), share))
    assert case.is_good(make_jpeg(seed=3))


@pytest.mark.parametrize("missing", [1, 3, 7, 8, 9])
def test_a_single_missing_interval_is_found_by_its_restart_marker(case: Case, missing: int) -> None:
    assert all(case.is_good(each) for each in pictures(20, restart=5))
    data = make_jpeg(seed=9, restart=5)
    at = [i for i in range(len(data)) if data[i] == 0xFF and 0xD0 <= data[i + 1] <= 0xD7]
    assert len(at) == 59
    assert not case.is_good(data[: at[-missing]] + jpeg.EOI)


@pytest.mark.parametrize("share", SHARES)
def test_padded_restarts_are_good_and_cut_ones_are_not(case: Case, share: float) -> None:
    for each in pictures(20, restart=20):
        assert case.is_good(with_padded_restarts(each))
    assert case.decodes <= 2
    assert case.detector.is_noisy
    assert not case.is_good(cut(with_padded_restarts(make_jpeg(seed=9, restart=20)), share))


def test_a_slow_camera_s_pictures_are_all_looked_at(case: Case) -> None:
    for seed in range(5):
        assert case.is_good(make_jpeg(seed=seed), 0.5)
    assert not case.is_good(cut(make_jpeg(seed=9), 0.97), 0.5)


def test_a_buffer_that_is_too_small_for_all_pictures_is_found(case: Case) -> None:
    at = min(map(len, pictures(8))) - 400
    at -= at % 512
    found = [case.is_good(data[: at - 2] + jpeg.EOI) for data in pictures(8)]
    assert not any(found)


def test_after_a_cut_picture_the_next_ones_are_looked_at(case: Case) -> None:
    assert all(case.is_good(each) for each in pictures(20))
    assert not case.is_good(cut(make_jpeg(seed=9), 0.5))
    before = case.decodes
    assert all(case.is_good(each) for each in pictures(2 * ALERT))
    assert ALERT <= case.decodes - before <= ALERT + 5


def test_good_pictures_are_decoded_seldom(case: Case) -> None:
    assert all(case.is_good(each) for each in pictures(300))
    assert case.decodes <= 10


def test_pictures_of_all_sizes_take_a_twentieth_of_the_time_at_most(case: Case) -> None:
    made = [make_jpeg(seed=seed, quality=q) for seed in range(4) for q in (30, 95, 60)]
    for data in islice(cycle(made), 3000):
        assert case.is_good(data)
    assert case.clocks.used <= 0.25 + 0.05 * case.clocks.now + case.cost


def test_the_same_picture_again_and_again_is_decoded_once(case: Case) -> None:
    good, bad = make_jpeg(), cut(make_jpeg(), 0.5)
    assert all(case.is_good(good, 1.0) for _ in range(10))
    assert not any(case.is_good(bytes(bytearray(bad)), 1.0) for _ in range(10))
    assert case.decodes == 2


def test_a_frame_header_that_was_not_seen_before_is_tried(case: Case) -> None:
    assert all(case.is_good(each) for each in pictures(20))
    for _ in range(3):
        assert not case.is_good(with_frame_header(make_jpeg(seed=9), {11: 0x33}))
    before = case.decodes
    assert all(case.is_good(each) for each in pictures(3))
    assert case.decodes - before == 3, "they come after a broken one"


def test_many_frame_headers_are_not_all_remembered(case: Case) -> None:
    for width in range(16, 16 + 100):
        assert case.is_good(make_jpeg(width, 16))
    assert len(case.detector._kinds) <= 16


def test_a_damaged_picture_says_what_is_wrong(case: Case) -> None:
    data = cut(make_jpeg(), 0.5)
    with pytest.raises(Damaged, match=r"incomplete: .*premature end"):
        case.detector.check(data, jpeg.read_header(data))
