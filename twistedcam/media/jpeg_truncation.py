"""Finds pictures of which a part is missing, although they end in an end marker.

Firmware that truncates a picture often adds an end marker. Only decoding shows it for certain, and
that takes a hundred times as long as passing the picture on. So only suspicious pictures are
decoded, for a small share of the thread's time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from twistedcam.media import jpeg
from twistedcam.media.jpeg_decoder import Damaged, check_jpeg

#: A picture is suspicious if its size is below this share of the usual one; or above its inverse:
#: that may be two pictures.
_SHRUNK = 0.9
#: Weight of the newest picture in the usual size.
_WEIGHT = 1 / 8
#: Pictures that are decoded after a damaged one.
ALERT = 30
#: Seconds between two pictures above which each is decoded: that costs little.
_SLOW = 0.4
#: Share of the time for decoding pictures that are suspicious by their size alone, and seconds of
#: it that can be saved up.
_SHARE, _SAVED = 0.05, 0.25
#: Frame headers that are remembered at most.
_KINDS = 16
#: Firmware truncates at the end of a buffer, whose size is a multiple of this.
_BUFFER = 512
#: Bytes in which the last restart marker is searched first.
_MAX_WINDOW = 64 * 1024
_BLOCK = 64
_SEQUENTIAL = (0xC0, 0xC1)
_HUFFMAN = (0xC0, 0xC1, 0xC2)


class _Kind:
    """Pictures with the same frame header.

    Arguments:
        frame_header: the SOF segment with its marker.
        size: bytes of the first such picture.
    """

    def __init__(self, frame_header: bytes, size: int) -> None:
        #: Bytes of such a picture, averaged.
        self.usual: float = size
        self._components = frame_header[9]
        factors = frame_header[11 : 10 + 3 * self._components : 3]
        across, down = 8, 8
        if len(factors) > 1:
            across, down = 8 * max(f >> 4 for f in factors), 8 * max(f & 15 for f in factors)
        height, width = (
            frame_header[5] << 8 | frame_header[6],
            frame_header[7] << 8 | frame_header[8],
        )
        #: MCUs of a picture with one scan; 0 if it may have several.
        self._mcus = math.ceil(width / across) * math.ceil(height / down)
        if frame_header[1] not in _SEQUENTIAL:
            self._mcus = 0

    def lacks_restarts(self, data: bytes, header: jpeg.Header) -> bool:
        """True if restart markers (annex E.1.4) seem to be missing at the end."""
        restarts = self._restarts(data, header)
        if restarts < 1:
            return False
        # Search the last one where it is expected, with a margin for uneven pictures.
        scan_at = header.scan_at
        window = min(4 * (len(data) - scan_at) // (restarts + 1) + 64, _MAX_WINDOW)
        if data.rfind(jpeg.RESTARTS[(restarts - 1) % 8], max(scan_at, len(data) - window)) >= 0:
            return False
        return self.counts_too_few(data, header)

    def counts_too_few(self, data: bytes, header: jpeg.Header) -> bool:
        """True if restart markers are missing. Slower, and exact."""
        restarts = self._restarts(data, header)
        return restarts > 0 and jpeg.count_restarts(data, header.scan_at, restarts) < restarts

    def _restarts(self, data: bytes, header: jpeg.Header) -> int:
        """The number of restart markers in a complete picture; 0 if it is unknown."""
        if not header.restart_interval or data[header.scan_at + 4] != self._components:
            return 0
        return (self._mcus - 1) // header.restart_interval


class TruncationDetector:
    """Finds damaged pictures of one camera.

    The first picture with a new frame header is always decoded.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        #: True if libjpeg warns of this camera's pictures although they are complete.
        self.is_noisy = False
        self._clock = clock
        self._cpu = cpu
        self._kinds: dict[bytes, _Kind] = {}
        self._last: bytes | None = None
        self._last_is_good = True
        self._alert = 0
        self._seen_at = clock()
        self._saved = _SAVED

    def check(self, data: bytes, header: jpeg.Header) -> None:
        """Check that a picture is complete, as far as that can be found out.

        Raises:
            ValueError: a part is missing, or no decoder can read it.
        """
        now = self._clock()
        since, self._seen_at = now - self._seen_at, now
        self._saved = min(_SAVED, self._saved + since * _SHARE)
        size, last = len(data), self._last
        if last is not None and size == len(last) and (data is last or data == last):
            if not self._last_is_good:
                raise Damaged("the JPEG is incomplete, as the one before")
            return
        self._last = data
        at = header.frame_at
        frame_header = data[at : at + 2 + (data[at + 2] << 8 | data[at + 3])]
        kind = self._kinds.get(frame_header)
        is_new = kind is None
        if kind is None:
            kind = _Kind(frame_header, size)
        try:
            if (
                is_new
                or self._alert
                or (header.restart_interval and kind.lacks_restarts(data, header))
            ):
                self._decode(data, header, kind)
            elif self._saved > 0 and (
                not _SHRUNK * kind.usual <= size <= kind.usual / _SHRUNK
                or since >= _SLOW
                or size % _BUFFER in (0, 2)
                or (last is not None and size == len(last))
            ):
                began = self._cpu()
                self._decode(data, header, kind)
                self._saved -= self._cpu() - began
                kind.usual = size
        except ValueError:
            self._last_is_good = False
            self._alert = ALERT
            raise
        if self._alert:
            self._alert -= 1
        self._last_is_good = True
        if is_new:
            self._remember(frame_header, kind)
        kind.usual += _WEIGHT * (size - kind.usual)

    def _remember(self, frame_header: bytes, kind: _Kind) -> None:
        if len(self._kinds) >= _KINDS:
            self._kinds.clear()
        self._kinds[frame_header] = kind

    def _decode(self, data: bytes, header: jpeg.Header, kind: _Kind) -> None:
        if check_jpeg(data):
            self.is_noisy = True
            if kind.counts_too_few(data, header):  # libjpeg reports only its first warning
                raise Damaged("the JPEG is incomplete: its last restart markers are missing")


def check_length(data: bytes, header: jpeg.Header) -> None:
    """Check that a picture has at least the bytes that its size needs.

    Each block of 8x8 pixels takes at least one bit (ITU-T T.81, annex F.1.2). So a few bytes that
    claim to be a large picture never reach a decoder.

    Raises:
        Damaged: it has too few.
    """
    width, height = header.size
    if data[header.frame_at + 1] in _HUFFMAN:
        blocks = width * height // _BLOCK
        if (len(data) - header.scan_at) * 8 < blocks:
            raise Damaged(
                f"the JPEG is incomplete: {len(data)} bytes cannot be {width}x{height} pixels"
            )
