"""One camera as a viewer has it: its connection, its newest frame, its figures."""

from __future__ import annotations

import time
from collections.abc import Callable

from client.stats import Figures, Meter
from twistedcam.frame import Frame
from twistedcam.viewing import Target
from twistedcam.viewing.blocking import FrameReader


class View:
    """A camera that is watched.

    Arguments:
        target: the camera.
        reconnect: try again for ever when the connection is lost.
    """

    def __init__(self, target: Target, reconnect: bool = True) -> None:
        self.target = target
        self.meter = Meter()
        #: The last frame that was used, or None.
        self.frame: Frame | None = None
        self._wake: Callable[[], None] = lambda: None
        self._on_frame: Callable[[Frame], None] | None = None
        self.reader = FrameReader(target, reconnect, self._came, lambda: self._wake())

    @property
    def name(self) -> str:
        """The camera's name, as far as it is known."""
        return self.reader.state.camera or self.target.camera or ""

    @property
    def state(self) -> str:
        """The camera's state, or ``connecting``, or ``lost``."""
        return self.reader.state.state

    @property
    def reason(self) -> str | None:
        """Why it is not live."""
        return self.reader.state.reason

    def start(self, wake: Callable[[], None]) -> None:
        """Begin; ``wake`` is called, on another thread, whenever there is something new."""
        self._wake = wake
        self.reader.start()

    def close(self) -> None:
        """End the connection."""
        self.reader.close()

    def on_each(self, call: Callable[[Frame], None] | None) -> None:
        """Call with every frame that comes, used or not, on the reader's thread."""
        self._on_frame = call

    def take(self) -> Frame | None:
        """The newest frame, if there is a new one. Raises what ended the connection for good."""
        frame = self.reader.take(0)
        if frame is not None:
            self.frame = frame
        return frame

    def used(self, frame: Frame) -> None:
        """The frame has been painted or saved: measure it."""
        self.meter.used(frame, self.reader.clock, time.time(), time.monotonic())

    def figures(self) -> Figures:
        """How it goes."""
        now, meter, reader = time.monotonic(), self.meter, self.reader
        clock = reader.clock
        return Figures(
            camera=self.name,
            state=self.state,
            reason=self.reason,
            fps=round(meter.fps(now), 1),
            frames=meter.frames,
            missed=reader.missed,
            kbit_s=round(meter.kbit_s(now), 1),
            age_ms=_ms(meter.age),
            age_p50_ms=_ms(meter.percentile(0.50)),
            age_p99_ms=_ms(meter.percentile(0.99)),
            clock_offset_ms=_ms(clock.seconds) if clock.known else None,
            clocks_disagree=clock.disagrees,
            round_trip_ms=_ms(reader.round_trip),
        )

    def _came(self, frame: Frame) -> None:
        on_frame = self._on_frame
        if on_frame is not None:
            on_frame(frame)
        self._wake()


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
