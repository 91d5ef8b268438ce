"""Shows how well motion is found in films whose truth is known: by kind of film, for many seeds."""

from __future__ import annotations

import argparse
import time as clock
from collections import defaultdict
from multiprocessing import Pool
from statistics import fmean, median
from typing import NamedTuple

import cv2

from tests.support.motion_kinds import KINDS, make_film
from twistedcam.processing.motion.detector import Detector
from twistedcam.processing.motion.grey import reduce_jpeg

#: Seconds after which a walk counts as missed.
LATE = 0.6
#: The share of the picture from which a person counts as seen.
SEEN = 0.002
#: Seconds after a walk in which its motion may still be reported.
AFTER = 0.8


class Result(NamedTuple):
    """The result of a film.

    Arguments:
        lates: for each walk, the seconds until it was found; None if it was not.
        false: the times of motion that was none.
        milliseconds: of processor time a picture, with decoding.
    """

    kind: str
    seed: int
    lates: list[float | None]
    false: list[float]
    milliseconds: float


def evaluate(job: tuple[str, int, float]) -> Result:
    """Watch one film."""
    kind, seed, fps = job
    cv2.setNumThreads(1)
    film = make_film(kind, seed, fps=fps)
    detector = Detector()
    found: list[float] = []
    seen: list[float | None] = [None] * len(film.walks)
    spent = 0.0
    for time in film.times:
        jpeg = film.jpeg(time)
        for at, walk in enumerate(film.walks):
            if seen[at] is None and walk.start <= time and walk.visible >= SEEN:
                seen[at] = time
        began = clock.process_time()
        if detector.feed(reduce_jpeg(jpeg), time):
            found.append(time)
        spent += clock.process_time() - began
    lates: list[float | None] = []
    for walk, first in zip(film.walks, seen, strict=True):
        inside = [time for time in found if walk.start <= time <= walk.end + AFTER]
        lates.append(max(0.0, inside[0] - (first or walk.start)) if inside else None)
    false = [
        time
        for time in found
        if not any(walk.start <= time <= walk.end + AFTER for walk in film.walks)
    ]
    return Result(kind, seed, lates, false, 1000 * spent / (film.seconds * fps))


def main() -> None:
    """Evaluate the films and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seeds", type=int, default=10, help="films of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    kinds = given.kinds.split(",")
    seeds = range(given.first, given.first + given.seeds)
    results: dict[str, list[Result]] = defaultdict(list)
    with Pool(given.jobs) as pool:
        jobs = [(kind, seed, given.fps) for kind in kinds for seed in seeds]
        for result in pool.imap_unordered(evaluate, jobs):
            results[result.kind].append(result)
    for kind in kinds:
        _print(kind, sorted(results[kind], key=lambda each: each.seed))


def _print(kind: str, results: list[Result]) -> None:
    walks = [(each.seed, late) for each in results for late in each.lates]
    found = [late for _, late in walks if late is not None]
    missed = [(seed, late) for seed, late in walks if late is None or late > LATE + 1e-6]
    false = [(each.seed, round(each.false[0], 1)) for each in results if each.false]
    words = [f"{kind:16s} {len(results)} films, {fmean(r.milliseconds for r in results):.2f} ms"]
    if walks:
        words.append(f"{len(walks) - len(missed)} of {len(walks)} walks within {LATE} s")
    if found:
        words.append(f"p50 {median(found):.2f} s, longest {max(found):.2f} s")
    words.append(f"false in {len(false)}")
    print(", ".join(words))
    for name, seeds in (("missed", missed), ("false", false)):
        if seeds:
            print(f"    {name} (seed, seconds): {seeds[:10]}")


if __name__ == "__main__":
    main()
