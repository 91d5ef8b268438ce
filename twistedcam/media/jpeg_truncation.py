"""Pictures of which a part is missing, although they end in an end marker.

Firmware that cuts a picture off often puts an end marker behind it. Only decoding can tell for
sure, and that takes a hundred times as long as passing a picture on. So pictures are decoded when
something about them is suspicious, for a small share of the thread's time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from twistedcam.media import jpeg
from twistedcam.media.jpeg_decoder import Damaged, check_jpeg

#: A picture whose size is this share of the usual, or less, is suspicious; so is one that is as
#: much larger, which may be two pictures.
_SHRUNK = 0.9
#: Weight of the newest picture in the usual size.
_WEIGHT = 1 / 8
#: Pictures that are all decoded after a damaged one.
ALERT = 30
#: Seconds between two pictures from which on each is decoded: that costs next to nothing.
_SLOW = 0.4
#: Share of the time that may go into decoding what is suspicious by its size alone, and the
#: seconds of it that may be saved up.
_SHARE, _SAVED = 0.05, 0.25
#: Frame headers that are remembered.
_KINDS = 16
#: Firmware cuts at the end of a buffer, whose size is a multiple of this.
_BUFFER = 512
#: Bytes within which the last restart marker is looked for first.
_MOST_WINDOW = 64 * 1024
_BLOCK = 64
_SEQUENTIAL = (0xC0, 0xC1)
_HUFFMAN = (0xC0, 0xC1, 0xC2)


class _Kind:
    """Pictures with one frame header.

    Arguments:
        frame_header: the SOF segment with its marker.
        size: bytes of the first such picture.
    """

    def __init__(self, frame_header: bytes, size: int) -> None:
        #: Bytes that such a picture has had of late.
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
        #: MCUs of a picture with one scan; 0 where it may have several.
        self._mcus = math.ceil(width / across) * math.ceil(height / down)
        if frame_header[1] not in _SEQUENTIAL:
            self._mcus = 0

    def lacks_restarts(self, data: bytes, header: jpeg.Header) -> bool:
        """Whether restart markers (annex E.1.4) seem to be missing at the end."""
        restarts = self._restarts(data, header)
        if restarts < 1:
            return False
        # The last is looked for where it is due, with room for an uneven picture.
        scan_at = header.scan_at
        window = min(4 * (len(data) - scan_at) // (restarts + 1) + 64, _MOST_WINDOW)
        if data.rfind(jpeg.RESTARTS[(restarts - 1) % 8], max(scan_at, len(data) - window)) >= 0:
            return False
        return self.counts_too_few(data, header)

    def counts_too_few(self, data: bytes, header: jpeg.Header) -> bool:
        """Whether there are fewer restart markers than there have to be. Slower, and exact."""
        restarts = self._restarts(data, header)
        return restarts > 0 and jpeg.count_restarts(data, header.scan_at, restarts) < restarts

    def _restarts(self, data: bytes, header: jpeg.Header) -> int:
        """Restart markers that there have to be; 0 where there are none, or it is not known."""
        if not header.restart_interval or data[header.scan_at + 4] != self._components:
            return 0
        return (self._mcus - 1) // header.restart_interval


class TruncationDetector:
    """Finds damaged pictures of one camera.

    The first picture with a frame header that is new is always decoded, to see that it can be.

    Arguments:
        clock: gives seconds of a clock that is never set.
        cpu: gives seconds of processor time of the thread.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        #: Whether libjpeg warns of this camera's pictures, which are whole all the same.
        self.is_noisy = False
        self._clock = clock
        self._cpu = cpu
        #: What is known of pictures by their frame headers.
        self._kinds: dict[bytes, _Kind] = {}
        self._last: bytes | None = None
        self._last_is_good = True
        self._alert = 0
        self._seen_at = clock()
        self._saved = _SAVED

    def check(self, data: bytes, header: jpeg.Header) -> None:
        """See that nothing of the picture is missing, as far as that can be told.

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
            if kind.counts_too_few(data, header):  # libjpeg tells only the first thing it finds
                raise Damaged("the JPEG is incomplete: its last restart markers are missing")


def check_length(data: bytes, header: jpeg.Header) -> None:
    """See that a picture has as many bytes as one of its size needs at the very least.

    Each block of 8x8 pixels takes a bit or more (ITU-T T.81, annex F.1.2): a few bytes that claim
    to be a large picture cost nothing here, and much in a decoder.

    Raises:
        Damaged: it has not.
    """
    width, height = header.size
    if data[header.frame_at + 1] in _HUFFMAN:
        blocks = width * height // _BLOCK
        if (len(data) - header.scan_at) * 8 < blocks:
            raise Damaged(
                f"the JPEG is incomplete: {len(data)} bytes cannot be {width}x{height} pixels"
            )
