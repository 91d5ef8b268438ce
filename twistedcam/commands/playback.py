"""The commands about what was recorded at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from twistedcam.commands.command import Answer, RecordingName
from twistedcam.commands.registry import Registry
from twistedcam.commands.visible_cameras import RecordedCamera, VisibleCameras
from twistedcam.errors import BadArgument
from twistedcam.recording.library.time_index import Span
from twistedcam.util.quantities import moment
from twistedcam.util.quantities import seconds as parse_seconds

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Seconds of one export at most: four days.
MAX_EXPORT = 4 * 86400.0


def add_playback_commands(registry: Registry) -> None:
    """Add ``spans``, ``export``, ``timelapse``, ``protect`` and what belongs to them."""

    @registry.command("spans", right="view", items="spans")
    async def spans(
        server: Server,
        camera: RecordedCamera,
        *,
        start: str | None = None,
        end: str | None = None,
        gap: str | None = None,
    ) -> Answer:
        """List the times for which there are recordings, oldest first.

        A span has its start and end in UNIX seconds, and its recordings in order; the files of one
        span follow each other with less than one frame missing. --start and --end are UNIX seconds
        or ISO 8601 (local time without an offset). With --gap 60s spans that are no further apart
        than that are shown as one, with the number of files instead of their names.
        """
        since = -math.inf if start is None else moment(start, "start")
        until = math.inf if end is None else moment(end, "end")
        joined = 0.0 if gap is None else parse_seconds(gap, "gap")
        name = await server.playback.find_camera(camera.name)
        found = await server.playback.spans(name, since, until, joined)
        return [_describe(each, gap is None) for each in found]

    @registry.command("recorded", right="view", items="cameras")
    async def recorded(server: Server) -> Answer:
        """List the cameras that have recordings, also those that were removed or renamed.

        Each has the start of its first recording, the end of its last, and the number of
        recordings; removed is true if it is not in the configuration any more.
        """
        found = await server.playback.recorded()
        return [
            {
                "camera": name,
                "start": round(each.start, 3),
                "end": round(each.end, 3),
                "recordings": each.recordings,
                "removed": name not in server.channels,
            }
            for name, each in sorted(found.items())
        ]

    @registry.command("export", skips_camera=_is_time, new_file="name")
    async def export(
        server: Server, camera: RecordedCamera, start: str, duration: str, name: str | None = None
    ) -> Answer:
        """Write what was recorded at a time to a new recording: export 2026-11-29T14:03 5m.

        START is in UNIX seconds or ISO 8601. The new file begins with the key frame at or before
        START; nothing is encoded again. Gaps between recordings are left out, and the answer has
        their number and length (gaps, missing_seconds). If the codec or the size changes meanwhile,
        nothing is written, and the error says which part can be exported.
        """
        begin, length = moment(start, "start"), parse_seconds(duration, "duration")
        if length > MAX_EXPORT:
            raise BadArgument(f"duration={duration}: an export has at most 4 days")
        shown = await server.playback.find_camera(camera.name)
        result, piece = await server.playback.export(shown, begin, length, name)
        gaps = piece.gaps
        return {
            "recording": result.name,
            "start": round(piece.start, 3),
            "seconds": round(result.seconds, 3),
            "frames": result.frames,
            "size": result.bytes,
            "gaps": len(gaps),
            "missing_seconds": round(sum(each for _, each in gaps), 3),
        }

    @registry.command("timelapse", skips_camera=_is_time, new_file="name")
    async def timelapse(
        server: Server,
        camera: RecordedCamera,
        start: str,
        end: str,
        seconds: str,
        name: str | None = None,
    ) -> Answer:
        """Render a film of SECONDS from what was recorded from START to END.

        It is made of key frames of the recordings, at the lowest priority, one film at a time. The
        answer has the film's name as soon as it has begun; 'timelapse status' shows its progress,
        and an event says when it is saved. (A timelapse of what the camera shows from now on is
        'record start --every'.)
        """
        begin, until = moment(start, "start"), moment(end, "end")
        if until <= begin:
            raise BadArgument("end must be later than start")
        length = parse_seconds(seconds, "seconds")
        shown = await server.playback.find_camera(camera.name)
        entries = await server.playback.entries(shown, begin, until)
        job = server.timelapses.start(shown, entries, begin, until, length, name)
        return {"recording": job.name, "pictures": job.count}

    @registry.command("timelapse status", right="view", items="timelapses")
    def timelapse_status(server: Server) -> Answer:
        """Show the timelapse that is being rendered, with its progress, or how the last one ended.

        Its state is rendering, saved, or failed with a reason.
        """
        job = server.timelapses.job
        if job is None:
            return []
        percent = round(100 * job.done / max(1, job.count), 1)
        shown = {"recording": job.name, "camera": job.camera, "state": job.state}
        return [{**shown, "percent": percent, "reason": job.reason}]

    @registry.command("timelapse cancel", default_camera=_rendered_camera)
    async def timelapse_cancel(server: Server, camera: RecordedCamera) -> Answer:
        """Cancel the timelapse of a camera that is being rendered; nothing of it is kept.

        Without CAMERA, it is the one that is being rendered.
        """
        name = await server.playback.find_camera(camera.name)
        if not await server.timelapses.cancel(name):
            raise BadArgument(f"no timelapse of {name} is being rendered")
        return None

    @registry.command("protect")
    async def protect(server: Server, name: RecordingName) -> Answer:
        """Keep a recording whatever the limits are, until it is unprotected: protect garage.mp4."""
        changed = await server.library.protect(name, True)
        return None if changed else {"note": f"{name} was protected already"}

    @registry.command("unprotect")
    async def unprotect(server: Server, name: RecordingName) -> Answer:
        """Let a protected recording be deleted again, to make room or on request."""
        changed = await server.library.protect(name, False)
        return None if changed else {"note": f"{name} was not protected"}


def _rendered_camera(server: Server) -> str | None:
    job = server.timelapses.job
    return job.camera if job is not None and job.state == "rendering" else None


def _is_time(cameras: VisibleCameras, word: str) -> bool:
    return word[:1].isdigit()


def _describe(span: Span, with_names: bool) -> dict[str, Any]:
    described: dict[str, Any] = {"start": round(span.start, 3), "end": round(span.end, 3)}
    if with_names:
        return {**described, "recordings": [each.recording for each in span.entries]}
    return {**described, "files": len(span.entries)}
