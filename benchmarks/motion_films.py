"""Shows how well motion is found in films whose truth is known: by kind of film, for many seeds."""

from __future__ import annotations

import argparse
import time as clock
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import Pool
from statistics import fmean, median
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support import motion_kinds as kinds_of_films
from tests.support import motion_troubles as kinds_of_scenes
from tests.support.motion_films import Film
from twistedcam.processing.motion.detector import Detector
from twistedcam.processing.motion.grey import reduce_jpeg

KINDS = (*kinds_of_films.KINDS, *(f"other_{kind}" for kind in kinds_of_scenes.KINDS))
#: Seconds between two pictures while the detector is calm.
CALM = 0.2
#: Seconds after which a walk counts as missed.
LATE = 0.6
#: The share of the picture from which a person counts as seen.
SEEN = 0.002
#: Seconds after a walk in which its motion may still be reported.
AFTER = 0.8

#: Times, what decodes the picture, and the share of the picture that each person covers.
Pictures = Iterator[tuple[float, Callable[[], NDArray[np.uint8]], list[float]]]


class Result(NamedTuple):
    """The result of a film.

    Arguments:
        lates: for each walk, the seconds until it was found; None if it was not.
        false: the times of motion that was none.
        milliseconds: of processor time a picture of the film, with decoding of JPEGs.
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
    people, seconds, pictures = _open(kind, seed, fps)
    detector = Detector()
    found: list[float] = []
    seen: list[float | None] = [None] * len(people)
    spent, due = 0.0, 0.0
    for time, read, visible in pictures:
        for at, (start, _) in enumerate(people):
            if seen[at] is None and start <= time and visible[at] >= SEEN:
                seen[at] = time
        if time < due - 0.5 / fps:
            continue
        began = clock.process_time()
        if detector.feed(read(), time):
            found.append(time)
        spent += clock.process_time() - began
        due = time + (CALM if detector.is_calm else 0)
    lates: list[float | None] = []
    for (start, end), first in zip(people, seen, strict=True):
        inside = [time for time in found if start <= time <= end + AFTER]
        lates.append(max(0.0, inside[0] - (first or start)) if inside else None)
    false = [
        time for time in found if not any(start <= time <= end + AFTER for start, end in people)
    ]
    return Result(kind, seed, lates, false, 1000 * spent / (seconds * fps))


def _open(kind: str, seed: int, fps: float) -> tuple[list[tuple[float, float]], float, Pictures]:
    """Return when people walk in a film, its length in seconds, and its pictures."""
    if kind.startswith("other_"):
        scene = kinds_of_scenes.make_scene(kind.removeprefix("other_"), seed, fps=fps)
        made = ((time, partial(_same, grey), visible) for time, grey, visible in scene.pictures())
        return [(each.start, each.end) for each in scene.actors], scene.seconds, made
    film = kinds_of_films.make_film(kind, seed, fps=fps)
    return [(each.start, each.end) for each in film.walks], film.seconds, _jpegs(film)


def _jpegs(film: Film) -> Pictures:
    for time in film.times:
        jpeg = film.jpeg(time)
        yield time, partial(reduce_jpeg, jpeg), [each.visible for each in film.walks]


def _same(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return grey


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
