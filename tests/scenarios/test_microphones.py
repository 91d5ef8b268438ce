"""A camera with a microphone: its sound, what is muted, and a microphone that goes away."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.process import ServerProcess, descendants, wait_for
from tests.support.pulse import MICROPHONE, PulseServer, require_pulse

CAMERA = "cam=pattern:?size=160x120&fps=5"


def loud_seconds(path: Path) -> tuple[float, float]:
    """Return the seconds of a film's sound, and those of them in which there is a tone."""
    loud = total = 0.0
    with av.open(str(path)) as film:
        for frame in film.decode(audio=0):
            values = frame.to_ndarray().astype(float)
            scale = 1 if frame.format.name.startswith("flt") else 32_768
            seconds = frame.samples / frame.sample_rate
            total += seconds
            loud += seconds * (np.abs(values).max() / scale > 0.02)
    return total, loud


def test_a_microphone_is_recorded_muted_and_lost_and_the_picture_goes_on(tmp_path: Path) -> None:
    require_pulse()
    with PulseServer(tmp_path) as pulse:
        arguments = ["--camera", CAMERA, "--audio", f"cam={MICROPHONE}", "--no-keys"]
        with ServerProcess(tmp_path / "rec", *arguments, env=pulse.environment) as server:
            pulse.play(60)
            wait_for(lambda: server.status()["audio_state"] == "live", "sound")
            wait_for(lambda: float(server.status()["audio_level_db"]) > -40, "a level")
            told = server.status()
            assert told["audio"] == "pcm_s16le 48000 Hz 2 ch"
            assert float(told["audio_level_db"]) == pytest.approx(-23, abs=2)
            assert float(told["audio_peak_db"]) == pytest.approx(-20, abs=2)
            server.command_lines("record start cam a.mkv")
            wait_for(lambda: float(server.status()["recording_seconds"]) > 1.5, "a recording")
            server.command_lines("mute cam")
            at = float(server.status()["recording_seconds"])
            assert server.status()["muted"] == "yes"
            wait_for(lambda: float(server.status()["recording_seconds"]) > at + 2, "silence")
            server.command_lines("record stop cam")
            total, loud = loud_seconds(tmp_path / "rec" / "a.mkv")
            assert total > 3
            assert 0.5 < loud < total - 1.5
            server.command_lines("unmute cam")
            frames = int(server.status()["frames"])
            pulse.stop()
            wait_for(lambda: server.status()["audio_state"] == "recovering", "the loss")
            assert server.status()["audio_reason"] != "none"
            assert server.status()["state"] == "live"
            wait_for(lambda: int(server.status()["frames"]) > frames + 5, "pictures")
            pulse.start()
            wait_for(lambda: server.status()["audio_state"] == "live", "the return", 30)
            children = _children(server.process.pid)
            assert len(children) == 1
            os.kill(children[0], signal.SIGKILL)
            wait_for(lambda: server.status()["audio_state"] == "recovering", "the loss")
            server.command_lines("stop cam")
            wait_for(lambda: not _children(server.process.pid), "the end of the process")


def _children(pid: int) -> list[int]:
    """Return the processes of microphones of a server."""
    found = []
    for each in descendants(pid):
        with suppress(OSError):  # it has ended
            if b"twistedcam.microphones" in Path(f"/proc/{each}/cmdline").read_bytes():
                found.append(each)
    return found
