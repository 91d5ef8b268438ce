"""Measures how soon recordings play over many files, an export of an hour, and reading a folder."""

from __future__ import annotations

import http.client
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.tables import table
from tests.support.http_server import serve
from tests.support.process import ServerProcess, wait_for

TITLE = "Playback of recordings"
#: Files over which a piece goes.
COUNTS = (1, 100, 10_000)
#: Seconds of a small file, and files and seconds of the hour that is exported.
SHORT, PARTS, LONG = 10, 6, 600
START = 1_750_000_000
REQUESTS = 40
_DATE = "2000-01-01T00:00:00.000000Z"


def measure(bench: Bench) -> Found:
    """Measure folders of recordings that are made for it."""
    if shutil.which("ffmpeg") is None:
        bench.say("playback is left out: ffmpeg is not on the PATH")
        return {}
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
        base = Path(folder)
        found: Found = {"first": {}}
        film = _make_film(base / "small.mp4", SHORT, "160x120", 1)
        for count in COUNTS:
            made = base / str(count)
            _make_folder(made, film, count)
            with serve(made, "--camera", "door=pattern:?fps=1", "--stopped") as server:
                seconds = _read_folder(server, made, count)
                times = [_first_picture(server, count) for _ in range(REQUESTS)]
                found["first"][str(count)] = [first for first, _ in times]
                found["bytes"] = [first for _, first in times]
                found["scan"] = {"files": count, "seconds": seconds}
                found["spans"] = [_spans(server) for _ in range(REQUESTS)]
            shutil.rmtree(made)
            bench.say(f"playback over {count} files: {sorted(times)[len(times) // 2][0]:.3f} s")
        found["export"] = _export(base, bench.repeats)
        bench.say(f"export of an hour: {found['export']}")
        return found


def tell(found: Found) -> list[str]:
    """Tables."""
    if not found:
        return ["Not measured: ffmpeg is missing."]
    rows = [
        [f"{int(count):,}", *(f"{_share(times, share) * 1000:.0f}" for share in (0.5, 0.99))]
        for count, times in found["first"].items()
    ]
    lines = table(["files", "first picture p50, ms", "p99"], rows)
    export, scan = found["export"], found["scan"]
    own, theirs = sorted(export["own"]), sorted(export["ffmpeg"])
    lines += [
        "",
        *table(
            ["", "seconds"],
            [
                [f"`export` of an hour ({export['bytes'] / 1e6:.0f} MB, {PARTS} files)",
                 f"{own[len(own) // 2]:.2f}"],
                ["`ffmpeg -c copy` of the same", f"{theirs[len(theirs) // 2]:.2f}"],
                [f"reading {scan['files']:,} new files", f"{scan['seconds']:.1f}"],
                [f"`spans` of a day of {scan['files']:,} files, p50",
                 f"{_share(found['spans'], 0.5):.3f}"],
            ],
        ),
    ]  # fmt: skip
    return lines


def _share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _make_film(path: Path, seconds: int, size: str, loops: int) -> Path:
    source = f"testsrc2=size={size}:rate=25:duration={seconds}"
    tag = "twistedcam 0.1.0 camera=door dropped=0000000000 name=other.mp4"
    once = path.with_name(f"once-{path.name}")
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "1M", "-g", "50", "-bf", "0"]
    _ffmpeg("-f", "lavfi", "-i", source, *encode, str(once))
    marks = ["-metadata", f"comment={tag}", "-metadata", f"date={_DATE}"]
    loop = ["-stream_loop", str(loops - 1), "-i", str(once)]
    _ffmpeg(*loop, "-c", "copy", *marks, "-movflags", "faststart", str(path))
    return path


def _ffmpeg(*words: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *words], check=True, stdin=subprocess.DEVNULL)


def _make_folder(folder: Path, film: Path, count: int, seconds: int = SHORT) -> None:
    """Copies of a film with dates that follow each other."""
    folder.mkdir()
    data = film.read_bytes()
    for number in range(count):
        when = datetime.fromtimestamp(START + number * seconds, UTC)
        date = when.isoformat(timespec="microseconds").replace("+00:00", "Z")
        name = folder / f"{number:06}.mp4"
        name.write_bytes(data.replace(_DATE.encode(), date.encode()))


def _read_folder(server: ServerProcess, folder: Path, count: int) -> float:
    """Seconds from now until the server has read all files."""
    began = time.monotonic()

    def is_read() -> bool:
        lines = server.command_lines("spans door --gap 1h")
        return f"files: {count}" in lines

    wait_for(is_read, "the recordings", timeout=600)
    return time.monotonic() - began


def _first_picture(server: ServerProcess, count: int) -> tuple[float, float]:
    """Seconds until the first fragment of a piece over all files is there, and the first byte."""
    start = START + random.uniform(0, SHORT - 1)
    seconds = count * SHORT
    with closing(http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=60)) as line:
        began = time.monotonic()
        line.request("GET", f"/playback/door?start={start}&duration={seconds}")
        answer = line.getresponse()
        data = answer.read(1)
        first = time.monotonic() - began
        while (at := data.find(b"mdat")) < 0 or len(data) < at + _size(data, at):
            data += answer.read1(1 << 16)
        return time.monotonic() - began, first


def _size(data: bytes, at: int) -> int:
    return int.from_bytes(data[at - 4 : at], "big") - 4


def _spans(server: ServerProcess) -> float:
    with closing(http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=60)) as line:
        began = time.monotonic()
        query = f"start={START}&end={START + 86400}"
        line.request("GET", f"/api/v1/cameras/door/spans?{query}")
        line.getresponse().read()
        return time.monotonic() - began


def _export(base: Path, repeats: int) -> Found:
    film = _make_film(base / "long.mp4", SHORT, "1280x720", LONG // SHORT)
    folder = base / "hour"
    _make_folder(folder, film, PARTS, LONG)
    names = sorted(folder.glob("*.mp4"))
    listed = base / "list.txt"
    listed.write_text("".join(f"file '{name}'\n" for name in names))
    own, theirs, size = [], [], 0
    with serve(folder, "--camera", "door=pattern:?fps=1", "--stopped") as server:
        _read_folder(server, folder, PARTS)
        for _ in range(repeats):
            began = time.monotonic()
            lines = server.command_lines(f"export door {START} {PARTS * LONG}s out.mp4")
            own.append(time.monotonic() - began)
            assert lines[-1] == "OK", lines
            size = (folder / "out.mp4").stat().st_size
            (folder / "out.mp4").unlink()
            other = base / "other.mp4"
            began = time.monotonic()
            words = ["-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy"]
            _ffmpeg(*words, "-movflags", "faststart", str(other))
            theirs.append(time.monotonic() - began)
            other.unlink()
    return {"own": own, "ffmpeg": theirs, "bytes": size}


if __name__ == "__main__":
    sys.exit(run.main(["--only", "playback", *sys.argv[1:]]))
