"""Taking over a changed configuration while the server runs: only what has changed is touched."""

from __future__ import annotations

import signal
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from twistedcam.camera import check_source
from twistedcam.config.options import OPTIONS, ServeOptions
from twistedcam.processing import Process, check_code
from twistedcam.sources.spec import SourceSpec

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()


async def apply_options(server: Server, began: ServeOptions, after: ServeOptions) -> dict[str, Any]:
    """Add, remove and change cameras so that they are as ``after`` says.

    A camera's viewers, recording and publish targets stay when its settings change; a camera that
    the configuration has no more ends them in good order. What was set while running stays, unless
    the configuration says something else of that camera now. What each was configured as is asked
    of the server: a reload that failed half way is made up for by the next.

    Arguments:
        began: what the server was started with.

    Returns:
        What was done, for a person: ``added``, ``removed``, ``changed``, ``needs_restart``.

    Raises:
        BadArgument, StartupError: a source or user code is not valid; nothing has changed.
    """
    for spec in after.cameras.values():
        check_source(spec)
    wanted = {process.name: process for process in after.processes}
    await _check_new_code(server, wanted)
    runs = {name: each.process for name, each in server.processors.items()}
    # One of the same name that user code makes no longer, or makes now, is another camera.
    removed = [
        name
        for name in server.cameras
        if (name not in after.cameras and name not in wanted) or runs.get(name) != wanted.get(name)
    ]
    added = [
        name for name in (*after.cameras, *wanted) if name not in server.cameras or name in removed
    ]
    changed = []
    server.record_settings = after.record_settings  # its limits hold for all recordings together
    for name in removed:
        if name in server.cameras:  # user code has gone with its camera
            await server.remove_camera(name)
    for name, spec in after.cameras.items():
        recording = after.recording.get(name, after.record_settings)
        if name in added:
            server.add_camera(name, spec, recording, after.publish.get(name, ()))
            if not after.stopped:
                server.channels[name].start()
                server.channels[name].outputs.start()
            continue
        channel = server.channels[name]
        was = channel.configured
        if _are_different(was, spec):
            server.configure(name, spec, reopen=_are_different(was, spec, but=("quality", "title")))
            changed.append(name)
        if recording != channel.recorder.settings:
            channel.recorder.settings = recording
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
    restart = _need_restart(began, after)
    told = {"added": added, "removed": removed, "changed": changed, "needs_restart": restart}
    return {key: ", ".join(names) or None for key, names in told.items()}


def _need_restart(began: ServeOptions, after: ServeOptions) -> list[str]:
    """Keys of the configuration whose values are others than the server was started with."""
    return [
        each.key
        for each in OPTIONS.values()
        if each.name in ServeOptions.__struct_fields__ and not each.option.is_live
        if getattr(began, each.name) != getattr(after, each.name)
    ]


async def _check_new_code(server: Server, wanted: dict[str, Process]) -> None:
    """Import user code that does not run yet.

    Raises:
        StartupError: it cannot be had.
    """
    running = {each.process.code for each in server.processors.values()}
    for code in {process.code for process in wanted.values()} - running:
        await deferToThread(check_code, code)


def _are_different(one: SourceSpec, two: SourceSpec, but: Collection[str] = ()) -> bool:
    """Whether two sources are not the same, some settings perhaps left aside."""
    settings = [{k: v for k, v in each.settings.items() if k not in but} for each in (one, two)]
    return (one.scheme, one.target) != (two.scheme, two.target) or settings[0] != settings[1]


def reload_on_hangup(reactor: Any, server: Server) -> None:
    """Read the configuration again at SIGHUP; where there is none, or no SIGHUP, it is ignored."""
    if not hasattr(signal, "SIGHUP"):  # pragma: no cover - Windows
        return

    def reload() -> None:
        reloading = Deferred.fromCoroutine(server.reload())
        reloading.addErrback(
            lambda why: log.error("nothing was reloaded: {why}", why=why.getErrorMessage())
        )

    signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reload))
