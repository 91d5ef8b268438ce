"""A camera in the viewer: its connection, its newest frame, its statistics."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from client.stats import Meter, ViewerStats
from twistedcam.clients.frames import CameraAddress
from twistedcam.clients.frames.blocking import FrameReader
from twistedcam.clients.frames.packet_queue import AnyFrame
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.util.camera_name import ascii_title
from twistedcam.util.one_line import on_one_line

if TYPE_CHECKING:
    from client.recorder import LocalRecorder
    from client.sound import SoundPlayer
    from twistedcam.recording.writer.segment import SegmentResult

#: The codecs of the pictures that are shown. A camera that gives JPEG is not encoded for it.
CODECS = ("h264", "hevc", "mjpeg")
#: The codecs of sound.
SOUND_CODECS = ("opus", "aac")
#: Seconds by which a shown picture may be older than the youngest, and by which the age of the
#: youngest grows with each picture, because clocks are set.
_MAX_AGE, _AGE_STEP = 0.3, 0.02


class View:
    """A watched camera.

    Arguments:
        target: the camera.
        reconnect: retry without end when the connection is lost.
        codecs: the codecs of the pictures, in order of preference; and those of sound for a camera
            whose sound is played, too.
    """

    def __init__(
        self, target: CameraAddress, reconnect: bool = True, codecs: Sequence[str] = CODECS
    ) -> None:
        self.target = target
        self.meter = Meter()
        #: The last used frame, or None.
        self.frame: AnyFrame | None = None
        self.recorder: LocalRecorder | None = None
        #: Plays the sound; None if it is not played.
        self.sound: SoundPlayer | None = None
        self._reconnect = reconnect
        self._codecs = codecs
        #: The least age of a picture, in seconds by this machine's clock; see ``_is_old``.
        self._least_age = math.inf
        self._wake: Callable[[], None] = lambda: None
        self._paused = False
        #: Missed frames of earlier readers.
        self._missed = 0
        self._reader = self._make_reader()

    @property
    def name(self) -> str:
        """The camera's name, if known. Printable, like all texts of a server here."""
        return on_one_line(self._reader.state.camera or self.target.camera or "")

    @property
    def title(self) -> str:
        """The camera's title, name, or address, for people."""
        return on_one_line(self._reader.state.title or "") or self.name or str(self.target)

    @property
    def written(self) -> str:
        """The title to draw into pictures."""
        return ascii_title(self.name or str(self.target), self.title)

    @property
    def state(self) -> str:
        """The camera's state, or ``connecting``, ``lost``, or ``paused`` by the user."""
        return "paused" if self._paused else on_one_line(self._reader.state.state)

    @property
    def is_muted(self) -> bool:
        """True if silence takes the place of the camera's sound."""
        return self._reader.state.muted

    @property
    def reason(self) -> str | None:
        """The reason why it is not live."""
        reason = self._reader.state.reason
        return None if self._paused or reason is None else on_one_line(reason)

    def start(self, wake: Callable[[], None]) -> None:
        """Start watching. ``wake`` is called on another thread when there is something new."""
        self._wake = wake
        self._reader.start()

    def close(self) -> None:
        """Close the connection and finish the recording."""
        self._reader.close()
        if self.sound is not None:
            self.sound.close()
        self.stop_recording()

    def pause(self) -> None:
        """Stop watching until :meth:`resume`."""
        if not self._paused:
            self._paused = True
            self._reader.close(wait=False)  # it may be connecting
            self._wake()

    def resume(self) -> None:
        """Start watching again."""
        if self._paused:
            self._paused = False
            self._missed += self._reader.missed
            self._reader = self._make_reader()
            self._reader.start()

    def record(self, path: Path, most: int | None = None) -> None:
        """Record all frames to a file of the viewer, or so many of them.

        Raises:
            BadArgument: the name is not valid, or the file exists.
        """
        if self.recorder is None:
            from client.recorder import LocalRecorder  # FFmpeg is loaded only for recording

            self.recorder = LocalRecorder(
                path, lambda: self._wake(), lambda: self._reader.state.audio is not None, most
            )

    def check_recording(self) -> None:
        """Drop a recording that has failed, and raise its error.

        Raises:
            DiskError: the file could not be written.
        """
        if self.recorder is not None and self.recorder.error is not None:
            self.stop_recording()

    def stop_recording(self) -> SegmentResult | None:
        """Finish the recording and return its summary.

        Raises:
            DiskError: the file could not be written.
        """
        recorder, self.recorder = self.recorder, None
        return None if recorder is None else recorder.close()

    def take(self) -> AnyFrame | None:
        """Return the newest frame, if it is new. Raises the error that ended the connection."""
        newest: AnyFrame | None = None
        while (frame := self._reader.take(0)) is not None:
            newest = frame
        if newest is None or self._is_old(newest):
            return None
        self.frame = newest
        return newest

    def _is_old(self, frame: AnyFrame) -> bool:
        """True for a packet that only leads to newer ones: after a stall, or at the start."""
        if isinstance(frame, Frame):
            return False
        age = time.time() - frame.time
        self._least_age = min(age, self._least_age + _AGE_STEP)
        return age > self._least_age + _MAX_AGE

    def used(self, frame: AnyFrame) -> None:
        """Count a drawn or saved frame."""
        self.meter.used(frame, self._reader.clock, time.time(), time.monotonic())

    def figures(self) -> ViewerStats:
        """Return the statistics."""
        now, meter, reader = time.monotonic(), self.meter, self._reader
        clock = reader.clock
        return ViewerStats(
            camera=self.name,
            state=self.state,
            reason=self.reason,
            fps=round(meter.fps(now), 1),
            frames=meter.frames,
            missed=self._missed + reader.missed,
            kbit_s=round(meter.kbit_s(now), 1),
            age_ms=_ms(meter.age),
            age_p50_ms=_ms(meter.percentile(0.50)),
            age_p99_ms=_ms(meter.percentile(0.99)),
            clock_offset_ms=_ms(clock.seconds) if clock.known else None,
            clocks_disagree=clock.disagrees,
            round_trip_ms=_ms(reader.round_trip),
        )

    def _make_reader(self) -> FrameReader:
        return FrameReader(
            self.target,
            self._reconnect,
            self._came,
            lambda: self._wake(),
            codecs=self._codecs,
            on_sound=self._heard,
        )

    def _heard(self, packet: Packet) -> None:
        recorder = self.recorder
        if recorder is not None:
            recorder.take(packet)
        if self.sound is not None:
            self.sound.take(packet)

    def _came(self, frame: AnyFrame) -> None:
        recorder = self.recorder
        if recorder is not None:
            recorder.take(frame)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
