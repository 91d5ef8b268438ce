"""The state machine of a camera: stopped → starting → live ⇄ recovering → stopped.

A camera that may close its device while nobody watches is idle instead; its state is then reported
as stopped. The diagram is in docs/architecture.md.
"""

from __future__ import annotations

from typing import Literal, Protocol

from automat import TypeMachineBuilder

CameraState = Literal["stopped", "starting", "live", "recovering"]

#: The reason of an idle camera.
IDLE = "idle: it opens when somebody watches"


class Lifecycle(Protocol):
    """The inputs of the machine."""

    def start(self) -> None:
        """A user starts the camera."""

    def stop(self) -> None:
        """A user stops the camera."""

    def first_frame(self) -> None:
        """The first frame since the source was opened has arrived."""

    def failed(self, reason: str) -> None:
        """The source cannot be opened, or delivers no more frames."""

    def paused(self, reason: str) -> None:
        """The source is open and delivers no frames for now, for a known reason."""

    def retry(self) -> None:
        """The wait before the next attempt is over."""

    def reopen(self, reason: str) -> None:
        """The source is to be opened again with other settings."""

    def suspend(self) -> None:
        """The camera is started, and no sink needs its frames now."""

    def resume(self) -> None:
        """A sink needs the frames of a suspended camera."""

    def ended(self, reason: str) -> None:
        """The source has delivered its last frame, and that is no failure."""


class Actions(Protocol):
    """The outputs of the machine, which the camera carries out."""

    def enter(self, state: CameraState, reason: str | None = None, is_idle: bool = False) -> None:
        """Enter a state, and notify all listeners."""

    def open_source(self) -> None:
        """Begin a new capture."""

    def close_source(self) -> None:
        """End the current capture, and cancel the next attempt."""

    def retry_later(self) -> None:
        """Try again after a while."""


def _build() -> TypeMachineBuilder[Lifecycle, Actions]:
    builder = TypeMachineBuilder(Lifecycle, Actions)  # type: ignore[type-abstract]
    stopped = builder.state("stopped")
    starting = builder.state("starting")
    live = builder.state("live")
    recovering = builder.state("recovering")
    idle = builder.state("idle")

    def begin(_: Lifecycle, camera: Actions) -> None:
        camera.enter("starting")
        camera.open_source()

    def go_live(_: Lifecycle, camera: Actions) -> None:
        camera.enter("live")

    def recover(_: Lifecycle, camera: Actions, reason: str) -> None:
        camera.close_source()
        camera.retry_later()
        camera.enter("recovering", reason)

    def pause(_: Lifecycle, camera: Actions, reason: str) -> None:
        camera.enter("recovering", reason)

    def finish(_: Lifecycle, camera: Actions) -> None:
        camera.close_source()
        camera.enter("stopped")

    def run_out(_: Lifecycle, camera: Actions, reason: str) -> None:
        camera.close_source()
        camera.enter("stopped", reason)

    def suspend(_: Lifecycle, camera: Actions) -> None:
        camera.close_source()
        camera.enter("stopped", IDLE, is_idle=True)

    for state in (starting, live, recovering):
        state.upon(Lifecycle.start).loop().returns(None)
        state.upon(Lifecycle.stop).to(stopped)(finish)
        state.upon(Lifecycle.failed).to(recovering)(recover)
        state.upon(Lifecycle.ended).to(stopped)(run_out)
        state.upon(Lifecycle.paused).to(recovering)(pause)
        state.upon(Lifecycle.suspend).to(idle)(suspend)
        state.upon(Lifecycle.resume).loop().returns(None)

    starting.upon(Lifecycle.first_frame).to(live)(go_live)
    recovering.upon(Lifecycle.first_frame).to(live)(go_live)
    stopped.upon(Lifecycle.start).to(starting)(begin)
    stopped.upon(Lifecycle.stop).loop().returns(None)
    stopped.upon(Lifecycle.reopen).loop().returns(None)
    stopped.upon(Lifecycle.resume).loop().returns(None)
    stopped.upon(Lifecycle.suspend).to(idle)(suspend)
    idle.upon(Lifecycle.resume).to(starting)(begin)
    idle.upon(Lifecycle.stop).to(stopped)(finish)
    idle.upon(Lifecycle.start).loop().returns(None)
    idle.upon(Lifecycle.reopen).loop().returns(None)
    idle.upon(Lifecycle.suspend).loop().returns(None)

    @starting.upon(Lifecycle.reopen).loop()
    def begin_again(_: Lifecycle, camera: Actions, reason: str) -> None:
        camera.close_source()
        camera.open_source()

    def change_over(_: Lifecycle, camera: Actions, reason: str) -> None:
        camera.close_source()
        camera.enter("recovering", reason)
        camera.open_source()

    live.upon(Lifecycle.reopen).to(recovering)(change_over)
    recovering.upon(Lifecycle.reopen).loop()(change_over)

    @recovering.upon(Lifecycle.retry).loop()
    def try_again(_: Lifecycle, camera: Actions) -> None:
        camera.open_source()

    return builder


make_lifecycle = _build().build()
