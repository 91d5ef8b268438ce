"""A PulseAudio server with one sink, whose monitor is a microphone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

#: The name of the sink, and that of the microphone.
SINK, MICROPHONE = "cam", "pulse:cam.monitor"


def has_pulse() -> bool:
    """True if there is PulseAudio with ALSA's plugin for it."""
    plugins = Path("/usr/lib").glob("**/alsa-lib/libasound_module_pcm_pulse.so")
    return bool(shutil.which("pulseaudio") and shutil.which("pacat") and any(plugins))


def require_pulse() -> None:
    """Skip the test where there is no PulseAudio with ALSA's plugin for it."""
    if not has_pulse():
        pytest.skip("needs pulseaudio, pulseaudio-utils and libasound2-plugins")


class PulseServer:
    """A server of its own, which nobody else uses.

    Arguments:
        folder: for its socket and state.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "native"
        self._folder = folder
        #: What programs need to find it.
        self.environment = {"PULSE_SERVER": f"unix:{self._socket}", "PULSE_COOKIE": str(folder)}
        self._players: list[subprocess.Popen[bytes]] = []
        self.start()

    def __enter__(self) -> PulseServer:
        return self

    def __exit__(self, *_: object) -> None:
        for player in self._players:
            player.kill()
            player.wait()
        self.stop()

    def start(self) -> None:
        """Start it, and wait until programs can connect."""
        own = {"HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        modules = (
            f"module-native-protocol-unix socket={self._socket} auth-anonymous=1",
            f"module-null-sink sink_name={SINK} rate=48000 channels=1",
        )
        loads = [word for module in modules for word in ("-L", module)]
        words = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        self._process = subprocess.Popen(
            ["pulseaudio", *words, "--disable-shm=true", *loads],
            env={**os.environ, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 20
        while not self._socket.exists():
            assert time.monotonic() < end and self._process.poll() is None
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once: the microphone is unplugged."""
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)

    def play(self, seconds: float) -> None:
        """Play a tone of 440 Hz with a tenth of the full level."""
        at = np.arange(round(seconds * 48_000)) / 48_000
        tone = (np.sin(at * 2 * np.pi * 440) * 3_277).astype("<i2")
        with tempfile.TemporaryFile() as file:  # it reads a pipe no faster than it plays
            file.write(tone.tobytes())
            file.seek(0)
            player = subprocess.Popen(
                ["pacat", "--rate=48000", "--channels=1", "--format=s16le", "-d", SINK],
                stdin=file,
                env={**os.environ, **self.environment},
                stderr=subprocess.DEVNULL,
            )
        self._players.append(player)
