"""Runs the selected parts, and writes their results: tables, JSON, plots."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from benchmarks.bench import Bench, Part
from benchmarks.machine import machine
from benchmarks.servers import contestants
from benchmarks.tables import NOISE_NOTE
from tests.fakecam import Unavailable
from tests.support.process import ServerProcess

#: Modules of this folder, in the order in which they run and are told.
PARTS = (
    "start",
    "delivery",
    "packets",
    "lines",
    "quality",
    "slow",
    "stopped",
    "recording",
    "rtsp",
    "rtsp_viewers",
    "preroll",
    "sound",
    "motion",
    "playback",
    "control",
    "viewer",
    "page",
    "wall",
    "sharing",
)
RESULTS = Path(__file__).with_name("results")


def main(words: list[str] | None = None) -> int:
    """Measure, print, write; the exit code."""
    options = _parser().parse_args(words)
    ServerProcess.is_forked = False  # what is measured starts as it does for users
    chosen = options.only.split(",") if options.only else PARTS
    if unknown := set(chosen) - set(PARTS):
        print(
            f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}", file=sys.stderr
        )
        return 2
    names = [name for name in PARTS if name in chosen]
    bench = Bench(
        tuple(sorted(int(word) for word in options.viewers.split(","))),
        options.seconds,
        options.repeats,
        options.slow_seconds,
        options.servers,
    )
    for each in contestants():
        if not each.there:
            bench.say(f"left out: {each.name} ({each.program} is not on the PATH)")
    options.output.mkdir(parents=True, exist_ok=True)
    kept = options.output / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    made_on, began, failed = machine(), time.monotonic(), []
    for name in names:
        try:
            found = part(name).measure(bench)
        except Unavailable as reason:
            print(f"no fake webcam on this machine: {reason}", file=sys.stderr)
            return 1
        except (Exception, SystemExit) as error:  # the other parts still run
            bench.say(f"{name} failed: {error!r}")
            failed.append(name)
            continue
        results[name] = {
            "machine": made_on,
            "seconds": bench.seconds,
            "repeats": bench.repeats,
            # Read back from JSON, so that the tables are the same as those made from the file.
            "found": json.loads(json.dumps(found)),
        }
        # Immediately, so that results are not lost if a later part fails.
        fresh = kept.with_suffix(".new")
        fresh.write_text(json.dumps(results, indent=1) + "\n")
        os.replace(fresh, kept)
    text = report(results)
    (options.output / "tables.md").write_text(text)
    print(report({name: results[name] for name in names if name not in failed}))
    bench.say(f"took {time.monotonic() - began:.0f} s; all is in {options.output}")
    _draw(results, options.output)
    if options.publish:
        _publish(text)
    return 1 if failed else 0


def part(name: str) -> Part:
    """The module of a part."""
    return cast("Part", import_module(f"benchmarks.{name}"))


def report(results: dict[str, Any]) -> str:
    """All tables, with the description of the machine."""
    lines: list[str] = []
    names = [name for name in PARTS if name in results]
    for name, following in zip(names, [*names[1:], ""], strict=False):
        lines += [f"### {part(name).TITLE}", "", *part(name).tell(results[name]["found"]), ""]
        made = _made_on(results[name])
        if not following or _made_on(results[following]) != made:
            lines += [f"Made on: {made}.", ""]
    if any("~" in line for line in lines):
        lines += [NOISE_NOTE, ""]
    return "\n".join(lines)


def _made_on(result: dict[str, Any]) -> str:
    machine = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    return f"{machine}; {result['repeats']} × {result['seconds']:g} s"


def _draw(results: dict[str, Any], folder: Path) -> None:
    try:
        from benchmarks import plots
    except ImportError:
        print("no plots: .venv/bin/pip install -e '.[bench]'", file=sys.stderr)
        return
    plots.draw({name: result["found"] for name, result in results.items()}, folder)


def _publish(text: str) -> None:
    """Replace the tables between the two marks in README.md."""
    readme = Path(__file__).with_name("README.md")
    front, begin, rest = readme.read_text().partition("<!-- results -->\n")
    plots = sorted(path.name for path in RESULTS.glob("*.png"))
    text += "".join(f"\n![{Path(name).stem}](results/{name})\n" for name in plots)
    _, end, behind = rest.partition("<!-- end of results -->\n")
    readme.write_text(f"{front}{begin}{text}\n{end}{behind}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description="This server beside the peers that the machine has."
    )
    add = parser.add_argument
    add("--only", default="", metavar="PARTS", help=f"of {','.join(PARTS)}")
    add("--servers", default="", metavar="TEXT", help="only those whose name contains this")
    add("--viewers", default="50,200,500", help="how many, with commas (%(default)s)")
    add("--seconds", type=float, default=3.5, help="of each measurement (%(default)s)")
    add("--repeats", type=int, default=3, help="(%(default)s)")
    add("--slow-seconds", type=float, default=16, help="of the slow viewers (%(default)s)")
    add("--publish", action="store_true", help="put the tables into benchmarks/README.md")
    add("--output", type=Path, default=RESULTS, help="folder (%(default)s)")
    return parser
