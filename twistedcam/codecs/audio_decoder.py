"""Decodes packets of sound of any codec to samples."""

from __future__ import annotations

import io
import struct
from typing import Any

from twistedcam.errors import NotSupported
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import is_wav_head
from twistedcam.media.track import Track
from twistedcam.util.libraries import av

#: The layouts of samples that do not say where their channels belong: without a channel for bass,
#: which would be left out of two channels.
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "6.0", "7.0", "octagonal")
#: Rates of samples that are believed, per second.
MIN_RATE, MAX_RATE = 4_000, 384_000


class AudioDecoder:
    """Decodes the packets of one track. All methods block.

    Arguments:
        track: the track of the packets.

    Raises:
        NotSupported: there is no decoder for the track.
    """

    def __init__(self, track: Track) -> None:
        self.track = track
        try:
            self._decoder: Any = self._make(track)
        except (av.error.FFmpegError, ValueError) as error:
            raise NotSupported(f"there is no decoder for {track.codec} here") from error

    def decode(self, packet: Packet) -> list[Any]:
        """Return the samples of a packet as av.AudioFrame.

        The ``pts`` of the first is that of the packet, in microseconds.

        Raises:
            ValueError: the packet cannot be decoded.
        """
        coded = av.Packet(packet.data)
        coded.pts = coded.dts = packet.pts
        try:
            frames = [each for each in self._decoder.decode(coded) if each.samples]
        except (av.error.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ValueError(f"its {self.track.codec} cannot be decoded: {reason}") from None
        at = packet.pts
        for each in frames:
            if not MIN_RATE <= each.sample_rate <= MAX_RATE:
                raise ValueError(f"its sound has {each.sample_rate} samples a second")
            each.pts = at
            at += round(each.samples * 1e6 / each.sample_rate)
        return frames

    def _make(self, track: Track) -> Any:
        if is_wav_head(track.extradata):
            # PyAV sets the bits of a sample and the length of a block only where FFmpeg reads them.
            self._described = av.open(io.BytesIO(track.extradata), format="wav")
            return self._described.streams.audio[0].codec_context
        decoder: Any = av.CodecContext.create(track.codec, "r")
        extradata = track.extradata
        if track.codec == "opus":
            # The times of packets are those of their samples: none is to be skipped at the start.
            extradata = _without_skip(extradata)
        if extradata:
            decoder.extradata = extradata
        if track.rate:
            decoder.sample_rate = int(track.rate)
        if 1 <= track.channels <= len(_LAYOUTS):
            decoder.layout = _LAYOUTS[track.channels - 1]
        return decoder


def _without_skip(head: bytes) -> bytes:
    """Return an OpusHead that skips no samples (RFC 7845, 5.1)."""
    return head[:10] + struct.pack("<H", 0) + head[12:] if len(head) >= 19 else b""
