"""The formats that tracks can have in RTSP: their codecs, parameters and depacketizers."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from twistedcam.media.sound_config import parse_aac_config, wav_head
from twistedcam.rtsp.payloads.aac import FRAME_SAMPLES, AacDepacketizer
from twistedcam.rtsp.payloads.g711 import G711Depacketizer
from twistedcam.rtsp.payloads.h264 import H264Depacketizer
from twistedcam.rtsp.payloads.h265 import H265Depacketizer
from twistedcam.rtsp.payloads.jpeg import JpegDepacketizer
from twistedcam.rtsp.payloads.opus import OpusDepacketizer, opus_head
from twistedcam.rtsp.payloads.unit import AccessUnit
from twistedcam.rtsp.sdp import MediaDescription, MediaFormat

_MAX_PARAMETER = 64 * 1024
#: The codecs of G.726, and their numbers in WAV files: with the first sample of a byte in its low
#: bits, as "G726-32" has it (RFC 3551, 4.5.4), and in its high bits, as "AAL2-G726-32" has it.
_G726_LOW, _G726_HIGH = ("g726le", 0x64), ("g726", 0x45)


class Depacketizer(Protocol):
    """Makes access units of the payloads of RTP packets."""

    def push(self, payload: bytes, timestamp: int, marker: bool) -> tuple[AccessUnit, ...]:
        """Take the payload of the next packet; return the access units that are complete now."""

    def lost(self) -> None:
        """Note that packets are missing before the next one."""


@dataclass(frozen=True)
class TrackFormat:
    """A format that can be received.

    Arguments:
        codec: FFmpeg's name.
        payload_type: of its packets.
        clock_rate: units of the RTP timestamp in a second.
        rate: samples in a second; 0 for video.
        channels: of sound; 0 for video.
        extradata: H.264 and H.265: the parameter sets in Annex B, AAC: the AudioSpecificConfig,
            Opus: the OpusHead, G.726: the head of a WAV file; empty if the description has none.
        make_depacketizer: returns a new one.
    """

    codec: str
    payload_type: int
    clock_rate: int
    rate: int = 0
    channels: int = 0
    extradata: bytes = b""
    make_depacketizer: Callable[[], Depacketizer] = field(compare=False, default=H264Depacketizer)


def format_of(media: MediaDescription) -> TrackFormat | None:
    """Return the first format of a track that can be received; None if there is none."""
    return next((made for each in media.formats if (made := _made(media, each))), None)


def h264_parameters(parameter_sets: list[bytes]) -> dict[str, str]:
    """Return the ``fmtp`` parameters of H.264 (RFC 6184, 8.1).

    Arguments:
        parameter_sets: SPS and PPS, without start codes.
    """
    found = {"packetization-mode": "1"}
    sps = next((nal for nal in parameter_sets if nal[0] & 0x1F == 7), None)
    if sps is not None:
        found["profile-level-id"] = sps[1:4].hex().upper()
        found["sprop-parameter-sets"] = _in_base64(parameter_sets)
    return found


def h265_parameters(parameter_sets: list[bytes]) -> dict[str, str]:
    """Return the ``fmtp`` parameters of H.265 (RFC 7798, 7.1).

    Arguments:
        parameter_sets: VPS, SPS and PPS, without start codes.
    """
    found = {}
    for name, kind in (("vps", 32), ("sps", 33), ("pps", 34)):
        sets = [nal for nal in parameter_sets if nal[0] >> 1 & 0x3F == kind]
        if sets:
            found[f"sprop-{name}"] = _in_base64(sets)
    return found


def aac_parameters(config: bytes) -> dict[str, str]:
    """Return the ``fmtp`` parameters of AAC-hbr (RFC 3640, 4.1).

    Arguments:
        config: the AudioSpecificConfig.
    """
    return {
        "streamtype": "5",
        "profile-level-id": "1",
        "mode": "AAC-hbr",
        "sizelength": "13",
        "indexlength": "3",
        "indexdeltalength": "3",
        "config": config.hex().upper(),
    }


def _made(media: MediaDescription, form: MediaFormat) -> TrackFormat | None:
    make = _MAKERS.get((media.kind, form.encoding))
    try:
        return None if make is None else make(media, form)
    except ValueError:
        return None


def _h264(_: MediaDescription, form: MediaFormat) -> TrackFormat:
    sets = _sets(form, "sprop-parameter-sets")

    def make() -> H264Depacketizer:
        return H264Depacketizer(sets)

    return TrackFormat("h264", form.payload_type, form.clock_rate, 0, 0, make().extradata, make)


def _h265(_: MediaDescription, form: MediaFormat) -> TrackFormat:
    sets = _sets(form, "sprop-vps", "sprop-sps", "sprop-pps")
    don = form.parameters.get("sprop-max-don-diff", "0") not in ("0", "")

    def make() -> H265Depacketizer:
        return H265Depacketizer(sets, don)

    return TrackFormat("hevc", form.payload_type, form.clock_rate, 0, 0, make().extradata, make)


def _jpeg(media: MediaDescription, form: MediaFormat) -> TrackFormat:
    def make() -> JpegDepacketizer:
        return JpegDepacketizer(media.size)

    return TrackFormat("mjpeg", form.payload_type, form.clock_rate, 0, 0, b"", make)


def _aac(_: MediaDescription, form: MediaFormat) -> TrackFormat:
    given = form.parameters
    if not given.get("mode", "AAC-hbr").lower().startswith("aac"):
        raise ValueError(f"the mode {given['mode']} is no AAC")
    config = bytes.fromhex(given.get("config", "")[:128])
    rate, channels = parse_aac_config(config)
    size = _number(given, "sizelength", 13)
    index = _number(given, "indexlength", 3)
    # With SBR the sample rate of the config is half of the clock rate, or the same.
    samples = FRAME_SAMPLES * form.clock_rate // rate

    def make() -> AacDepacketizer:
        return AacDepacketizer(size, index, samples)

    make()
    return TrackFormat(
        "aac", form.payload_type, form.clock_rate, rate, channels or form.channels, config, make
    )


def _opus(_: MediaDescription, form: MediaFormat) -> TrackFormat:
    # The map always says two channels; sprop-stereo says what is sent (RFC 7587, 7).
    channels = 2 if form.parameters.get("sprop-stereo", "0") == "1" else 1
    rate = form.clock_rate
    return TrackFormat(
        *("opus", form.payload_type, rate, rate, channels, opus_head(channels), OpusDepacketizer)
    )


def _g711(codec: str) -> Callable[[MediaDescription, MediaFormat], TrackFormat]:
    def make(_: MediaDescription, form: MediaFormat) -> TrackFormat:
        rate = form.clock_rate
        return TrackFormat(
            *(codec, form.payload_type, rate, rate, form.channels, b"", G711Depacketizer)
        )

    return make


def _g722(_: MediaDescription, form: MediaFormat) -> TrackFormat:
    # Its clock has half the rate of its samples, by an old mistake (RFC 3551, 4.5.2).
    clock = form.clock_rate
    return TrackFormat(
        *("g722", form.payload_type, clock, 2 * clock, form.channels, b"", G711Depacketizer)
    )


def _g726(
    codec: str, tag: int, bits: int
) -> Callable[[MediaDescription, MediaFormat], TrackFormat]:
    def make(_: MediaDescription, form: MediaFormat) -> TrackFormat:
        rate, channels = form.clock_rate, form.channels
        head = wav_head(tag, rate, channels, bits)
        return TrackFormat(codec, form.payload_type, rate, rate, channels, head, G711Depacketizer)

    return make


_MAKERS: dict[tuple[str, str], Callable[[MediaDescription, MediaFormat], TrackFormat]] = {
    ("video", "H264"): _h264,
    ("video", "H265"): _h265,
    ("video", "JPEG"): _jpeg,
    ("audio", "MPEG4-GENERIC"): _aac,
    ("audio", "OPUS"): _opus,
    ("audio", "PCMA"): _g711("pcm_alaw"),
    ("audio", "PCMU"): _g711("pcm_mulaw"),
    ("audio", "L16"): _g711("pcm_s16be"),
    ("audio", "G722"): _g722,
    **{("audio", f"G726-{8 * bits}"): _g726(*_G726_LOW, bits) for bits in (2, 3, 4, 5)},
    **{("audio", f"AAL2-G726-{8 * bits}"): _g726(*_G726_HIGH, bits) for bits in (2, 3, 4, 5)},
}


def _sets(form: MediaFormat, *names: str) -> tuple[bytes, ...]:
    """The NAL units of some parameters; those that are no base64 are left out."""
    found = []
    for name in names:
        for word in form.parameters.get(name, "")[:_MAX_PARAMETER].split(","):
            word = word.strip()
            try:
                nal = b64decode(word + "=" * (-len(word) % 4))
            except (binascii.Error, ValueError):
                continue
            # Some cameras put start codes before them.
            while nal[:3] == b"\0\0\1" or nal[:4] == b"\0\0\0\1":
                nal = nal[3:] if nal[2] else nal[4:]
            if len(nal) > 2:
                found.append(nal)
    return tuple(found)


def _number(parameters: dict[str, str], name: str, default: int) -> int:
    value = parameters.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else default


def _in_base64(nals: list[bytes]) -> str:
    return ",".join(b64encode(nal).decode() for nal in nals)
