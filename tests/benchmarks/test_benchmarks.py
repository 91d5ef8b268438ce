"""The benchmark runs; what it finds out is nobody's business here."""

import json
from pathlib import Path

from benchmarks import wall
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


def test_the_wall_has_a_row_of_its_own_and_one_for_each_tile() -> None:
    slow, fast = {"fps": 5.0, "age_p50": 90.0, "age_p99": 200.0}, {"fps": 25.0, "age_p50": 20.0}
    tiles = {f"cam{number}": fast | {"age_p99": 40.0} for number in range(wall.CAMERAS)}
    tiles["cam3"] = slow
    whole = {"fps": 380.0, "age_p50": 21.0, "age_p99": 180.0}
    run = {"tiles": tiles, "all": whole, "cores": {"browser": 1.5, "server": 0.2}}
    told = wall.tell({"small": [run]})
    assert "| small | 23.8 | 5.0 | 21 | 180 | 1.50 | 0.20 |" in told
    assert "| cam0, small | 25.0 | 20 | 40 |" in told and "| cam3, small | 5.0 | 90 | 200 |" in told
    assert wall.tell({}) == ["Not measured."]
