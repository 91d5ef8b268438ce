"""Lets a camera's packets gather while nobody needs them at once."""

from __future__ import annotations

from collections.abc import Callable

from twistedcam.camera.audio_input import AudioInput
from twistedcam.sources.base import Gathering
from twistedcam.stream.stream import Stream
from twistedcam.util.rate import LateRate


class PacketGathering:
    """Tells source and microphone whether packets may gather: all who take them are patient.

    Arguments:
        stream: the camera's stream.
        audio: has the microphone.
        find_source: returns the source that is open.
        rate: the camera's rate, which takes account of packets that come together.
    """

    def __init__(
        self,
        stream: Stream,
        audio: AudioInput,
        find_source: Callable[[], object],
        rate: LateRate,
    ) -> None:
        self._audio = audio
        self._hubs = stream.frames, stream.packets, stream.sound
        self._find_source = find_source
        self._rate = rate
        for hub in self._hubs:
            hub.on_patience = self.apply
            hub.collect = self._collect

    def apply(self) -> None:
        """Tell them what is to be done now."""
        *_, sound = self._hubs
        self._audio.gather(sound.is_patient)
        source, late = self._find_source(), 0.0
        if isinstance(source, Gathering):
            late = source.gather(all(hub.is_patient for hub in self._hubs))
        self._rate.late = late

    def _collect(self) -> None:
        source = self._find_source()
        if isinstance(source, Gathering):
            source.collect()
