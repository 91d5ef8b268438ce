"""Application of a changed configuration to a running server."""

from __future__ import annotations

import signal
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from twistedcam.camera import check_source
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.config.options import OPTIONS, ServeOptions
from twistedcam.core import login_file, saved_settings
from twistedcam.errors import TwistedcamError
from twistedcam.notifications import devices, vapid_key
from twistedcam.processing import Process, check_code
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.sources.spec import LIVE_SETTINGS, SourceSpec

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: What a server keeps beside its recordings that is not about them: logins, devices that get
#: notifications and the key for them, settings that were saved.
STATE_FILES = (login_file.FILE, devices.FILE, vapid_key.FILE, saved_settings.FILE)


async def apply_options(server: Server, began: ServeOptions, after: ServeOptions) -> dict[str, Any]:
    """Add, remove and change cameras to match new options.

    A camera whose settings change keeps its viewers, recording and publish targets. They are ended
    cleanly for a camera that is removed. Settings made at run time stay, unless the configuration
    of that camera has changed. The server keeps the previous configuration of each camera, so that
    the next reload completes one that failed.

    Arguments:
        began: the options that the server was started with.
        after: the new options.

    Returns:
        The names of ``added``, ``removed`` and ``changed`` cameras, and options that need a restart
        (``needs_restart``), each as text or None; and the names of ``hooks`` if they have changed.

    Raises:
        BadArgument, StartupError: a source or user code is not valid; nothing has changed.
    """
    for spec in after.cameras.values():
        check_source(spec)
    wanted = {process.name: process for process in after.processes}
    await _check_new_code(server, wanted)
    runs = {name: each.process for name, each in server.processors.items()}
    # A camera whose name belongs to other user code now is a new camera.
    removed = [
        name
        for name in server.cameras
        if (name not in after.cameras and name not in wanted) or runs.get(name) != wanted.get(name)
    ]
    added = [
        name for name in (*after.cameras, *wanted) if name not in server.cameras or name in removed
    ]
    changed = []
    server.record_settings = after.record_settings  # its limits apply to all recordings together
    for name in removed:
        if name in server.cameras:  # user code was removed with its camera
            await server.remove_camera(name)
    for name, spec in after.cameras.items():
        recording = after.recording.get(name, after.record_settings)
        if name in added:
            publish, motion = after.publish.get(name, ()), after.motion_settings.get(name)
            video = after.video_settings.get(name)
            server.add_camera(name, spec, recording, publish, motion, video)
            if not after.stopped:
                server.channels[name].start()
                server.channels[name].outputs.start()
            continue
        channel = server.channels[name]
        was = channel.configured
        if _are_different(was, spec):
            server.configure(name, spec, reopen=_are_different(was, spec, but=LIVE_SETTINGS))
            changed.append(name)
        if recording != channel.recorder.settings:
            channel.recorder.settings = recording
            changed += [name] * (name not in changed)
        motion = after.motion_settings.get(name)
        if motion != channel.motion.configured:
            channel.configure_motion(motion)
            changed += [name] * (name not in changed)
        video = after.video_settings.get(name, VideoSettings())
        if video != channel.video:
            channel.use_video(video)
            changed += [name] * (name not in changed)
        targets = after.publish.get(name, ())
        if await channel.outputs.change(targets, start=not after.stopped):
            changed += [name] * (name not in changed)
    for name, process in wanted.items():
        recording = after.recording.get(process.camera, after.record_settings)
        if name not in server.cameras:
            made = server.add_process(process, recording)
            if not after.stopped:
                made.start().addErrback(lambda _: None)
        elif recording != server.channels[name].recorder.settings:
            server.channels[name].recorder.settings = recording
            changed.append(name)
    server.automation.schedules.check()
    hooks = _change_hooks(server, after)
    restart = _changed_fixed_options(began, after)
    done = {"added": added, "removed": removed, "changed": changed, "needs_restart": restart}
    done |= {"hooks": hooks} if hooks else {}
    return {key: ", ".join(names) or None for key, names in done.items()}


def _changed_fixed_options(began: ServeOptions, after: ServeOptions) -> list[str]:
    """Return the keys of changed options that need a restart."""
    return [
        each.key
        for each in OPTIONS.values()
        if each.name in ServeOptions.__struct_fields__ and not each.option.is_live
        if getattr(began, each.name) != getattr(after, each.name)
    ]


def _change_hooks(server: Server, after: ServeOptions) -> list[str]:
    """Use the hooks of the options; return the names of those that are new, other or gone."""
    before = list(server.automation.hooks.hooks)
    server.automation.hooks.configure(after.hooks)
    new = [each.name for each in after.hooks if each not in before]
    names = [each.name for each in after.hooks]
    return new + [each.name for each in before if each.name not in names]


async def _check_new_code(server: Server, wanted: dict[str, Process]) -> None:
    """Import user code that does not run yet.

    Raises:
        StartupError: it cannot be imported.
    """
    running = {each.process.code for each in server.processors.values()}
    for code in {process.code for process in wanted.values()} - running:
        await deferToThread(check_code, code)


def _are_different(one: SourceSpec, two: SourceSpec, but: Collection[str] = ()) -> bool:
    """Return True if two sources differ, except for some settings."""
    settings = [{k: v for k, v in each.settings.items() if k not in but} for each in (one, two)]
    return (one.scheme, one.target) != (two.scheme, two.target) or settings[0] != settings[1]


def move_state(options: ServeOptions) -> None:
    """Move the state of a server that ends to the recordings folder that the next start uses.

    Files that are there stay. They may belong to another server.

    Arguments:
        options: those that the server was started with.
    """
    if options.read_again is None:
        return
    try:
        after = options.read_again()
        if after.recordings == options.recordings:
            return
        check_mount(after.recordings, after.record_settings.require_mount)
        after.recordings.mkdir(parents=True, exist_ok=True)
        before, new = HiddenFolder(options.recordings), HiddenFolder(after.recordings)
        for name in STATE_FILES:
            before.move(name, new)
    except (TwistedcamError, OSError) as error:
        log.warn(
            "logins and saved settings stay in {old}: {why}", old=options.recordings, why=error
        )


def reload_on_hangup(reactor: Any, server: Server) -> None:
    """Reload the configuration at SIGHUP, on systems that have it."""
    if not hasattr(signal, "SIGHUP"):  # pragma: no cover - Windows
        return

    def reload() -> None:
        reloading = Deferred.fromCoroutine(server.reload())
        reloading.addErrback(
            lambda why: log.error("nothing was reloaded: {why}", why=why.getErrorMessage())
        )

    signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reload))
