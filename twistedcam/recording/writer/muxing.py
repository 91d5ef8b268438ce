"""Makes a file's packets from a camera's JPEGs or packets, on the writing thread."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from twistedcam.codecs.h264_encoder import (
    CLOCK,
    YuvDecoder,
    mark_keyframe,
    not_encodable,
    open_coder,
    rate_fraction,
)
from twistedcam.media.h264 import H264
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.containers import Format
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.sound_track import add_sound_stream
from twistedcam.util.libraries import av

#: Microseconds of recording between two key frames.
_KEYFRAMES = 2_000_000
#: Bytes of the muxer's buffer: most fragments are one write, so a crash does not tear them.
_BUFFER = 1 << 20


@dataclass(frozen=True)
class FileContents:
    """The settings and the first picture of a recorded file.

    Arguments:
        first: its first picture.
        pace: seconds of recording in one second of playback.
        rate: pictures a second; None if it is unknown.
        sound: the track of its sound; None: it has none.
        metadata: texts by FFmpeg's names of them.
    """

    format: Format
    settings: RecordSettings
    first: Packet
    pace: float
    rate: float | None
    sound: Track | None
    metadata: dict[str, str]


class OpenedContainer(NamedTuple):
    """PyAV's container, whose header is not written yet, and its streams.

    Arguments:
        stream, sound: the streams of pictures and of sound; None: it has no sound.
        encoder: makes the packets of pictures.
    """

    container: Any
    stream: Any
    encoder: PacketEncoder
    sound: Any


class PacketEncoder(Protocol):
    """Makes one muxer packet of each packet of a camera."""

    def encode(self, packet: Packet, pts: int) -> Any:
        """The packet, or None if the picture is broken.

        Arguments:
            pts: its time in steps of the stream's time base.
        """

    def can_continue(self, track: Track) -> bool:
        """True if packets of that track can follow, from a key frame on."""

    def close(self) -> None:
        """End the stream."""


def open_container(target: Any, contents: FileContents) -> OpenedContainer:
    """Open a container for a file.

    Arguments:
        target: what it is written to, as PyAV takes it.

    Raises:
        NotSupported: pictures of this size cannot be encoded.
        ValueError: the description of the sound is not valid.
        av.error.FFmpegError: FFmpeg cannot write such a file.
    """
    format = contents.format
    options = {**format.container.writing(contents.pace), "flush_packets": "1"}
    # The packets come in order: FFmpeg need not wait for those of a track without any.
    options["max_interleave_delta"] = "1"
    container: Any = av.open(
        target, "w", format=format.container.muxer, options=options, buffer_size=_BUFFER
    )
    container.metadata.update(contents.metadata)
    stream, encoder = make_encoder(
        container, format, contents.settings, contents.first, contents.rate
    )
    sound = None if contents.sound is None else add_sound_stream(container, contents.sound)
    return OpenedContainer(container, stream, encoder, sound)


def make_encoder(
    container: Any,
    format: Format,
    settings: RecordSettings,
    first: Packet,
    rate: float | None = None,
) -> tuple[Any, PacketEncoder]:
    """Add a stream to the container; return it and the encoder for it.

    Arguments:
        rate: pictures a second; None if it is unknown.

    Raises:
        NotSupported: pictures of this size cannot be encoded.
    """
    base = format.container.time_base
    if first.track.codec != "mjpeg":
        stream = add_packet_stream(container, first.track.codec, first.data)
        stream.time_base = base
        return stream, _Coded(stream, base)
    if format.codec == "copy":
        steps = 1 / base if format.container.muxer == "avi" else Fraction(30)
        stream = container.add_stream("mjpeg", rate=steps)
        stream.width, stream.height = first.size
        stream.pix_fmt = "yuvj420p"
        stream.time_base = base
        return stream, _Copy(stream, base)
    stream = container.add_stream("libx264", rate=30)
    return stream, _H264(stream, base, settings, first, rate)


class _Copy:
    """The camera's own JPEGs."""

    def __init__(self, stream: Any, base: Fraction) -> None:
        self._stream = stream
        self._base = base

    def encode(self, packet: Packet, pts: int) -> Any:
        if not packet.data:
            return None
        copied = av.Packet(packet.data)
        copied.stream = self._stream
        copied.time_base = self._base
        copied.pts = copied.dts = pts
        copied.is_keyframe = True
        return copied

    def can_continue(self, track: Track) -> bool:
        return False

    def close(self) -> None:
        pass


class _Coded:
    """H.264 or H.265 as it comes."""

    def __init__(self, stream: Any, base: Fraction) -> None:
        self._stream = stream
        self._base = base

    def encode(self, packet: Packet, pts: int) -> Any:
        coded = av.Packet(packet.data)
        coded.stream = self._stream
        coded.time_base = self._base
        coded.dts = pts
        coded.pts = pts
        if packet.pts != packet.dts:
            coded.pts += round(Fraction(packet.pts - packet.dts, 1_000_000) / self._base)
        coded.is_keyframe = packet.is_keyframe
        return coded

    def can_continue(self, track: Track) -> bool:
        return False  # it has only one

    def close(self) -> None:
        pass


class _H264(_Coded):
    """x264 for a timelapse and a pre-roll, and then the packets of the encoder that others share.

    Both have the same settings, and so the same parameter sets, as long as the rate is the same.
    """

    def __init__(
        self,
        stream: Any,
        base: Fraction,
        settings: RecordSettings,
        first: Packet,
        rate: float | None,
    ) -> None:
        super().__init__(stream, base)
        self._pictures = YuvDecoder(*first.size)
        self._next_keyframe = first.dts
        self._last = -1
        stream.time_base = base
        self._coder = stream.codec_context
        try:
            open_coder(self._coder, self._pictures, settings.encoding, rate_fraction(rate))
        except av.error.FFmpegError as error:
            raise not_encodable(*first.size, str(error.strerror)) from error

    def encode(self, packet: Packet, pts: int) -> Any:
        if packet.track.codec != "mjpeg":
            return super().encode(packet, pts)
        frame = self._pictures.decode(packet.data)
        if frame is None:
            return None
        self._last = max(round(pts * self._base * CLOCK), self._last + 1)
        frame.pts, frame.time_base = self._last, Fraction(1, CLOCK)
        keyframe = packet.dts >= self._next_keyframe
        mark_keyframe(frame, keyframe)
        if keyframe:
            self._next_keyframe = packet.dts + _KEYFRAMES
        packets = self._coder.encode(frame)
        if len(packets) != 1:
            return None
        (coded,) = packets
        coded.stream, coded.time_base = self._stream, self._base
        coded.pts = coded.dts = pts
        return coded

    def can_continue(self, track: Track) -> bool:
        sets = H264.parameter_sets(bytes(self._coder.extradata or b""))
        return (track.codec, track.extradata) == ("h264", sets)

    def close(self) -> None:
        self._coder.encode(None)


def add_packet_stream(container: Any, codec: str, keyframe: bytes) -> Any:
    """Add a stream for packets like this one, with its size and headers.

    Arguments:
        codec: FFmpeg's name of the codec.
        keyframe: Annex B, with its parameter sets.
    """
    with av.open(io.BytesIO(keyframe), format=codec) as read:
        stream = container.add_stream_from_template(read.streams.video[0])
    if codec == "hevc" and container.format.name in ("mp4", "mov"):
        stream.codec_context.codec_tag = "hvc1"  # Apple's players need it
    return stream
