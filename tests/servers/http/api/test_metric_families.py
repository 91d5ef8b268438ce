"""Tests of the functions that build metric families."""

from __future__ import annotations

from twistedcam.servers.http.api.metric_families import ViewerTotals, counters, gauges, histogram
from twistedcam.util.histogram import Histogram

TOTALS = {("door", "http"): ViewerTotals(2, 30, 4000, 1)}
LABELS = ["camera", "kind"]


def test_each_row_gives_a_family_with_a_sample_for_each_object() -> None:
    rows = (("a_frames", "Frames.", lambda it: it.frames), ("b_drops", "", lambda it: it.drops))
    (frames, drops) = counters(LABELS, rows, TOTALS)
    assert (frames.type, frames.documentation) == ("counter", "Frames.")
    (sample,) = frames.samples
    assert (sample.name, sample.value) == ("a_frames_total", 30)
    assert sample.labels == {"camera": "door", "kind": "http"}
    assert drops.samples[0].value == 1
    (family,) = gauges(LABELS, rows[:1], TOTALS)
    assert (family.type, family.samples[0].name) == ("gauge", "a_frames")


def test_a_histogram_has_cumulative_buckets_and_a_sum() -> None:
    ages = Histogram()
    ages.observe(0.001)
    ages.observe(1000.0)
    family = histogram("age", "Age.", ["camera"], {("door",): ages})
    found = {(each.name, each.labels.get("le")): each.value for each in family.samples}
    assert found["age_bucket", "+Inf"] == 2
    assert found["age_sum", None] == 1000.001
