"""The benchmark runs; what it finds out is nobody's business here."""

import json
from pathlib import Path

from benchmarks.tables import cell, ratio
from tests.fakecam import require_fakecam
from tests.support.process import run_program
from tests.support.system import require_program


def test_a_part_of_it_prints_its_table_and_keeps_every_run(tmp_path: Path) -> None:
    require_fakecam()
    require_program("cc", "gcc")
    words = "--only delivery --servers HTTPS --viewers 3 --seconds 1 --repeats 1 --output"
    done = run_program("benchmarks", *words.split(), str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "| twistedcam, HTTPS | 3 |" in done.stdout
    assert "| twistedcam, HTTPS | 3 |" in (tmp_path / "tables.md").read_text()
    (run,) = json.loads((tmp_path / "results.json").read_text())["delivery"]["found"][
        "twistedcam, HTTPS"
    ]["loads"]["3"]
    assert run["alive"] == 3 and run["fps"] > 0 and run["cpu"] > 0 and run["age_p50"] > 0


def test_a_part_that_there_is_not_is_named(tmp_path: Path) -> None:
    done = run_program("benchmarks", "--only", "speed", "--output", str(tmp_path))
    assert done.returncode == 2
    assert "no part speed: there are start, delivery" in done.stderr


def test_repeats_that_differ_are_marked_as_noise() -> None:
    assert cell([1.0, 1.1, 1.2], ".1f") == "1.1"
    assert cell([1.0, 1.1, 1.4], ".1f") == "~1.1"
    assert ratio([1.0, 1.0], [2.0, 4.0]) == "~0.33"


def test_what_was_not_measured_is_no_figure() -> None:
    assert cell([], ".1f") == cell([float("nan")], ".1f") == "–"
    assert ratio([1.0], []) == ratio([1.0], [0.0]) == "–"
