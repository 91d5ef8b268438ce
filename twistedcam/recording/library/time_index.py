"""The recordings of each camera by the time that they show."""

from __future__ import annotations

import math
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
        found = _by_camera(items).items()
        self._cameras = {name: _CameraTimes(each) for name, each in found}

    def changed(self, new: Iterable[LibraryEntry], gone: Iterable[LibraryEntry]) -> TimeIndex:
        """The index with new recordings, and without others.

        It takes little time if the new ones are the latest.
        """
        made = TimeIndex(())
        made._cameras = dict(self._cameras)
        added, removed = _by_camera(new), _by_camera(gone)
        for name in {*added, *removed}:
            known = made._cameras.pop(name, None) or _CameraTimes([])
            times = known.changed(added[name], removed[name])
            if times.spans:
                made._cameras[name] = times
        return made

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
        new = [item for item in new if item.kind == "recording"]
        if known is None:
            return _CameraTimes(new)
        return known.with_latest(new) if new else known


class _CameraTimes:
    """The recordings of one camera; a value that does not change."""

    def __init__(self, items: Sequence[LibraryEntry]) -> None:
        unique = _without_copies(items)
        kept = sorted(unique, key=lambda item: item.order)
        main = [item for item in kept if item.kind == "recording"]
        exports = [item for item in kept if item.kind == "export"]
        self.spans = _join(main)
        self._index()
        #: The exports that show what no recording shows.
        self._shown_exports = [item for item in exports if self._uncovered(item) > _UNCOVERED]
        if self._shown_exports:
            self.spans = _join(sorted([*main, *self._shown_exports], key=lambda item: item.start))
            self._index()
        shown = {id(item) for item in (*main, *self._shown_exports)}
        #: Copies, and exports of what recordings show.
        self._hidden = [item for item in items if id(item) not in shown]
        #: The latest start of a recording.
        latest = *main[-1:], *self._shown_exports
        self._latest = max((item.start for item in latest), default=-math.inf)

    @property
    def items(self) -> list[LibraryEntry]:
        """All recordings, in no order."""
        return [each for span in self.spans for each in span.entries] + self._hidden

    def changed(self, new: Sequence[LibraryEntry], gone: Sequence[LibraryEntry]) -> _CameraTimes:
        """These times with new recordings, and without others."""
        made: _CameraTimes | None = self
        for item in sorted(gone, key=lambda item: item.start):
            made = made and made._without(item)
        for item in sorted(new, key=lambda item: item.start):
            made = made and made._with_last(item)
        if made is not None:
            return made
        names = {item.recording for item in gone}
        return _CameraTimes([*(each for each in self.items if each.recording not in names), *new])

    def _without(self, item: LibraryEntry) -> _CameraTimes | None:
        """These times without a recording; None if that may change others."""
        hidden = [each for each in self._hidden if each.recording != item.recording]
        if len(hidden) < len(self._hidden):
            return self._copy(self.spans, len(self.spans), hidden)
        if item.kind == "export":
            return None  # one of those that show what no recording shows
        if any(each.start < _end(item) and _end(each) > item.start for each in hidden):
            return None  # it may be a copy, or an export of this one
        at = bisect_right(self._starts, item.start) - 1
        if at < 0:
            return None
        span, others = self.spans[at], self.spans[at + 1 : at + 2]
        until = self._ends[at - 1] if at else -math.inf
        if until > span.start or (others and others[0].start < span.end):
            return None  # of spans of the same time, each recording may belong to either
        number = bisect_left(span.entries, item.start, key=lambda each: each.start)
        if span.entries[number : number + 1] != (item,):
            return None
        left, right = span.entries[:number], span.entries[number + 1 :]
        if right and right[0].start - until < _LONGEST_FRAME:
            return None  # it may follow the span before
        if (
            left
            and right
            and right[0].start - _end(left[-1]) < max(map(_frame, (left[-1], right[0])))
        ):
            return None
        rest = [Span(part[0].start, _end(part[-1]), part) for part in (left, right) if part]
        return self._copy([*self.spans[:at], *rest, *self.spans[at + 1 :]], at, hidden)

    def _with_last(self, item: LibraryEntry) -> _CameraTimes | None:
        """These times with one that is later than all others, or hidden; None if it is neither."""
        is_covered = not self._shown_exports and self._uncovered(item) <= _UNCOVERED
        if item.kind == "export" and is_covered:
            return self._copy(self.spans, len(self.spans), [*self._hidden, item])
        return self._with_latest([item]) if item.kind == "recording" else None

    def _with_latest(self, items: Sequence[LibraryEntry]) -> _CameraTimes | None:
        """These times with recordings in order that are later than all others; None if not."""
        begin = items[0].start
        if begin <= self._latest + 2 * _ROUNDING:
            return None  # it may be a copy
        if any(_end(each) > begin for each in self._shown_exports):
            return None  # of what these recordings show
        place = bisect_right(self._ends, begin - _LONGEST_FRAME)
        made = self._copy(_join(items, self.spans, place), place, self._hidden)
        made._latest = items[-1].start
        return made

    def _copy(self, spans: list[Span], place: int, hidden: list[LibraryEntry]) -> _CameraTimes:
        """These times with other spans from a place on."""
        made = _CameraTimes.__new__(_CameraTimes)
        made.spans, made._hidden = spans, hidden
        made._shown_exports, made._latest = self._shown_exports, self._latest
        made._starts = self._starts[:place] + [span.start for span in spans[place:]]
        ends = self._ends[:place]
        later = (span.end for span in spans[place:])
        made._ends = (
            ends + list(accumulate(later, max, initial=ends[-1] if ends else -math.inf))[1:]
        )
        return made

    def with_latest(self, items: Sequence[LibraryEntry]) -> _CameraTimes:
        """These times with recordings that are newer than all others, in most cases."""
        items = sorted(items, key=lambda item: item.start)
        made = self._with_latest(items)
        if made is not None:
            return made
        begin, names = items[0].start, {item.recording for item in items}
        if any(_end(item) > begin for item in self._shown_exports):
            kept = [each for each in self.items if each.recording not in names]
            return _CameraTimes([*kept, *items])
        place = bisect_right(self._ends, begin - _LONGEST_FRAME)
        again = [each for span in self.spans[place:] for each in span.entries]
        again = [each for each in again if each.recording not in names]
        joined = _join(sorted([*again, *items], key=lambda item: item.start))
        return self._copy([*self.spans[:place], *joined], place, self._hidden)

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
        """The spans between two times (``TimeIndex.spans``)."""
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
        """The first and the last time; None without a recording."""
        if not self.spans:
            return None
        count = sum(len(span.entries) for span in self.spans)
        return RecordedTimes(self._starts[0], self._ends[-1], count)

    def next_after(self, time: float) -> float | None:
        """The earliest time from ``time`` on that was recorded (``TimeIndex.next_after``)."""
        first = bisect_right(self._ends, time + _ROUNDING)
        if first == len(self.spans):
            return None
        return max(time, self.spans[first].start)

    def following(self, start: float, end: float) -> Iterator[LibraryEntry]:
        """Yield the recordings to play from one time on (``TimeIndex.entries_from``)."""
        time = start
        while time < end:
            # What is left of a recording that is over, but for rounding, is no picture.
            begin = time + _ROUNDING
            first, last = bisect_right(self._ends, begin), bisect_right(self._starts, begin)
            here = [span for span in self.spans[first:last] if span.end > begin]
            if here:
                span = here[-1]
            elif last < len(self.spans) and self._starts[last] < end:
                span = self.spans[last]
            else:
                return
            yield from _within(span.entries, max(begin, span.start), end)
            time = span.end


def _by_camera(items: Iterable[LibraryEntry]) -> dict[str, list[LibraryEntry]]:
    """The recordings that have a camera and times."""
    found: dict[str, list[LibraryEntry]] = defaultdict(list)
    for item in items:
        is_timed = item.seconds and item.codec is not None and item.kind != "timelapse"
        if item.camera is not None and is_timed:
            found[item.camera].append(item)
    return found


def _without_copies(items: Iterable[LibraryEntry]) -> list[LibraryEntry]:
    """One of those that show the same: the original, if it is among them."""
    found: dict[object, LibraryEntry] = {}
    for item in items:
        seconds = round(item.seconds or 0, 3)
        same = round(item.start, 3), seconds, item.codec, item.width, item.height, item.kind
        if same not in found or (item.own and not found[same].own):
            found[same] = item
    return list(found.values())


def _join(items: Iterable[LibraryEntry], known: Sequence[Span] = (), place: int = 0) -> list[Span]:
    """The spans of recordings in the order of their starts.

    Arguments:
        known: spans of earlier recordings, which these may continue.
        place: number of known ones that ended before any of these could continue them.
    """
    begun = [list(span.entries) for span in known[place:]]
    #: The spans that may go on, with their ends.
    open_spans = [(span.end, each) for span, each in zip(known[place:], begun, strict=True)]
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
    return [*known[:place], *(Span(each[0].start, _end(each[-1]), tuple(each)) for each in begun)]


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
