"""A camera is stopped → starting → live ⇄ recovering → stopped.

One that may close its device while nobody watches is idle instead, which is told as stopped.

The diagram is in docs/architecture.md.
"""

from __future__ import annotations

from typing import Literal, Protocol

from automat import TypeMachineBuilder

CameraState = Literal["stopped", "starting", "live", "recovering"]


class Lifecycle(Protocol):
    """What can happen to a camera."""

    def start(self) -> None:
        """Somebody wants it to run."""

    def stop(self) -> None:
        """Somebody wants it to stop."""

    def first_frame(self) -> None:
        """The first picture of an opening has come."""

    def failed(self, reason: str) -> None:
        """The source cannot be opened, or gives no more pictures."""

    def paused(self, reason: str) -> None:
        """The source is open, and knows why it gives no pictures now."""

    def retry(self) -> None:
        """It is time to try again."""

    def reopen(self, reason: str) -> None:
        """It is to be opened anew, with other settings."""

    def suspend(self) -> None:
        """It is to run, and nobody wants its pictures now."""

    def resume(self) -> None:
        """Somebody wants its pictures."""

    def ended(self, reason: str) -> None:
        """The source has given all it had."""


class Actions(Protocol):
    """What a camera does on its way; the camera itself."""

    def enter(self, state: CameraState, reason: str | None = None) -> None:
        """The camera is in that state from now on; tell all."""

    def open_source(self) -> None:
        """Begin a new capture."""

    def close_source(self) -> None:
        """End the capture under way, and forget about trying again."""

    def retry_later(self) -> None:
        """Try again after a while."""


#: Why a camera that runs has its device closed.
IDLE = "idle: it opens when somebody watches"


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
        camera.enter("stopped", IDLE)

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
