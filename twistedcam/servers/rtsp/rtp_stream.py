"""RTP packets of a track, made once for all viewers, who share SSRC, numbers and times."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from twistedcam.errors import NotSupported
from twistedcam.media.nal import split_units
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.rtsp.formats import aac_parameters, h264_parameters, h265_parameters
from twistedcam.rtsp.payloads import aac, g711, h264, h265, jpeg, opus
from twistedcam.rtsp.rtcp import SenderReport, SourceDescription, ntp_of_unix_us
from twistedcam.rtsp.rtp import HEADER
from twistedcam.rtsp.rtp_frame import RtpFrame, rtp_frame
from twistedcam.rtsp.sdp import MediaFormat

#: Bytes of a payload at most: with all headers, a packet fits into 1500 bytes over IPv6.
MAX_PAYLOAD = 1400
#: Microseconds on the stream's timeline between two sender reports.
REPORT_PERIOD = 5_000_000
#: Microseconds that pass at least between two packets of a picture or a piece of sound.
_LEAST_STEP = 1_000

Packetize = Callable[[bytes, int], list[bytes]]


@dataclass(frozen=True)
class PayloadFormat:
    """The way in which a track is put into RTP packets.

    Arguments:
        media: its format in a session description.
        packetize: cuts a packet's data into payloads of a size.
        bytes_per_unit: bytes of a payload for each unit of the timestamp, where a packet that is
            cut has several timestamps; otherwise 0.
    """

    media: MediaFormat
    packetize: Packetize
    bytes_per_unit: int = 0


def payload_format(track: Track) -> PayloadFormat:
    """Return the payload format of a track.

    Raises:
        NotSupported: there is none for its codec.
    """
    codec, rate, channels = track.codec, int(track.rate or 0), track.channels
    if codec == "h264":
        parameters = h264_parameters(split_units(track.extradata))
        return PayloadFormat(MediaFormat(96, "H264", 90_000, 1, parameters), h264.packetize)
    if codec == "hevc":
        parameters = h265_parameters(split_units(track.extradata))
        return PayloadFormat(MediaFormat(96, "H265", 90_000, 1, parameters), h265.packetize)
    if codec == "mjpeg":
        return PayloadFormat(MediaFormat(26, "JPEG", 90_000), jpeg.packetize)
    if codec == "aac" and rate and track.extradata:
        parameters = aac_parameters(track.extradata)
        media = MediaFormat(97, "MPEG4-GENERIC", rate, channels, parameters)
        return PayloadFormat(media, aac.packetize)
    if codec == "opus":
        parameters = {"sprop-stereo": str(int(channels == 2))}
        # The map has two channels for mono, too (RFC 7587, section 7).
        return PayloadFormat(MediaFormat(97, "opus", 48_000, 2, parameters), opus.packetize)
    if codec in ("pcm_mulaw", "pcm_alaw") and rate:
        name, number = ("PCMU", 0) if codec == "pcm_mulaw" else ("PCMA", 8)
        if (rate, channels) != (8000, 1):
            number = 97
        return PayloadFormat(MediaFormat(number, name, rate, channels), g711.packetize, channels)
    raise NotSupported(f"RTSP cannot send {codec}")


class RtpStream:
    """Makes the RTP packets of a track.

    Arguments:
        format: the payload format.
        name: the canonical name of the sender, the same for all tracks of a camera.
    """

    def __init__(self, format: PayloadFormat, name: str) -> None:
        self.format = format
        self.ssrc = secrets.randbits(32)
        #: The number of the next packet.
        self.sequence = secrets.randbits(16)
        self._name = SourceDescription(self.ssrc, name).encode()
        self._first_timestamp = secrets.randbits(32)
        #: Added to a packet's time, in microseconds, so that no time comes twice.
        self._shift = 0
        self._last_pts: int | None = None
        self._packets = self._octets = 0
        self._report_at = 0
        self._is_report_due = True

    def need_report(self) -> None:
        """Send a sender report with the next packet: a new viewer needs its clock."""
        self._is_report_due = True

    def timestamp(self, pts: int) -> int:
        """Return the RTP timestamp of a time on the timeline, in microseconds."""
        units = Fraction((pts + self._shift) * self.format.media.clock_rate, 1_000_000)
        return (self._first_timestamp + round(units)) & 0xFFFFFFFF

    def make(self, packet: Packet) -> RtpFrame:
        """Make the RTP packets of a packet, which keeps them (``rtp_frame``).

        Raises:
            NotSupported, ValueError: RTP cannot carry its data; the message says why.
        """
        format = self.format
        payloads = format.packetize(packet.data, MAX_PAYLOAD)
        self._move_forward(packet)
        timestamp, sequence = self.timestamp(packet.pts), self.sequence
        report = self._report(packet, timestamp)
        packets, last, second = [], len(payloads) - 1, format.media.payload_type
        units, time = format.bytes_per_unit, timestamp
        for number, payload in enumerate(payloads):
            if number == last and not units:
                second |= 0x80  # the marker: the picture is complete
            head = HEADER.pack(0x80, second, (sequence + number) & 0xFFFF, time, self.ssrc)
            packets.append(head + payload)
            self._octets += len(payload)
            if units:
                time = (time + len(payload) // units) & 0xFFFFFFFF
        self.sequence = (sequence + len(packets)) & 0xFFFF
        self._packets += len(packets)
        frame = RtpFrame(packets, sequence, timestamp, report)
        packet.share(rtp_frame, frame)
        return frame

    def _move_forward(self, packet: Packet) -> None:
        """Keep times growing where the timeline goes back or stands still.

        The decoding time decides: times of presentation go back where pictures are reordered.
        """
        last, now = self._last_pts, packet.dts + self._shift
        if last is not None and now < last + _LEAST_STEP:
            self._shift += last + _LEAST_STEP - now
            now = packet.dts + self._shift
        self._last_pts = now

    def _report(self, packet: Packet, timestamp: int) -> bytes:
        """Return a sender report, if one is due: the wall clock of the packet's capture."""
        # A viewer may begin with any key frame. Packets of MJPEG and sound are all key frames.
        begins = packet.is_keyframe and packet.track.codec in NAL_CODECS
        if not (self._is_report_due or begins) and packet.dts - self._report_at < REPORT_PERIOD:
            return b""
        self._is_report_due, self._report_at = False, packet.dts
        ntp = ntp_of_unix_us(packet.time_us)
        report = SenderReport(self.ssrc, ntp, timestamp, self._packets, self._octets)
        return report.encode() + self._name
