"""The samples of a track in arrays, with one number for each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from twistedcam.util.libraries import np

if TYPE_CHECKING:
    import numpy.typing as npt

Numbers: TypeAlias = "npt.NDArray[np.int64]"


class SampleArrays(NamedTuple):
    """Samples of a track, with the arrays that a SampleTrack has."""

    offsets: Numbers
    sizes: Numbers
    times: Numbers
    durations: Numbers
    shifts: Numbers
    is_sync: npt.NDArray[np.bool_]

    @property
    def end(self) -> int:
        """The end of the last one, in steps."""
        return int(self.times[-1] + self.durations[-1])
