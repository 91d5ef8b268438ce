"""Containers and streams that FFmpeg opens (PyAV), and the pictures in them.

By itself FFmpeg opens playlists and session descriptions, which may name other files, hosts and
ports. Here each kind of source has a list of the formats and protocols that FFmpeg may use.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.sources.base import LOGIN_REFUSED, LOGIN_WANTED, RawPacket, RawPicture, SourceInfo
from twistedcam.sources.coded_sound import CodedSound, TimedSound, sound_of, with_sound
from twistedcam.sources.coded_video import ArrivalClock, CodedVideo, with_decode_times
from twistedcam.util.libraries import av, np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The formats of a stream over the network, by FFmpeg's names.
STREAM_FORMATS = (
    "mpegts,mpeg,flv,live_flv,matroska,mov,asf,ogg,nut,avi,mjpeg,mpjpeg,h264,hevc,av1,obu,ivf,"
    "m4v,mpegvideo"
)
#: The formats of a video or picture file, without playlists and others that name further files.
FILE_FORMATS = (
    f"{STREAM_FORMATS},mjpeg_2000,gif,apng,image2,bmp_pipe,gif_pipe,jpeg_pipe,jpegls_pipe,"
    "j2k_pipe,png_pipe,tiff_pipe,webp_pipe,ppm_pipe,pgm_pipe,qoi_pipe,yuv4mpegpipe,mxf,gxf,rm,"
    "wtv,dv,vc1,avs2,avs3,cavsvideo,dirac,3gp,svag,swf,h263,h261,sdr2,smk,bink,film_cpk,wav,mp3,aac,flac,aiff"
)
#: The beginning of a display matrix that changes nothing.
_IDENTITY = struct.pack("=5i", 1 << 16, 0, 0, 0, 1 << 16)
#: Parts of the names of formats that can say that a picture must be turned.
_ROTATABLE = ("mov", "matroska")
#: The most packets that are skipped after a decoding error, until a key frame.
_MAX_SKIPPED = 300
#: The most consecutive packets that cannot be read.
_MAX_UNREADABLE = 100
#: The highest plausible frame rate, in frames per second.
MAX_RATE = 1000.0


def open_container(
    url: str,
    *,
    formats: str,
    protocols: str,
    options: dict[str, str] | None = None,
    timeout: float | None = None,
    io_open: Callable[..., Any] | None = None,
) -> Any:
    """Open an ``av`` container.

    Arguments:
        url: the address or path for FFmpeg.
        formats, protocols: those that FFmpeg may use, separated by commas.
        options: further options of FFmpeg.
        timeout: the most seconds of silence, while it is opened and later.
        io_open: opens addresses in place of FFmpeg (av.open).

    Raises:
        OSError, ValueError, av.error.FFmpegError: it cannot be opened; see ``reason_of``.
    """
    given = {"format_whitelist": formats, "protocol_whitelist": protocols, **(options or {})}
    named: dict[str, Any] = {**_lenient()}
    if timeout is not None:
        named["timeout"] = (timeout, timeout)
    if io_open is not None:
        named["io_open"] = io_open
    return av.open(url, options=given, **named)


def _lenient() -> dict[str, Any]:
    # Before PyAV 19 metadata that is not UTF-8 is an error by default; later the argument is gone.
    return {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}


def reason_of(error: Exception, timeout: float = 0.0) -> str:
    """Describe an error without the address, which may contain a password."""
    if isinstance(error, (av.error.ExitError, av.error.TimeoutError, TimeoutError)):
        return f"nothing came for {timeout:g} s"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "the protocol is unknown to FFmpeg, or not allowed here"
    if isinstance(error, av.error.ArgumentError):
        return "it is a playlist, or of another format that is not allowed here"
    return str(getattr(error, "strerror", None) or type(error).__name__)


class Timed(NamedTuple):
    """A picture of a packet, the packet itself, or its fault, with its timestamps in seconds."""

    pts: float | None
    dts: float | None
    raw: RawPicture | RawPacket


def read_packets(container: Any, *streams: Any) -> Iterator[Any]:
    """Yield the packets of streams; skip those that cannot be read.

    Raises:
        av.error.FFmpegError: too many consecutive packets cannot be read, or the stream breaks off.
    """
    unreadable = 0
    while True:
        try:
            for packet in container.demux(*streams):
                unreadable = 0
                yield packet
        except av.error.InvalidDataError:
            unreadable += 1
            if unreadable > _MAX_UNREADABLE:
                raise
        else:
            return


def passed(packets: Iterator[Any]) -> Iterator[Timed]:
    """Yield the JPEGs of a Motion JPEG stream, unchanged."""
    for packet in packets:
        if packet.size:
            yield Timed(*_times(packet), RawPicture(time.time(), jpeg=bytes(packet)))


def video(container: Any, stream: Any, is_turned: bool | None = None) -> Iterator[Timed]:
    """Yield a stream's packets or pictures as the source of a camera delivers them.

    JPEG, H.264 and H.265 pass unchanged. Other codecs, and pictures that must be turned, are
    decoded. The ``time`` of packets is in seconds from their arrival.

    Arguments:
        is_turned: True if pictures must be turned; None if that is to be found out.
    """
    return _video_of(container, stream, is_turned, read_packets(container, stream))


def video_and_sound(
    container: Any, stream: Any, is_turned: bool | None = None
) -> Iterator[Timed | TimedSound]:
    """Yield the pictures or packets of a stream (``video``), and the container's sound."""
    sound = CodedSound.of(container)
    if sound is None:
        return video(container, stream, is_turned)
    packets = read_packets(container, stream, sound.stream)
    make = partial(_video_of, container, stream, is_turned)
    return with_sound(packets, sound, make, _place_of)


def _place_of(timed: Timed) -> float | None:
    """The time at which a picture is due in the order of the container."""
    is_packet = isinstance(timed.raw, RawPacket)
    first, second = (timed.dts, timed.pts) if is_packet else (timed.pts, timed.dts)
    return second if first is None else first


def _video_of(
    container: Any, stream: Any, is_turned: bool | None, packets: Iterator[Any]
) -> Iterator[Timed]:
    name = stream.codec_context.name
    if name == "mjpeg" and not is_turned:
        return passed(packets)
    if name not in NAL_CODECS or is_turned:
        return decoded(packets)
    if is_turned is None:
        return _coded_if_upright(container, stream, packets)
    return coded(stream, packets)


def _coded_if_upright(container: Any, stream: Any, packets: Iterator[Any]) -> Iterator[Timed]:
    """Yield packets; or pictures, if the container says that they must be turned."""
    if any(name in container.format.name for name in _ROTATABLE):
        first = next((each for each in packets if each.is_keyframe), None)
        if first is None:
            return
        is_turned = matrix_of_first(stream, first) is not None
        packets = chain([first], packets)
        if is_turned:
            yield from decoded(packets)
            return
    yield from coded(stream, packets)


def matrix_of_first(stream: Any, keyframe: Any) -> bytes | None:
    """Return the display matrix of a key frame's picture, which is decoded; None if there is none.

    The stream's decoder begins again.
    """
    try:
        pictures = [*keyframe.decode(), *stream.codec_context.decode(None)]
    except av.error.FFmpegError:
        pictures = []
    stream.codec_context.flush_buffers()
    return matrix_of(pictures[0]) if pictures else None


def coded(stream: Any, packets: Iterator[Any]) -> Iterator[Timed]:
    """Yield packets of H.264 or H.265, from the first key frame on."""
    coder = CodedVideo(stream)
    for packet in with_decode_times(packets, stream.average_rate):
        if not packet.size:
            continue
        try:
            for each in coder.convert(packet):
                yield Timed(each.pts, each.dts, each.packet)
        except av.error.FFmpegError as error:
            coder.restart()
            yield _fault(packet, f"a picture cannot be decoded: {reason_of(error)}")
        except ValueError as error:
            coder.restart()
            yield _fault(packet, str(error))


def decoded(packets: Iterator[Any]) -> Iterator[Timed]:
    """Yield the pictures of packets, upright; after an error, faults up to the next key frame.

    A stream that is joined between two key frames begins with such errors.
    """
    skipped: int | None = None
    for packet in packets:
        if skipped is not None and not packet.is_keyframe and packet.size:
            skipped += 1
            if skipped < _MAX_SKIPPED:
                yield _fault(packet, "pictures are skipped up to the next key frame")
                continue
        try:
            pictures = packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            skipped = 0
            yield _fault(packet, f"a picture cannot be decoded: {reason_of(error)}")
            continue
        skipped = None
        for picture in pictures:
            if picture.is_corrupt:
                yield _fault(picture, "a picture is damaged")
            else:
                image = upright(picture)
                yield Timed(*_times(picture), RawPicture(time.time(), image=image))


def _times(what: Any) -> tuple[float | None, float | None]:
    """Return the timestamps of an ``av`` packet or frame in seconds."""
    base = what.time_base
    pts, dts = (None if each is None else float(each * base) for each in (what.pts, what.dts))
    return pts, dts


def _fault(what: Any, reason: str) -> Timed:
    return Timed(*_times(what), RawPicture(time.time(), fault=reason))


def first_picture(container: Any, stream: Any) -> Any | None:
    """Return the first picture that can be decoded, as an ``av`` frame; None if there is none."""
    for packet in islice(read_packets(container, stream), _MAX_SKIPPED):
        try:
            pictures = packet.decode()
        except av.error.FFmpegError:
            continue
        if pictures:
            return pictures[0]
    return None


def upright(picture: Any) -> NDArray[np.uint8]:
    """Return an ``av`` frame as (height, width, 3) uint8, BGR, rotated by its display matrix."""
    image: NDArray[np.uint8] = picture.to_ndarray(format="bgr24")
    matrix = matrix_of(picture)
    return image if matrix is None else turn(image, matrix)


def matrix_of(picture: Any) -> bytes | None:
    """Return the display matrix of an ``av`` frame; None if it changes nothing."""
    found = picture.side_data.get("DISPLAYMATRIX")
    matrix = None if found is None else bytes(found)
    return None if matrix is None or matrix[:20] == _IDENTITY else matrix


def turn(image: NDArray[np.uint8], matrix: bytes) -> NDArray[np.uint8]:
    """Rotate an image in quarter turns, and mirror it, by a display matrix.

    Arguments:
        matrix: nine 32-bit numbers ``a b u c d v x y w``; (p, q) is shown at (ap + cq, bp + dq)
            (libavutil/display.h). Other angles are rounded to quarter turns.
    """
    if len(matrix) < 36:
        return image
    a, b, _, c, d = struct.unpack("=9i", matrix[:36])[:5]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        across, down, swaps = a, d, False
    else:
        across, down, swaps = c, b, True
    if not across or not down:
        return image
    turned = image.transpose(1, 0, 2) if swaps else image
    if across < 0:
        turned = turned[:, ::-1]
    if down < 0:
        turned = turned[::-1]
    return np.ascontiguousarray(turned)


class ContainerSource:
    """Reads pictures from a container, which a subclass opens; passes Motion JPEG on unchanged.

    Arguments:
        url: the address.
        host: its name in messages.
        timeout: the most seconds of silence, while it is opened and later.
    """

    def __init__(self, url: str, host: str, timeout: float) -> None:
        self.url = url
        self.host = host
        self.timeout = timeout
        self._container: Any = None
        self._video: Iterator[Timed | TimedSound] | None = None
        self._clock = ArrivalClock()

    def open(self) -> SourceInfo:
        """Connect, and select the first video stream."""
        try:
            self._container = self._open_container()
            stream = self._container.streams.video[0]
        except IndexError:
            self.close()
            raise CameraFailed(f"{self.host} has no video") from None
        except av.error.HTTPUnauthorizedError:
            raise LoginRefused(LOGIN_REFUSED if "@" in self.url else LOGIN_WANTED) from None
        except av.error.HTTPForbiddenError:
            if "@" in self.url:
                raise LoginRefused(LOGIN_REFUSED) from None
            raise CameraFailed(f"{self.host} refuses access") from None
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.host}: {reason_of(error, self.timeout)}") from None
        codec = stream.codec_context
        # Frame threading would delay the pictures by as many frames.
        codec.thread_type = "SLICE"
        self._video = video_and_sound(self._container, stream)
        self._clock = ArrivalClock()
        rate = float(stream.average_rate or 0)
        rate = rate if 0 <= rate <= MAX_RATE else 0.0
        sound = sound_of(self._container)
        return SourceInfo(
            *(codec.width, codec.height, rate, codec.name, self.host), steady=False, sound=sound
        )

    def read(self) -> RawPicture | RawPacket | None:
        """Return the next picture or packet."""
        assert self._video is not None, "not open"
        try:
            timed = next(self._video, None)
        except (OSError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.host}: {reason_of(error, self.timeout)}") from None
        if timed is None:
            raise CameraFailed(f"{self.host} has ended the stream")
        if isinstance(timed, TimedSound):
            captured = self._clock.time_like_video(timed.pts)
            return None if captured is None else timed.raw._replace(time=captured)
        if isinstance(timed.raw, RawPacket):
            return timed.raw._replace(time=self._clock.time_of(timed.pts))
        return timed.raw

    def close(self) -> None:
        """Close the connection."""
        self._video = None
        if self._container is not None:
            self._container.close()
            self._container = None

    def _open_container(self) -> Any:
        """Open the container (``open_container``)."""
        raise NotImplementedError
