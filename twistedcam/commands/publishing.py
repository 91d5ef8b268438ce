"""The commands about publish targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twistedcam.commands.command import Answer
from twistedcam.commands.registry import Registry
from twistedcam.commands.visible_cameras import VisibleCameras
from twistedcam.errors import TargetFailed

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.publishing.output import Output


def add_publishing_commands(registry: Registry) -> None:
    """Add ``publish``, ``publish start`` and ``publish stop``."""

    @registry.command("publish", right="view", items="targets")
    def publish(server: Server) -> Answer:
        """List the publish targets: state, bit rate, drops, last fault."""
        now = server.clock.seconds()
        return [output_status(each, now) for each in server.outputs]

    @registry.command("publish start", skips_camera=_is_target)
    async def publish_start(server: Server, camera: Camera, target: str | None = None) -> Answer:
        """Publish to a camera's target, or to all of them; retries without end.

        Answers when the target accepts video, and fails with its reason if it does not. If the
        camera has no picture now, the answer says so (waiting).
        """
        started = server.channels[camera.name].outputs.get(target)
        for each in started:
            each.start()
        if camera.state in ("stopped", "recovering"):
            because = f": {camera.reason}" if camera.reason else ""
            return {"waiting": f"no picture yet (the camera is {camera.state}{because})"}
        waiting = [(each.target.name, each.wait_until_live()) for each in started]
        failed = [(name, reason) for name, live in waiting if (reason := await live) is not None]
        if failed:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in failed)
            raise TargetFailed(f"{reasons}. The server retries")
        return None

    @registry.command("publish stop", skips_camera=_is_target)
    async def publish_stop(server: Server, camera: Camera, target: str | None = None) -> Answer:
        """Stop publishing to a camera's target, or to all of them."""
        for stopping in [each.stop() for each in server.channels[camera.name].outputs.get(target)]:
            await stopping
        return None


def output_status(each: Output, now: float) -> dict[str, Any]:
    """Describe an output: the URL without keys, the bit rate in bits per second."""
    fault, transcoder = each.last_fault, each.transcoder
    return {
        "target": each.target.name,
        "camera": each.camera,
        "url": each.target.shown,
        "state": each.state,
        "bitrate": each.bitrate(),
        "frames": each.frames,
        "bytes": each.bytes,
        "drops": each.drops,
        "encoder": None if transcoder is None else transcoder.name,
        "note": None if transcoder is None else transcoder.note,
        "connects": each.connects,
        "faults": each.faults,
        "last_fault": None if fault is None else fault[1],
        "last_fault_age": None if fault is None else round(now - fault[0], 1),
    }


def _is_target(cameras: VisibleCameras, word: str) -> bool:
    channels = cameras.server.channels
    targets = [each for own in cameras.own for each in channels[own.name].outputs]
    return word in [each.target.name for each in targets]
