"""A barcode of frame number and time that survives JPEG compression and scaling.

Two rows of square cells at the top of the picture. Each begins with a black and a white cell, which
give the levels. Then follow 40 bits of number, 56 bits of time in microseconds and 16 bits of
checksum, most significant bit first, white for one. Where the width allows, cells are whole JPEG
blocks, so that quantisation and chroma subsampling do not mix them.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, NamedTuple

from twistedcam.util.libraries import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBER_BITS = 40
_TIME_BITS = 56
_CHECK_BITS = 16
_BITS = _NUMBER_BITS + _TIME_BITS + _CHECK_BITS
_COLUMNS = 58  # two rows of 58 cells: 2 level cells and 56 bits in each
_ROWS = 2
#: The narrowest picture, in pixels, that the code fits in.
MIN_WIDTH = _COLUMNS * 2


class Stamp(NamedTuple):
    """The contents of a barcode."""

    #: Frame number.
    number: int
    #: Time of capture in microseconds since the UNIX epoch.
    time_us: int


def cell_size(width: int) -> int:
    """The side of a cell, in pixels, in a picture of that width."""
    cell = width // _COLUMNS
    return cell - cell % 8 if cell >= 8 else cell


def height(width: int) -> int:
    """The height of the code, in pixels, in a picture of that width."""
    return _ROWS * cell_size(width)


def _payload(stamp: Stamp) -> int:
    body = (stamp.number % (1 << _NUMBER_BITS)) << _TIME_BITS | stamp.time_us % (1 << _TIME_BITS)
    return body << _CHECK_BITS | _check(body)


def _check(body: int) -> int:
    return binascii.crc_hqx(body.to_bytes((_NUMBER_BITS + _TIME_BITS) // 8, "big"), 0xFFFF)


def draw(image: NDArray[np.uint8], stamp: Stamp) -> None:
    """Draw the code into ``image``, (height, width) or (height, width, channels) uint8, in place.

    Raises:
        ValueError: the picture is too small for the code.
    """
    cell = cell_size(image.shape[1])
    if image.shape[1] < MIN_WIDTH or image.shape[0] < _ROWS * cell:
        raise ValueError(
            f"a picture of {image.shape[1]}x{image.shape[0]} is too small for the code"
        )
    raw = np.frombuffer(_payload(stamp).to_bytes(_BITS // 8, "big"), np.uint8)
    cells = np.zeros((_ROWS, _COLUMNS), np.uint8)
    cells[:, 1] = 1
    cells[:, 2:] = np.unpackbits(raw).reshape(_ROWS, _COLUMNS - 2)
    code = np.kron(cells * np.uint8(255), np.ones((cell, cell), np.uint8))
    area = image[: code.shape[0], : code.shape[1]]
    area[...] = code if image.ndim == 2 else code[:, :, None]


def read(image: NDArray[np.uint8]) -> Stamp | None:
    """The stamp in ``image``, (height, width) or (height, width, 3) uint8, or None without one."""
    cell = cell_size(image.shape[1])
    if image.shape[1] < MIN_WIDTH or image.shape[0] < _ROWS * cell:
        return None
    area = image[: _ROWS * cell, : _COLUMNS * cell]
    grey = area if area.ndim == 2 else area[:, :, 1]
    cells = grey.reshape(_ROWS, cell, _COLUMNS, cell)
    edge = cell // 4
    levels = cells[:, edge : cell - edge, :, edge : cell - edge].mean(axis=(1, 3))
    black, white = levels[:, 0].mean(), levels[:, 1].mean()
    if white - black < 64:
        return None
    bits = (levels[:, 2:] > (black + white) / 2).reshape(_BITS)
    value = int.from_bytes(np.packbits(bits).tobytes(), "big")
    body, check = value >> _CHECK_BITS, value % (1 << _CHECK_BITS)
    if check != _check(body):
        return None
    return Stamp(body >> _TIME_BITS, body % (1 << _TIME_BITS))
