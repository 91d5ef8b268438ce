"""Which recordings have to go to make room for new ones."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from twistedcam.recording.library.age import Ages
from twistedcam.recording.library.probe import Item
from twistedcam.recording.settings import RecordSettings


@dataclass(frozen=True)
class Limits:
    """How much is kept.

    Arguments:
        keep: bytes of recordings together, or None.
        keep_days: days since a recording was begun by this computer's clock, or None.
        keep_free: bytes that stay free on the disk, or None.
    """

    keep: int | None = None
    keep_days: float | None = None
    keep_free: int | None = None

    @classmethod
    def of(cls, settings: RecordSettings) -> Limits:
        """What settings say of it."""
        return cls(settings.keep, settings.keep_days, settings.keep_free)

    def __bool__(self) -> bool:
        return (self.keep, self.keep_days, self.keep_free) != (None, None, None)


def too_many(
    items: Iterable[Item],
    limits: Limits,
    ages: Ages,
    free: int,
    stuck: Container[str] = (),
) -> list[Item]:
    """The recordings to delete, oldest first.

    Only complete ones that this program made, and that still have the name it gave them, are ever
    among them; others, and those being written, count for ``keep`` all the same if they are own.

    How old one is goes by this computer alone: the clock of a camera may be years behind, and the
    recording that has just been made would be the first to go; or ahead, and others would. One
    whose age is not known is not removed because of it.

    Arguments:
        ages: how old they are.
        free: bytes that are free on the disk.
        stuck: names of those that cannot be deleted: others go in their place.
    """
    own = sorted(
        (item for item in items if item.own), key=lambda item: (ages.since(item), item.start)
    )
    total = sum(item.size for item in own)
    going: list[Item] = []
    for item in own:
        if not item.complete or item.recording in stuck:
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
