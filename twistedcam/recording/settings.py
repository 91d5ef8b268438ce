"""Settings of a camera's recordings, and how they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.codecs.video_settings import Encoder, Preset
from twistedcam.errors import BadArgument
from twistedcam.recording.containers import FORMATS, Format, parse_format
from twistedcam.util import quantities
from twistedcam.util.schedule import Schedule, read_schedule
from twistedcam.util.schema import (
    Option,
    Read,
    read_settings,
    read_switch,
    settings_of,
    split_words,
)


def _segment(value: Any, name: str) -> float | int:
    """Return a segment's length: a time as a float, or a size as an int."""
    if quantities.is_size(value):
        return quantities.size(value, name)
    length = quantities.seconds(value, f"{name} (a time or a size)")
    if length < 1:
        raise BadArgument(f"{name}={value!r} is too short: a second at least")
    return length


def _mount_point(value: Any, name: str) -> str | None:
    if isinstance(value, str) and value.startswith("/"):
        return value
    try:
        return "on" if read_switch(value, name) else None
    except BadArgument:
        known = "on, off, or the path of a mount point that begins with /"
        raise BadArgument(f"{name}={value!r} is not valid: {known}") from None


Size = Read(quantities.size, given=Any, kind="size")
Switch = Read(read_switch, given=Any, kind="switch")
Duration = Read(quantities.seconds, given=Any, kind="duration")
Crf = Read(lambda value, _: int(value), given=Annotated[float, Meta(ge=0, le=51)])
Times = Read(read_schedule, given=Any, kind="schedule")
Length = Read(_segment, given=Any, kind="duration or size")
Mount = Read(_mount_point, given=Any, kind="mount")
Formats = Read(parse_format, kind="choice", choices=tuple(FORMATS))


class RecordSettings(Struct, frozen=True):
    """Settings of recordings and their retention. None means not set, or no limit.

    Arguments:
        format: format of files whose name has no ending; by default ``auto``: MP4 with H.264 or
            H.265 of the camera as it is, or with H.264 that is encoded here.
        crf: x264's quality, 0 (best) to 51; unused by other encoders.
        preset: x264's preset; slower ones make smaller files.
        encoder: the encoder; ``auto`` for the first in hardware that works.
        segment, segment_size: seconds or bytes after which a new file begins.
        preroll: seconds before the start of a recording that are recorded too.
        preroll_memory: bytes of the pre-roll at most.
        audio: False to leave out the camera's sound.
        keep: bytes of all recordings together at most.
        keep_days: days for which a recording is kept.
        keep_free: bytes that stay free on the disk.
        at_start: True to begin a recording with the server, or when the camera is added.
        when: the times at which a recording runs by itself.
        require_mount: a path that must be a mount point; ``on`` for the recordings folder.
    """

    format: Annotated[
        Format | None,
        Formats,
        Option("the format of files whose name has no ending", "recording.md#formats"),
    ] = None
    crf: Annotated[int, Crf, Option("quality of H.264: 0 is the best, 51 the smallest file")] = 23
    preset: Annotated[Preset, Option("speed of the encoder; a slower one makes smaller files")] = (
        "ultrafast"
    )
    encoder: Encoder = "libx264"
    segment: Annotated[
        float | None,
        Length,
        Option("time or size after which a new file begins", example="10m, 500MB"),
    ] = None
    segment_size: int | None = None
    preroll: Annotated[
        float | None,
        Duration,
        Option(
            "time before the start of a recording that is recorded too",
            "recording.md#pre-roll",
            example="10s",
        ),
    ] = None
    preroll_memory: Annotated[
        int, Size, Option("memory that the pre-roll may use", "recording.md#pre-roll")
    ] = 256 * 2**20
    audio: Annotated[
        bool, Switch, Option("record the camera's sound, too", "recording.md#sound")
    ] = True
    keep: Annotated[
        int | None,
        Size,
        Option("size of all recordings; above it the oldest are deleted", example="20GB"),
    ] = None
    keep_days: Annotated[
        float | None,
        Meta(ge=0.001, le=100_000),
        Option("days after which a recording is deleted", unit="days"),
    ] = None
    keep_free: Annotated[
        int | None,
        Size,
        Option("space that stays free on the disk; the oldest are deleted", example="1GB"),
    ] = None
    at_start: Annotated[bool, Switch, Option("begin to record when the server starts")] = False
    when: Annotated[
        Schedule | None,
        Times,
        Option(
            "times of the week at which it records by itself",
            "hooks.md#schedules",
            example="mo-fr 07:00-18:00; sa,su",
        ),
    ] = None
    require_mount: Annotated[
        str | None,
        Mount,
        Option("record only if this is a mount point; `on`: the recordings folder", example="on"),
    ] = None

    @property
    def default_format(self) -> Format:
        """The format of a recording whose name has no ending."""
        return self.format or FORMATS["auto"]

    @property
    def encoding(self) -> H264Settings:
        """The settings of the encoder of H.264, as far as it is not the camera's."""
        return H264Settings(self.encoder, self.crf, self.preset)

    @classmethod
    def from_mapping(
        cls, table: Mapping[str, Any], base: RecordSettings | None = None
    ) -> RecordSettings:
        """Settings from names and values; others are as in ``base``.

        Values are strings such as ``"20GB"`` and ``"10m"``, or numbers (seconds, bytes, days).
        ``off`` removes a limit.

        Raises:
            BadArgument: there is no such setting, or its value is invalid.
        """
        return msgspec.structs.replace(base or cls(), **read_recording(table))

    @classmethod
    def from_words(cls, words: Iterable[str], base: RecordSettings | None = None) -> RecordSettings:
        """Settings from ``NAME=VALUE`` words.

        Raises:
            BadArgument: as from_mapping, or a word has no ``=``.
        """
        return cls.from_mapping(split_words(words, "segment=10m"), base)


def read_recording(table: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return the values of a table by the fields of RecordSettings.

    Arguments:
        where: what its keys begin with in errors.

    Raises:
        BadArgument: see RecordSettings.from_mapping.
    """
    known = settings_of(RecordSettings).copy()
    del known["segment_size"]
    off = {
        key: None for key in known if known[key].is_optional and table.get(key) in ("off", "none")
    }
    rest = {key: value for key, value in table.items() if key not in off}
    found = off | read_settings(known, rest, where, "recording setting")
    if "segment" in found:
        is_size = isinstance(found["segment"], int)
        found["segment_size"] = found["segment"] if is_size else None
        found["segment"] = None if is_size else found["segment"]
    return found
