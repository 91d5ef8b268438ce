"""The commands about recordings and snapshots."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twistedcam.commands.command import Answer, RecordingName
from twistedcam.commands.registry import Registry
from twistedcam.commands.visible_cameras import VisibleCameras
from twistedcam.errors import BadArgument, NotRecording
from twistedcam.recording import LibraryEntry, write_snapshot
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.recording.writer.file_names import has_suffix
from twistedcam.recording.writer.session import Progress
from twistedcam.util.camera_name import file_stem, url_safe
from twistedcam.util.quantities import moment
from twistedcam.util.quantities import seconds as parse_seconds

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

#: Requests of recordings by what happens in the picture.
_EVENTS = frozenset({"motion", "process"})


def add_recording_commands(registry: Registry) -> None:
    """Add the commands that begin with ``record`` and ``snapshot``."""

    @registry.command("record start", skips_camera=_is_file_name, new_file="name")
    async def record_start(
        server: Server, camera: Camera, name: str | None = None, *, every: str | None = None
    ) -> Answer:
        """Start a recording; answers with the file's name.

        The answer comes when the first picture is on the disk. If the camera has no picture now,
        the answer says so (waiting), and the recording begins with the next one. A stopped stream
        is started, too. NAME is a plain file name; its extension selects the format: .mp4 for
        H.264, .mkv .avi .mov for the camera's own JPEGs. The recording begins with the pre-roll.
        --every 10s makes a timelapse: one frame every 10 s, played at 30 frames per second.
        """
        period = None if every is None else parse_seconds(every, "every")
        recorder = server.channels[camera.name].recorder
        motion = server.channels[camera.name].motion
        is_other = recorder.reasons == {"motion"} and (name is not None or period is not None)
        if recorder.state != "recording" or is_other:
            recorder.check(name)
        if camera.state in ("stopped", "starting"):
            await camera.start()
        if is_other:  # the file that motion has begun is complete; this recording has both
            await recorder.stop()
        began = recorder.start(name, period)
        motion.rejoin()
        waiting = await recorder.wait_for_first_picture()
        answer: dict[str, Any] = {"recording": recorder.name or began}
        return answer if waiting is None else {**answer, "waiting": f"no picture yet ({waiting})"}

    @registry.command("record stop", default_camera=_only_recording_camera)
    async def record_stop(server: Server, camera: Camera) -> Answer:
        """Finish the recording; answers with its name when the file is complete.

        Without CAMERA, this is the recording of the only camera that records. For a recording in
        several files, the answer has the name of the last one, and the seconds, frames and bytes of
        all of them. It fails with camera-failed if no picture came, and no file was written; with
        the reason if the recording has ended by itself; with not-recording if there was none.
        If motion holds the recording too, it goes on until the motion has ended; the answer has a
        note.
        """
        recorder = server.channels[camera.name].recorder
        if "command" in recorder.reasons and recorder.reasons & _EVENTS:
            recorder.release(recorder.reasons - _EVENTS)
            return {"recording": recorder.name, "note": "it goes on until the motion has ended"}
        begins_again = recorder.begins_again
        progress = await recorder.stop()
        if progress is None and begins_again:
            return {"note": f"the recording of {camera.name} will not begin again"}
        if recorder.failure is not None:
            raise recorder.failure
        if progress is None:
            raise NotRecording(f"{camera.name} is not being recorded")
        return _describe(progress)

    @registry.command("record save-last", skips_camera=_is_length)
    async def record_save_last(server: Server, camera: Camera, seconds: str) -> Answer:
        """Write the last seconds of the pre-roll to a file: record save-last 30s."""
        length = parse_seconds(seconds, "seconds")
        return _describe(await server.channels[camera.name].recorder.save_last(length))

    @registry.command("snapshot", skips_camera=_is_file_name, new_file="name")
    async def snapshot(server: Server, camera: Camera, name: str | None = None) -> Answer:
        """Save the newest picture with the recordings; answers with the file's name."""
        server.snapshots.acquire(f"camera {camera.name}")
        settings = server.channels[camera.name].recorder.settings
        check_mount(server.recordings, settings.require_mount)
        frame = await camera.picture()
        written = await write_snapshot(
            server.recordings, camera, frame, name, server.make_thread, server.events, settings
        )
        return {"snapshot": written}

    @registry.command("snapshots", right="view", items="snapshots")
    async def snapshots(server: Server) -> Answer:
        """List the snapshots, newest first."""
        found = await server.library.snapshots()
        forms = {
            form: name for name in server.cameras for form in (file_stem(name), url_safe(name))
        }
        # A snapshot has no metadata: only its file name tells the camera.
        return [{**each, "camera": forms.get(each["camera"], each["camera"])} for each in found]

    @registry.command("recordings", right="view", items="recordings")
    async def recordings(
        server: Server, *, limit: str | None = None, before: str | None = None
    ) -> Answer:
        """List the recordings, newest first, including unfinished ones.

        --limit 100 lists the newest 100; with --before TIME (UNIX seconds or ISO 8601), only those
        that began earlier: so a long list can be read in parts.
        """
        until = math.inf if before is None else moment(before, "before")
        most = None if limit is None else _read_limit(limit)
        return await server.library.shown(_shown, most, lambda item: item.start < until)

    @registry.command("recordings delete")
    async def recordings_delete(server: Server, name: RecordingName) -> Answer:
        """Delete a recording or a snapshot."""
        await server.library.delete(name)
        return None

    @registry.command("rename")
    async def rename(server: Server, name: RecordingName, new: str) -> Answer:
        """Give a recording or a snapshot another name: rename garage.mp4 visit.mp4.

        NEW is a plain file name with the same ending, which may be left out. Another file is never
        replaced, and a recording that is being written keeps its name. Its events and its
        protection follow. A renamed recording is not deleted because of limits such as keep. The
        answer has the new name.
        """
        return {"recording": await server.library.rename(name, new)}


def _read_limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000):
        raise BadArgument(f"limit={text[:80]!r} is not a number from 1 to 1000000")
    return int(text)


def _is_file_name(cameras: VisibleCameras, word: str) -> bool:
    return has_suffix(word)


def _only_recording_camera(server: Server) -> str | None:
    recording = [
        name for name, each in server.channels.items() if each.recorder.state == "recording"
    ]
    return recording[0] if len(recording) == 1 else None


def _is_length(cameras: VisibleCameras, word: str) -> bool:
    return word[:1].isdigit()


def _describe(progress: Progress) -> dict[str, Any]:
    description = {
        "recording": progress.name,
        "seconds": round(progress.seconds, 3),
        "frames": progress.frames,
        "size": progress.bytes,
        "dropped": progress.dropped,
    }
    return description | ({"files": progress.files} if progress.files > 1 else {})


def _shown(item: LibraryEntry) -> dict[str, Any]:
    """Describe a recording; ``when`` is local time, ``start`` is in UNIX seconds."""
    shown = item.as_dict()
    for name in ("own", "since", "boot", "up", "fps", "layout"):
        del shown[name]
    when = datetime.fromtimestamp(item.start).astimezone().isoformat(timespec="seconds")
    return {"recording": shown.pop("recording"), "when": when, **shown}
