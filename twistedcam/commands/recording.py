"""The commands about recordings and snapshots."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from twistedcam.commands.cameras import VisibleCameras
from twistedcam.commands.command import Answer
from twistedcam.commands.registry import Registry
from twistedcam.errors import NotRecording
from twistedcam.recording import Item, write_snapshot
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.recording.writer.file_names import has_suffix
from twistedcam.recording.writer.session import Progress
from twistedcam.util.camera_name import file_stem, url_safe
from twistedcam.util.quantities import seconds as parse_seconds

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


def add_recording_commands(registry: Registry) -> None:
    """Add them to a registry."""

    @registry.command("record start", looks_right=_is_file_name, new_file="name")
    async def record_start(
        server: Server, camera: Camera, name: str | None = None, *, every: str | None = None
    ) -> Answer:
        """Record from now on; answers with the file's name.

        The answer comes when the first picture is on the disk. If the camera has no picture now,
        it says so (waiting), and the recording begins with the next one. The stream is started too
        if it is stopped. NAME is a plain file name; its ending chooses the format: .mp4 H.264,
        .mkv .avi .mov the camera's own JPEGs. What the pre-roll holds comes first. --every 10s
        makes a timelapse: one frame each 10 s, played at 30 a second.
        """
        period = None if every is None else parse_seconds(every, "every")
        recorder = server.channels[camera.name].recorder
        if recorder.state != "recording":
            recorder.check(name)
        if camera.state in ("stopped", "starting"):
            await camera.start()
        began = recorder.start(name, period)
        waiting = await recorder.begun()
        answer: dict[str, Any] = {"recording": recorder.name or began}
        return answer if waiting is None else {**answer, "waiting": f"no picture yet ({waiting})"}

    @registry.command("record stop", meant=_the_one_that_records)
    async def record_stop(server: Server, camera: Camera) -> Answer:
        """Finish the recording; answers with its name, when the file is whole.

        Without CAMERA it is the recording of the only camera that records.
        Of a recording in several files it is the last one's name, and the seconds, frames and
        bytes of all of them. It fails with camera-failed if no picture came: there is no file then;
        with the reason if the recording has ended by itself; with not-recording if there was none.
        """
        recorder = server.channels[camera.name].recorder
        begins_again = recorder.begins_again
        progress = await recorder.stop()
        if progress is None and begins_again:
            return {"note": f"the recording of {camera.name} does not begin again"}
        if recorder.failure is not None:
            raise recorder.failure
        if progress is None:
            raise NotRecording(f"{camera.name} is not being recorded")
        return _told(progress)

    @registry.command("record save-last", looks_right=_is_length)
    async def record_save_last(server: Server, camera: Camera, seconds: str) -> Answer:
        """Write what the pre-roll holds of the last seconds: record save-last 30s."""
        length = parse_seconds(seconds, "seconds")
        return _told(await server.channels[camera.name].recorder.save_last(length))

    @registry.command("snapshot", looks_right=_is_file_name, new_file="name")
    async def snapshot(server: Server, camera: Camera, name: str | None = None) -> Answer:
        """Write the newest picture beside the recordings; answers with the file's name."""
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
        # A picture has no metadata: whose it is only its file's name says.
        return [{**each, "camera": forms.get(each["camera"], each["camera"])} for each in found]

    @registry.command("recordings", right="view", items="recordings")
    async def recordings(server: Server) -> Answer:
        """List the recordings, newest first, those being written among them."""
        return await server.library.shown(_shown)

    @registry.command("recordings delete")
    async def recordings_delete(server: Server, name: str) -> Answer:
        """Delete a recording or a snapshot."""
        await server.library.delete(name)
        return None


def _is_file_name(cameras: VisibleCameras, word: str) -> bool:
    return has_suffix(word)


def _the_one_that_records(server: Server) -> str | None:
    recording = [
        name for name, each in server.channels.items() if each.recorder.state == "recording"
    ]
    return recording[0] if len(recording) == 1 else None


def _is_length(cameras: VisibleCameras, word: str) -> bool:
    return word[:1].isdigit()


def _told(progress: Progress) -> dict[str, Any]:
    told = {
        "recording": progress.name,
        "seconds": round(progress.seconds, 3),
        "frames": progress.frames,
        "size": progress.bytes,
        "dropped": progress.dropped,
    }
    return told | ({"files": progress.files} if progress.files > 1 else {})


def _shown(item: Item) -> dict[str, Any]:
    """A recording in a list; ``when`` is local time, ``start`` seconds since the UNIX epoch."""
    shown = item.as_dict()
    for name in ("own", "since", "boot", "up"):
        del shown[name]
    when = datetime.fromtimestamp(item.start).astimezone().isoformat(timespec="seconds")
    return {"recording": shown.pop("recording"), "when": when, **shown}
