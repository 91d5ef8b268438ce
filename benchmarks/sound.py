"""Measures if sound stays with the picture for an hour, and what a microphone costs."""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.own import cores
from benchmarks.tables import table
from tests.support.process import ServerProcess, wait_for
from tests.support.pulse import MICROPHONE, PulseServer, has_pulse
from tests.support.sound import pcm_packets
from tests.support.sound_card import SoundCard, heard_clicks
from twistedcam.codecs.audio_converter import AudioConverter

TITLE = "Sound"

#: Millionths by which the clock of the sound card is wrong.
_CLOCKS = (100, -100)
#: Seconds of sound for each second of the measurement: 3.5 s are an hour.
_ACCELERATION = 3600 / 3.5
_CAMERA = "cam=pattern:?size=160x120&fps=5"
#: What becomes of the sound of a microphone.
_IDLE, _RECORDED = _USES = "nobody listens", "recorded as AAC"
#: Seconds until a microphone is read in long pieces.
_STEADY = 10


def measure(bench: Bench) -> Found:
    """Hear a click each second with a card whose clock is wrong; measure a microphone."""
    seconds = bench.seconds * _ACCELERATION
    drift = {}
    for ppm in _CLOCKS:
        found = heard_clicks(SoundCard(seconds, ppm))
        errors = [at - round(at) for at in found]
        steps = [after - before for before, after in pairwise(errors)]
        drift[str(ppm)] = {
            "least": min(errors),
            "most": max(errors),
            "last": errors[-1],
            "step": max(map(abs, steps)),
        }
        bench.say(f"sound: {ppm} ppm: {drift[str(ppm)]}")
    conversions = {codec: _conversion(codec) for codec in ("aac", "opus", "pcm_s16le")}
    long = max(3.0, 3 * bench.seconds)
    microphone = {use: _microphone(long, use) for use in _USES} if has_pulse() else None
    bench.say(f"sound: conversions {conversions}, microphone {microphone}")
    return {
        "seconds": seconds,
        "drift": drift,
        "conversions": conversions,
        "microphone": microphone,
    }


def tell(found: Found) -> list[str]:
    """Two tables."""
    minutes = found["seconds"] / 60
    heads = [
        *("clock of the card", "without correction, ms"),
        *("errors of clicks, ms", "at the end, ms", "between two clicks at most, ms"),
    ]
    rows = [
        [
            f"{ppm} ppm, {minutes:.0f} min",
            f"{float(ppm) * found['seconds'] / 1000:.0f}",
            f"{each['least'] * 1e3:.1f} to {each['most'] * 1e3:.1f}",
            f"{each['last'] * 1e3:.1f}",
            f"{each['step'] * 1e3:.1f}",
        ]
        for ppm, each in found["drift"].items()
    ]
    names = {"aac": "PCM to AAC", "opus": "PCM to Opus", "pcm_s16le": "PCM to 48 kHz"}
    costs = [[names[codec], f"{cost:.4f}"] for codec, cost in found["conversions"].items()]
    for use, cost in (found["microphone"] or {}).items():
        costs.append([f"microphone of PulseAudio, stereo, {use}", f"{cost:.4f}"])
    return [*table(heads, rows), "", *table(["sound of one channel", "cores"], costs)]


def _conversion(codec: str) -> float:
    """Processor time of a conversion of one channel, in seconds a second."""
    packets = pcm_packets(seconds=10)
    converter = AudioConverter()
    converter.convert(packets[:50], [codec])
    began = time.process_time()
    for each in packets[50:]:
        converter.convert([each], [codec])
    return (time.process_time() - began) / 9


def _microphone(seconds: float, use: str) -> float:
    """Processor time of a server with a microphone, less that without one, in seconds a second.

    Arguments:
        use: one of _USES.
    """
    costs = []
    for options, state in (((), "off"), (("--audio", f"cam={MICROPHONE}"), "live")):
        with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
            place = Path(folder)
            with (
                PulseServer(place) as pulse,
                ServerProcess(
                    place / "rec", "--camera", _CAMERA, *options, env=pulse.environment
                ) as server,
            ):
                pulse.play(seconds + 40)
                wait_for(partial(_is, server, state), "the sound")
                if use == _RECORDED:
                    answer = server.command_lines("record start")[-1]
                    assert answer.startswith("OK"), answer
                time.sleep(_STEADY)
                costs.append(cores(server.process.pid, seconds))
    return costs[1] - costs[0]


def _is(server: ServerProcess, state: str) -> bool:
    return server.status()["audio_state"] == state


if __name__ == "__main__":
    sys.exit(run.main(["--only", "sound", *sys.argv[1:]]))
