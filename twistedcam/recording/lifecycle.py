"""A recording is idle → recording → finishing → idle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from automat import TypeMachineBuilder

RecorderState = Literal["idle", "recording", "finishing"]


class RecorderLifecycle(Protocol):
    """What can happen to a recorder."""

    def begin(self) -> None:
        """Frames are to be written from now on."""

    def finish(self) -> None:
        """No more frames; the file is to be made whole."""

    def finished(self) -> None:
        """The file is whole."""


class HasState:
    """What the machine moves; the recorder."""

    state: RecorderState = "idle"


def _build() -> TypeMachineBuilder[RecorderLifecycle, HasState]:
    builder = TypeMachineBuilder(RecorderLifecycle, HasState)
    idle, recording = builder.state("idle"), builder.state("recording")
    finishing = builder.state("finishing")

    def enter(state: RecorderState) -> Callable[[RecorderLifecycle, HasState], None]:
        def entered(_: RecorderLifecycle, recorder: HasState) -> None:
            recorder.state = state

        return entered

    idle.upon(RecorderLifecycle.begin).to(recording)(enter("recording"))
    recording.upon(RecorderLifecycle.finish).to(finishing)(enter("finishing"))
    finishing.upon(RecorderLifecycle.finished).to(idle)(enter("idle"))
    return builder


make_recorder_lifecycle = _build().build()
