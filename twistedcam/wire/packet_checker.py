"""The checks of received packets of H.264, H.265 and sound, and their tracks."""

from __future__ import annotations

from twistedcam.errors import BadMessage
from twistedcam.media.nal import START_CODE
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.media.track import VIDEO, Track

#: The start code without the zero that may precede it.
_SHORT_CODE = START_CODE[1:]
#: The maximum size of a packet of sound in bytes: AAC with eight channels has at most 6144.
MAX_SOUND = 16 * 1024


class PacketChecker:
    """Checks the packets of one connection, and gives each its track.

    A track begins with a key frame whose parameter sets or size are others.
    """

    def __init__(self) -> None:
        self._track: Track | None = None

    def check(self, packet: Packet) -> Packet | None:
        """Return the packet with its track; None if it comes before the first key frame.

        A key frame without parameter sets gets those of the key frame before it. A header with the
        size 0x0 leaves the size to them.

        Raises:
            BadMessage: the data is no access unit in Annex B, or differs from its header.
        """
        name, data = packet.track.codec, packet.data
        codec = NAL_CODECS[name]
        if not data.startswith((START_CODE, _SHORT_CODE)):
            raise BadMessage(f"frame {packet.seq}: {name} has to begin with a start code (Annex B)")
        if not data.startswith(START_CODE):
            data = b"\0" + data
        if packet.is_keyframe:
            if not codec.is_keyframe(data):
                raise BadMessage(f"frame {packet.seq} is marked as a key frame, but is none")
            data = self._begin(packet, data)
        track = self._track
        if track is None or track.codec != name:
            return None
        pts, dts = packet.pts, packet.dts
        return Packet(track, packet.seq, packet.time_us, pts, data, packet.is_keyframe, dts)

    def _begin(self, packet: Packet, data: bytes) -> bytes:
        """Update the track by a key frame, and return its data with parameter sets."""
        name, width, height = packet.track.codec, packet.track.width, packet.track.height
        codec, before = NAL_CODECS[name], self._track
        sets = codec.parameter_sets(data)
        if not codec.has_parameter_sets(data):
            if before is None or before.codec != name:
                raise BadMessage(f"frame {packet.seq}: a key frame of {name} needs parameter sets")
            sets = before.extradata
            data = codec.with_parameter_sets(data, sets)
        if before is None or before.codec != name or before.extradata != sets:
            try:
                parsed = codec.sequence_parameters(sets)
            except ValueError as error:
                raise BadMessage(f"frame {packet.seq}: {error}") from None
            rate, size = parsed.rate, (parsed.width, parsed.height)
            self._track = Track(VIDEO, "video", name, *size, rate=rate, extradata=sets)
        assert self._track is not None
        size = self._track.width, self._track.height
        if size != (width, height) != (0, 0):
            raise BadMessage(
                f"frame {packet.seq} is {size[0]}x{size[1]}, its header has {width}x{height}"
            )
        return data


class SoundChecker:
    """Checks the sound of one connection, and gives each packet its track."""

    def __init__(self) -> None:
        self._track: Track | None = None

    def configure(self, described: Track) -> Track:
        """Return the track of the packets that follow.

        Arguments:
            described: a track that has the codec and the configuration only.

        Raises:
            BadMessage: the configuration is not valid.
        """
        try:
            self._track = sound_track(described.codec, described.extradata)
        except ValueError as error:
            raise BadMessage(f"the configuration of {described.codec}: {error}") from None
        return self._track

    def check(self, packet: Packet) -> Packet:
        """Return the packet with its track.

        Raises:
            BadMessage: it is empty or too long, or no configuration of its codec preceded it.
        """
        codec, size = packet.track.codec, len(packet.data)
        if self._track is None or self._track.codec != codec:
            raise BadMessage(f"sound {packet.seq} of {codec} comes before its configuration")
        if not 0 < size <= MAX_SOUND:
            raise BadMessage(
                f"sound {packet.seq} has {size} bytes; a packet has 1 to {MAX_SOUND} bytes"
            )
        return Packet(self._track, packet.seq, packet.time_us, packet.pts, packet.data)
