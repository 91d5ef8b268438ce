"""Look for bytes that break a promise: ``python -m tests.fuzz TARGET --seconds 60``.

Ends with 1 when some were found; they are in ``tests/fuzz/found/TARGET`` then.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from tests.fakecam.build import cache_directory

HERE = Path(__file__).parent
TARGETS = ("frames", "pictures", "headers", "commands", "rtsp")
#: What is instrumented: the parts under test.
PARTS = [
    "twistedcam.wire",
    "twistedcam.rtsp",
    "twistedcam.sources.rtsp.track_receiver",
    "twistedcam.media.jpeg",
    "twistedcam.servers.control",
    "twistedcam.commands",
]
PARTS += ["twistedcam.sources.multipart", "twistedcam.media.jpeg_repair", "json", "shlex"]
PARTS += [
    "twistedcam.media.jpeg_truncation",
    "twistedcam.codecs.jpeg_encoder",
    "twistedcam.media.jpeg_decoder",
]


def main() -> int:
    """Fuzz; libFuzzer ends the process itself."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    found = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print("there is no atheris: pip install atheris (Linux, CPython)", file=sys.stderr)
        return 1
    with atheris.instrument_imports(include=PARTS):
        target = importlib.import_module(f"tests.fuzz.{found.target}")
    corpus, broken = HERE / "corpus" / found.target, HERE / "found" / found.target
    work = cache_directory().parent / "fuzz" / found.target
    for folder in (corpus, broken, work):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (work / f"seed-{number}").write_bytes(seed)
    words = [f"-max_total_time={found.seconds}", "-max_len=4096", "-timeout=10"]
    words += ["-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={broken}/"]
    words += [str(work), str(corpus)]  # what is new goes to the first
    atheris.Setup([sys.argv[0], *words], target.check)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
