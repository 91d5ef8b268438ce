"""The recordings of each camera by the time that they show."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from twistedcam.recording.library.probe import LibraryEntry

#: Seconds between two frames if the file does not tell, and at most.
_USUAL_FRAME, _LONGEST_FRAME = 0.05, 10.0
#: Error of a duration in the index, which is in milliseconds.
_ROUNDING = 0.001
#: Seconds of an export that may be missing elsewhere without it counting as a recording.
_UNCOVERED = 1.0


@dataclass(frozen=True)
class Span:
    """A time without a gap of one frame or more, in seconds since the UNIX epoch.

    Arguments:
        entries: its recordings, in order.
    """

    start: float
    end: float
    entries: tuple[LibraryEntry, ...]


@dataclass(frozen=True)
class RecordedTimes:
    """The first and the last time of a camera's recordings, in seconds since the UNIX epoch.

    Arguments:
        recordings: their number.
    """

    start: float
    end: float
    recordings: int


class TimeIndex:
    """The recordings by camera and time; a value that does not change.

    Copies of a recording under another name count once. What ``export`` has written counts only
    where the recordings that it came from are gone; a timelapse never does. Where the clock was set
    back, two recordings have the same times: they are kept in different spans.
    """

    def __init__(self, items: Iterable[LibraryEntry]) -> None:
        by_camera: dict[str, list[LibraryEntry]] = defaultdict(list)
        for item in items:
            if item.camera is not None and item.seconds and item.codec is not None:
                by_camera[item.camera].append(item)
        self._cameras = {name: _CameraTimes(found) for name, found in by_camera.items()}

    def cameras(self, writing: Sequence[LibraryEntry] = ()) -> dict[str, RecordedTimes]:
        """The cameras that have recordings.

        Arguments:
            writing: recordings that are being written, which are not in the index.
        """
        names = {*self._cameras, *(item.camera for item in writing if item.camera is not None)}
        found = {name: self._of(name, writing).whole for name in names}
        return {name: each for name, each in found.items() if each is not None}

    def spans(
        self,
        camera: str,
        start: float = float("-inf"),
        end: float = float("inf"),
        gap: float = 0.0,
        writing: Sequence[LibraryEntry] = (),
    ) -> list[Span]:
        """The spans with a recording between two times, oldest first.

        A span has those of its recordings that are in that time at least in part.

        Arguments:
            gap: seconds up to which gaps are ignored, besides those of less than a frame.
            writing: recordings of the camera that are being written, which are not in the index.
        """
        return self._of(camera, [item for item in writing if item.start < end]).between(
            start, end, gap
        )

    def entries_from(
        self, camera: str, start: float, end: float, writing: Sequence[LibraryEntry] = ()
    ) -> list[LibraryEntry]:
        """The recordings to play from one time to another, in order, none of them twice.

        Where the clock was set back, those of the span that began last are played.
        """
        return list(self._of(camera, writing).following(start, end))

    def nearest(
        self, camera: str, time: float, writing: Sequence[LibraryEntry] = ()
    ) -> Span | None:
        """The span nearest to a time, or None if the camera has no recording."""
        spans = self._of(camera, writing).spans
        return min(
            spans, key=lambda span: max(span.start - time, time - span.end, 0.0), default=None
        )

    def next_after(
        self, camera: str, time: float, writing: Sequence[LibraryEntry] = ()
    ) -> float | None:
        """The earliest time from ``time`` on that was recorded, or None if there is none."""
        return self._of(camera, writing).next_after(time)

    def _of(self, camera: str, writing: Sequence[LibraryEntry]) -> _CameraTimes:
        known = self._cameras.get(camera)
        new = [item for item in writing if item.camera == camera and item.seconds]
        if known is None:
            return _CameraTimes(new)
        return known.with_latest(new) if new else known


class _CameraTimes:
    """The recordings of one camera."""

    def __init__(self, items: list[LibraryEntry]) -> None:
        self._items = items
        kept = sorted(_without_copies(items), key=lambda item: (item.start, item.recording))
        main = [item for item in kept if item.kind == "recording"]
        self.spans = _join(main)
        self._index()
        exports = [item for item in kept if item.kind == "export"]
        #: The exports that show what no recording shows.
        self._alone = [item for item in exports if self._uncovered(item) > _UNCOVERED]
        if self._alone:
            self.spans = _join(sorted([*main, *self._alone], key=lambda item: item.start))
            self._index()

    def with_latest(self, items: list[LibraryEntry]) -> _CameraTimes:
        """These times with recordings that are newer than all others, in most cases."""
        known = self.spans
        begin = min(item.start for item in items)
        if any(_end(item) > begin for item in self._alone):
            return _CameraTimes([*self._items, *items])  # of what these recordings show
        made = _CameraTimes.__new__(_CameraTimes)
        names = {item.recording for item in items}
        place = bisect_left(self._starts, begin) - 1
        place = max(0, place)
        again = [each for span in known[place:] for each in span.entries]
        again = [each for each in again if each.recording not in names]
        again = sorted([*again, *items], key=lambda item: item.start)
        joined = _join(again)
        made.spans = known[:place] + joined
        made._starts = self._starts[:place] + [span.start for span in joined]
        last = self._ends[:place]
        ends = accumulate((span.end for span in joined), max, initial=max(last[-1:], default=0.0))
        made._ends = last + list(ends)[1:]
        return made

    def _index(self) -> None:
        self._starts = [span.start for span in self.spans]
        #: The latest end of the spans up to each one.
        self._ends = list(accumulate((span.end for span in self.spans), max))

    def _uncovered(self, item: LibraryEntry) -> float:
        """The seconds of a recording that are in none of the spans."""
        until = _end(item)
        first, last = bisect_right(self._ends, item.start), bisect_left(self._starts, until)
        here = self.spans[first:last]
        covered = (min(span.end, until) - max(span.start, item.start) for span in here)
        return (item.seconds or 0) - sum(max(0.0, each) for each in covered)

    def between(self, start: float, end: float, gap: float) -> list[Span]:
        first = bisect_right(self._ends, start)
        last = bisect_left(self._starts, end)
        found: list[Span] = []
        for span in self.spans[first:last]:
            entries = _within(span.entries, start, end)
            if not entries:
                continue
            shown = Span(entries[0].start, _end(entries[-1]), entries)
            if gap and found and 0 <= shown.start - found[-1].end <= gap:
                before = found.pop()
                shown = Span(before.start, shown.end, before.entries + shown.entries)
            found.append(shown)
        return found

    @cached_property
    def whole(self) -> RecordedTimes | None:
        if not self.spans:
            return None
        count = sum(len(span.entries) for span in self.spans)
        return RecordedTimes(self._starts[0], self._ends[-1], count)

    def next_after(self, time: float) -> float | None:
        first = bisect_right(self._ends, time + _ROUNDING)
        if first == len(self.spans):
            return None
        return max(time, self.spans[first].start)

    def following(self, start: float, end: float) -> Iterator[LibraryEntry]:
        time = start
        while time < end:
            first, last = bisect_right(self._ends, time), bisect_right(self._starts, time)
            here = [span for span in self.spans[first:last] if span.end > time]
            if here:
                span = here[-1]
            elif last < len(self.spans) and self._starts[last] < end:
                span = self.spans[last]
            else:
                return
            yield from _within(span.entries, max(time, span.start), end)
            time = span.end


def _without_copies(items: Iterable[LibraryEntry]) -> list[LibraryEntry]:
    """One of those that show the same: the original, if it is among them."""
    found: dict[object, LibraryEntry] = {}
    for item in items:
        seconds = round(item.seconds or 0, 3)
        same = round(item.start, 3), seconds, item.codec, item.width, item.height, item.kind
        if same not in found or (item.own and not found[same].own):
            found[same] = item
    return list(found.values())


def _join(items: Iterable[LibraryEntry]) -> list[Span]:
    """The spans of recordings in the order of their starts."""
    begun: list[list[LibraryEntry]] = []
    #: The spans that may go on, with their ends.
    open_spans: list[tuple[float, list[LibraryEntry]]] = []
    for item in items:
        frame = _frame(item)
        near = [
            (abs(item.start - until), at)
            for at, (until, entries) in enumerate(open_spans)
            if abs(item.start - until) < max(frame, _frame(entries[-1])) - _ROUNDING
        ]
        if near:
            at = min(near)[1]
            open_spans[at][1].append(item)
            open_spans[at] = _end(item), open_spans[at][1]
            continue
        open_spans = [each for each in open_spans if each[0] > item.start - _LONGEST_FRAME]
        begun.append([item])
        open_spans.append((_end(item), begun[-1]))
    return [Span(each[0].start, _end(each[-1]), tuple(each)) for each in begun]


def _within(
    entries: tuple[LibraryEntry, ...], start: float, end: float
) -> tuple[LibraryEntry, ...]:
    """The entries of which at least a part is between two times."""
    first = max(0, bisect_right(entries, start, key=lambda item: item.start) - 1)
    last = bisect_left(entries, end, key=lambda item: item.start)
    if first < last and _end(entries[first]) <= start:
        first += 1
    return entries[first:last]


def _end(item: LibraryEntry) -> float:
    return item.start + (item.seconds or 0)


def _frame(item: LibraryEntry) -> float:
    """The seconds of a frame."""
    return min(1 / item.fps, _LONGEST_FRAME) if item.fps else _USUAL_FRAME
