"""Films and streams that FFmpeg opens, with what it may open named, and pictures out of them.

FFmpeg by itself opens playlists and session descriptions, which can name further files, hosts and
ports. Here it opens the formats that are named for each kind of source, by the protocols of that
kind alone.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import av
import av.error
import numpy as np

from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.sources.base import LOGIN_REFUSED, LOGIN_WANTED, RawPicture, SourceInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: FFmpeg's names of the formats that a stream over the network can have.
STREAM_FORMATS = (
    "mpegts,mpeg,flv,live_flv,matroska,mov,asf,ogg,nut,avi,mjpeg,mpjpeg,h264,hevc,av1,obu,ivf,"
    "m4v,mpegvideo"
)
#: Those of a film or a picture in a file, without playlists and what else names other files.
FILE_FORMATS = (
    f"{STREAM_FORMATS},mjpeg_2000,gif,apng,image2,bmp_pipe,gif_pipe,jpeg_pipe,jpegls_pipe,"
    "j2k_pipe,png_pipe,tiff_pipe,webp_pipe,ppm_pipe,pgm_pipe,qoi_pipe,yuv4mpegpipe,mxf,gxf,rm,"
    "wtv,dv,vc1,avs2,avs3,cavsvideo,dirac,3gp,svag,swf,h263,h261,sdr2,smk,bink,film_cpk,wav,mp3,aac,flac,aiff"
)
#: How a display matrix begins that changes nothing.
_IDENTITY = struct.pack("=5i", 1 << 16, 0, 0, 0, 1 << 16)
#: Packets that are skipped after one that does not decode, if there is no key frame.
_MOST_SKIPPED = 300
#: Packets in a row that cannot be read before a stream is given up.
_MOST_UNREADABLE = 100
#: The highest frame rate that is believed, in frames per second.
MAX_RATE = 1000.0

#: Before PyAV 19 a title that is not UTF-8 was an error, and from then on there is no such word.
_LENIENT: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)


def open_container(
    url: str,
    *,
    formats: str,
    protocols: str,
    options: dict[str, str] | None = None,
    timeout: float | None = None,
    io_open: Callable[..., Any] | None = None,
) -> Any:
    """An open ``av`` container.

    Arguments:
        url: what FFmpeg opens.
        formats, protocols: FFmpeg's names of all that it may use, between commas.
        options: further options of FFmpeg's.
        timeout: seconds that it may be silent, when it is opened and later.
        io_open: opens whatever it asks for (av.open), if it is not to do so itself.

    Raises:
        OSError, ValueError, av.error.FFmpegError: it cannot be opened; see ``reason_of``.
    """
    given = {"format_whitelist": formats, "protocol_whitelist": protocols, **(options or {})}
    named: dict[str, Any] = {**_LENIENT}
    if timeout is not None:
        named["timeout"] = (timeout, timeout)
    if io_open is not None:
        named["io_open"] = io_open
    return av.open(url, options=given, **named)


def reason_of(error: Exception, timeout: float = 0.0) -> str:
    """What went wrong, without the address, which may have a password in it."""
    if isinstance(error, (av.error.ExitError, av.error.TimeoutError, TimeoutError)):
        return f"nothing came for {timeout:g} s"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "FFmpeg knows no such protocol, or it is not used here"
    if isinstance(error, av.error.ArgumentError):
        return "this is a playlist, or of another format that is not opened here"
    return str(getattr(error, "strerror", None) or type(error).__name__)


class Decoded(NamedTuple):
    """A picture out of a packet, or what was wrong with that."""

    pts: int | None
    dts: int | None
    grab: RawPicture


def read_packets(container: Any, stream: Any) -> Iterator[Any]:
    """A stream's packets. What cannot be read is passed over, as long as more comes.

    Raises:
        av.error.FFmpegError: too much in a row cannot be read, or the stream is broken off.
    """
    unreadable = 0
    while True:
        try:
            for packet in container.demux(stream):
                unreadable = 0
                yield packet
        except av.error.InvalidDataError:
            unreadable += 1
            if unreadable > _MOST_UNREADABLE:
                raise
        else:
            return


def passed(container: Any, stream: Any) -> Iterator[Decoded]:
    """The JPEGs of a Motion-JPEG stream, as they are."""
    for packet in read_packets(container, stream):
        if packet.size:
            yield Decoded(packet.pts, packet.dts, RawPicture(time.time(), jpeg=bytes(packet)))


def decoded(container: Any, stream: Any) -> Iterator[Decoded]:
    """A stream's pictures, upright. One that does not decode is a fault, up to the next key frame.

    A stream that is joined between two key frames begins with such ones.
    """
    skipped: int | None = None
    for packet in read_packets(container, stream):
        if skipped is not None and not packet.is_keyframe and packet.size:
            skipped += 1
            if skipped < _MOST_SKIPPED:
                yield _fault(packet, "pictures are skipped up to the next key frame")
                continue
        try:
            pictures = packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            skipped = 0
            yield _fault(packet, f"a picture does not decode: {reason_of(error)}")
            continue
        skipped = None
        for picture in pictures:
            if picture.is_corrupt:
                yield _fault(picture, "a picture is damaged")
            else:
                yield Decoded(
                    picture.pts, picture.dts, RawPicture(time.time(), image=upright(picture))
                )


def _fault(what: Any, reason: str) -> Decoded:
    return Decoded(what.pts, what.dts, RawPicture(time.time(), fault=reason))


def first_picture(container: Any, stream: Any) -> Any | None:
    """The first picture that decodes, as ``av`` has it; None if there is none within a while."""
    for packet in islice(read_packets(container, stream), _MOST_SKIPPED):
        try:
            pictures = packet.decode()
        except av.error.FFmpegError:
            continue
        if pictures:
            return pictures[0]
    return None


def upright(picture: Any) -> NDArray[np.uint8]:
    """A decoded picture as (height, width, 3) uint8, BGR, turned as its display matrix says.

    Phones film lying on their side, and write into the film how it is to be shown.
    """
    image: NDArray[np.uint8] = picture.to_ndarray(format="bgr24")
    matrix = matrix_of(picture)
    return image if matrix is None else turn(image, matrix)


def matrix_of(picture: Any) -> bytes | None:
    """A decoded picture's display matrix, unless it has none or one that changes nothing."""
    found = picture.side_data.get("DISPLAYMATRIX")
    matrix = None if found is None else bytes(found)
    return None if matrix is None or matrix[:20] == _IDENTITY else matrix


def turn(image: NDArray[np.uint8], matrix: bytes) -> NDArray[np.uint8]:
    """The image, turned in quarters and mirrored as a display matrix says.

    Arguments:
        matrix: nine 32-bit numbers ``a b u c d v x y w``; (p, q) is shown at (ap + cq, bp + dq)
            (libavutil/display.h). Other angles than quarters are rounded to them.
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
    """Reads pictures from a container; Motion-JPEG goes through as it is.

    A subclass opens the container.

    Arguments:
        url: where the pictures come from.
        host: its name in messages.
        timeout: seconds that the peer may be silent, when it is opened and later.
    """

    def __init__(self, url: str, host: str, timeout: float) -> None:
        self.url = url
        self.host = host
        self.timeout = timeout
        self._container: Any = None
        self._grabs: Iterator[RawPicture] | None = None

    def open(self) -> SourceInfo:
        """Connect, and find the first video stream."""
        try:
            self._container = self._open_container()
            stream = self._container.streams.video[0]
        except IndexError:
            self.close()
            raise CameraFailed(f"{self.host} has no pictures") from None
        except av.error.HTTPUnauthorizedError:
            raise LoginRefused(LOGIN_REFUSED if "@" in self.url else LOGIN_WANTED) from None
        except av.error.HTTPForbiddenError:
            if "@" in self.url:
                raise LoginRefused(LOGIN_REFUSED) from None
            raise CameraFailed(f"{self.host} forbids it") from None
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.host}: {reason_of(error, self.timeout)}") from None
        codec = stream.codec_context
        # Frames in several threads would come later by as many frames.
        codec.thread_type = "SLICE"
        read = passed if codec.name == "mjpeg" else decoded
        self._grabs = (each.grab for each in read(self._container, stream))
        rate = float(stream.average_rate or 0)
        rate = rate if 0 <= rate <= MAX_RATE else 0.0
        return SourceInfo(codec.width, codec.height, rate, codec.name, self.host, steady=False)

    def read(self) -> RawPicture | None:
        """The next picture; CameraFailed after ``timeout`` seconds of silence."""
        assert self._grabs is not None, "not open"
        try:
            grab = next(self._grabs, None)
        except (OSError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.host}: {reason_of(error, self.timeout)}") from None
        if grab is None:
            raise CameraFailed(f"{self.host} has ended the stream")
        return grab

    def close(self) -> None:
        """Close the connection."""
        self._grabs = None
        if self._container is not None:
            self._container.close()
            self._container = None

    def _open_container(self) -> Any:
        """Open the container (``open_container``)."""
        raise NotImplementedError
