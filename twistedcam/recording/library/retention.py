"""Selects the recordings to delete."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from twistedcam.recording.library.age import Ages
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.settings import RecordSettings
from twistedcam.util.quantities import show_size


@dataclass(frozen=True)
class RetentionLimits:
    """Limits of the recordings. None means no limit.

    Arguments:
        keep: bytes of all recordings together.
        keep_days: days since the start of a recording.
        keep_free: bytes that stay free on the disk.
    """

    keep: int | None = None
    keep_days: float | None = None
    keep_free: int | None = None

    @classmethod
    def of(cls, settings: RecordSettings) -> RetentionLimits:
        """The limits in a camera's settings."""
        return cls(settings.keep, settings.keep_days, settings.keep_free)

    def __bool__(self) -> bool:
        return (self.keep, self.keep_days, self.keep_free) != (None, None, None)


def recordings_to_delete(
    items: Iterable[LibraryEntry],
    limits: RetentionLimits,
    ages: Ages,
    free: int,
    stuck: Container[str] = (),
) -> list[LibraryEntry]:
    """The recordings to delete, oldest first.

    Only complete recordings that this program made, under their original names, are deleted, and
    none that is protected. Protected ones and those being written count for ``keep`` too.

    Ages depend on this computer alone: the clock of a camera may be wrong by years. A recording of
    unknown age is not deleted because of ``keep_days``.

    Arguments:
        free: bytes that are free on the disk.
        stuck: names of recordings that cannot be deleted; others are deleted instead.
    """
    own = sorted(
        (item for item in items if item.own), key=lambda item: (ages.since(item), item.start)
    )
    total = sum(item.size for item in own)
    going: list[LibraryEntry] = []
    for item in own:
        if not item.complete or item.protected or item.recording in stuck:
            continue
        age = None if limits.keep_days is None else ages.of(item)
        old = limits.keep_days is not None and age is not None and age > limits.keep_days * 86400
        large = limits.keep is not None and total > limits.keep
        tight = limits.keep_free is not None and free < limits.keep_free
        if old or large or tight:
            going.append(item)
            total -= item.size
            free += item.size
    return going


def shortage(items: Iterable[LibraryEntry], limits: RetentionLimits, free: int) -> str | None:
    """Why protected recordings leave no room, as a sentence; None if the limits are met.

    Arguments:
        items: the recordings that are left.
        free: bytes that are free on the disk.
    """
    own = [item for item in items if item.own]
    kept = [item for item in own if item.protected]
    size, total = (sum(item.size for item in each) for each in (kept, own))
    many = f"{len(kept)} protected recordings have {show_size(size)}"
    if kept and limits.keep is not None and total > limits.keep:
        return f"no more room can be made: {many}, and keep is {show_size(limits.keep)}"
    if kept and limits.keep_free is not None and free < limits.keep_free:
        return (
            f"no more room can be made: {many}, {show_size(free)} are free on the disk, and "
            f"keep_free is {show_size(limits.keep_free)}"
        )
    return None
