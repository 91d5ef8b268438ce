"""Reads samples from ALSA by the library that FFmpeg has loaded.

FFmpeg's own reader takes the shortest period that a device has, and wakes up to a thousand times a
second. A longer one needs a fifth of its processor time.
"""

from __future__ import annotations

import ctypes
import os
import re
import time
from collections.abc import Iterator
from ctypes import byref, c_int, c_long, c_uint, c_ulong, c_void_p
from pathlib import Path
from typing import Any

from twistedcam.microphones.piece_length import PieceLength
from twistedcam.util.libraries import av

#: Seconds between two wakes of the device, and of samples that it keeps for a reader that is held
#: up.
_PERIOD, _BUFFER = 0.04, 2.0
#: Seconds before the next samples at which a reader begins to wait for them.
_EARLY = 0.003
#: Formats of samples that are tried, best first: not every sound card has every one.
_FORMATS = tuple(
    (rate, channels) for rate in (48_000, 44_100, 32_000, 16_000, 8_000) for channels in (2, 1)
)
#: Constants of alsa/pcm.h.
_CAPTURE, _NONBLOCK, _INTERLEAVED, _S16_LE = 1, 1, 3, 2
_LIBRARY = re.compile(r"/libasound[-.][^/]*$")


class AlsaCapture:
    """A capture device that is open. All methods block.

    Arguments:
        name: ALSA's name of the device. Instead of ``plughw:`` the card itself is used where it has
            one of the formats: they are better than what ALSA converts to another one.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, name: str) -> None:
        self._alsa = _load()
        hardware = name.replace("plughw:", "hw:", 1) if name.startswith("plughw:") else name
        try:
            self._open(hardware)
        except OSError:
            if hardware == name:
                raise
            self._open(name)

    def close(self) -> None:
        """Close it."""
        self._alsa.snd_pcm_close(self._pcm)

    def read(self, length: PieceLength) -> Iterator[tuple[Any, float]]:
        """Yield pieces of sound as av.AudioFrame, and the UNIX time in seconds of each.

        It is the time at which the first sample was captured.

        Arguments:
            length: of each piece.

        Raises:
            OSError: it gives no more.
        """
        alsa, pcm, rate = self._alsa, self._pcm, self.rate
        waiting = c_long()
        while True:
            count = round(length.seconds * rate)
            frame = self._frame_of(count)
            plane = frame.planes[0]
            read = alsa.snd_pcm_readi(pcm, plane.buffer_ptr, count)
            if read < 0:  # after samples were lost, or the machine has slept, it goes on
                self._check(alsa.snd_pcm_recover(pcm, read, 1))
                continue
            now = time.time()
            if alsa.snd_pcm_delay(pcm, byref(waiting)) < 0:
                waiting.value = 0
            ready = time.monotonic() + length.seconds - waiting.value / rate
            if read < count:
                whole, frame = plane, self._frame_of(read)
                frame.planes[0].update(bytes(whole)[: read * self.channels * 2])
            yield frame, now - (waiting.value + read) / rate
            # ALSA would wake up in each period.
            length.wait(ready - _EARLY - time.monotonic())

    def _frame_of(self, count: int) -> Any:
        layout = "mono" if self.channels == 1 else "stereo"
        frame = av.AudioFrame(format="s16", layout=layout, samples=count)
        frame.sample_rate = self.rate
        plane = frame.planes[0]
        # A device may write nothing, as ALSA's ``null``: what was in the memory must not be heard.
        ctypes.memset(plane.buffer_ptr, 0, plane.buffer_size)
        return frame

    def _open(self, name: str) -> None:
        self._pcm = c_void_p()
        # Otherwise ALSA waits for a card that another program uses.
        self._check(self._alsa.snd_pcm_open(byref(self._pcm), name.encode(), _CAPTURE, _NONBLOCK))
        try:
            self._check(self._alsa.snd_pcm_nonblock(self._pcm, 0))
            self._choose_format()
        except OSError:
            self.close()
            raise

    def _choose_format(self) -> None:
        alsa, pcm, parameters = self._alsa, self._pcm, c_void_p()
        self._check(alsa.snd_pcm_hw_params_malloc(byref(parameters)))
        try:
            for self.rate, self.channels in _FORMATS:
                self._check(alsa.snd_pcm_hw_params_any(pcm, parameters))
                error = self._request(parameters)
                if error == 0:
                    return
            raise OSError("it gives no samples of 16 bits with one or two channels")
        finally:
            alsa.snd_pcm_hw_params_free(parameters)

    def _request(self, parameters: c_void_p) -> int:
        """Set the device up for a rate and a number of channels; return ALSA's error or 0."""
        alsa, pcm = self._alsa, self._pcm
        period, buffer = (c_uint(round(each * 1e6)) for each in (_PERIOD, _BUFFER))
        direction = c_int()
        steps: tuple[tuple[Any, ...], ...] = (
            (alsa.snd_pcm_hw_params_set_access, _INTERLEAVED),
            (alsa.snd_pcm_hw_params_set_format, _S16_LE),
            (alsa.snd_pcm_hw_params_set_channels, c_uint(self.channels)),
            (alsa.snd_pcm_hw_params_set_rate, c_uint(self.rate), 0),
            (alsa.snd_pcm_hw_params_set_period_time_near, byref(period), byref(direction)),
            (alsa.snd_pcm_hw_params_set_buffer_time_near, byref(buffer), byref(direction)),
            (alsa.snd_pcm_hw_params,),
        )
        errors = (step(pcm, parameters, *values) for step, *values in steps)
        return next((each for each in errors if each < 0), 0)

    def _check(self, result: int) -> None:
        if result < 0:
            raise OSError(-result, os.strerror(-result))


def _load() -> Any:
    """Return ALSA's library: the one that FFmpeg uses, which comes with PyAV's wheel."""
    av.logging.get_level()  # loads FFmpeg
    maps = Path("/proc/self/maps").read_text().splitlines()
    path = next((line.split(None, 5)[-1] for line in maps if _LIBRARY.search(line)), None)
    if path is None:
        raise OSError("this FFmpeg has no ALSA")
    alsa = ctypes.CDLL(path)
    alsa.snd_pcm_readi.restype = c_long
    alsa.snd_pcm_readi.argtypes = [c_void_p, c_void_p, c_ulong]
    return alsa
