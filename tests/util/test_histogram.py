"""Values are counted by their bounds."""

from __future__ import annotations

from twistedcam.util.histogram import Histogram


def test_a_value_on_a_bound_counts_for_that_bound() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 9.0):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]
    assert histogram.total == 14.0
    assert histogram.cumulative() == [("1.0", 2.0), ("2.0", 4.0), ("+Inf", 5.0)]


def test_counts_of_another_process_are_added() -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.observe(0.5)
    histogram.add([1, 2, 3], 30.0)
    assert (histogram.counts, histogram.total) == ([2, 2, 3], 30.5)
