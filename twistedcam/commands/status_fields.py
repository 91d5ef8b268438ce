"""The status of cameras and viewers, as in the answers on every port."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from twistedcam.core.broker_state import broker_status
from twistedcam.util.camera_name import url_safe

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.stream.viewers import Viewer


def camera_summary(server: Server, camera: Camera) -> dict[str, Any]:
    """Describe a camera in a list."""
    recorder = server.channels[camera.name].recorder
    return {
        "camera": camera.name,
        "title": camera.title or camera.name,
        "url_name": url_safe(camera.name),
        "state": camera.state,
        "reason": camera.reason,
        "source": camera.spec.shown,
        "size": f"{camera.width}x{camera.height}",
        "fps": round(camera.rate.current(server.clock.seconds()), 1),
        "viewers": len(server.viewers.of(camera.name)),
        "recording": recorder.name,
    }


def camera_status(server: Server, camera: Camera) -> dict[str, Any]:
    """Describe a camera in full. ``…_ms`` is in milliseconds, other times are in seconds."""
    now = server.clock.seconds()
    recorder = server.channels[camera.name].recorder
    viewers = server.viewers.of(camera.name)
    newest = camera.stream.newest
    granted, counts, asked = camera.source_info, camera.counts, _asked(camera)
    fault = camera.last_fault
    return {
        **camera_summary(server, camera),
        "device": granted.detail or None,
        "path": granted.device or None,
        "asked_size": asked.get("size"),
        "granted_size": f"{granted.width}x{granted.height}" if granted.width else None,
        "asked_fps": asked.get("fps"),
        "granted_fps": round(granted.fps, 3),
        "asked_format": asked.get("format"),
        "format": granted.format or None,
        "note": granted.note or None,
        "codec": camera.stream.codec,
        "codecs": ", ".join(camera.stream.codecs),
        "transcoding": _transcoding(camera),
        **_sound(camera),
        "substream": _substream(server, camera),
        "encoder": _encoders(camera),
        "encoder_note": "; ".join(_encoder_notes(camera)) or None,
        "average_fps": round(camera.rate.average(now), 1),
        "frames": counts.frames,
        "bytes": counts.bytes,
        "encoded": counts.encoded,
        "passed_through": counts.passed,
        "turned": counts.turned,
        "turning": camera.encoder.turning,
        "repaired": counts.repaired,
        "corrupt": counts.corrupt,
        "lost": camera.lost,
        "drops": sum(viewer.drops for viewer in viewers),
        "age_ms": None if newest is None else round((time.time() - newest.time) * 1000, 1),
        "live_seconds": None if camera.live_since is None else round(now - camera.live_since, 1),
        "restarts": counts.restarts,
        "last_fault": None if fault is None else fault[1],
        "last_fault_age": None if fault is None else round(now - fault[0], 1),
        "viewers_tcp": sum(viewer.kind == "tcp" for viewer in viewers),
        "viewers_http": sum(viewer.kind == "http" for viewer in viewers),
        "viewers_rtsp": sum(viewer.kind == "rtsp" for viewer in viewers),
        "recording_seconds": round(recorder.result.seconds, 3) if recorder.name else None,
        "recording_frames": recorder.result.frames if recorder.name else None,
        "recording_dropped": recorder.dropped if recorder.name else None,
        "recording_bytes": recorder.result.bytes if recorder.name else None,
        "recording_files": recorder.result.files if recorder.name else None,
        "recording_format": str(recorder.format) if recorder.format else None,
        "recording_waiting": recorder.waiting,
        "recording_code": recorder.failure.code if recorder.failure else None,
        "recording_reason": str(recorder.failure) if recorder.failure else None,
        "motion": server.channels[camera.name].motion.state,
        "motion_score": server.channels[camera.name].motion.score,
        "ptz": "yes" if server.channels[camera.name].ptz.is_available else "no",
        "ptz_axes": ", ".join(server.channels[camera.name].ptz.axes) or None,
        "published": _published(server, camera),
        "preroll_seconds": round(recorder.preroll.span, 3) if recorder.preroll else None,
        "preroll_bytes": recorder.preroll.bytes if recorder.preroll else None,
        "delivery": ", ".join(sorted({viewer.path for viewer in viewers})) or None,
        "workers": server.delivery.workers,
        **_processing(server, camera),
        **broker_status(server.broker, now),
        "uptime": round(now - server.started_at, 1),
    }


def _transcoding(camera: Camera) -> str:
    """Say what is transcoded now, and for how many; ``none`` if nothing is."""
    made = []
    for source, codec, takers in camera.stream.transcoding():
        made.append(f"{source}→{codec}: {takers} viewer{'' if takers == 1 else 's'}")
    return ", ".join(made) or "none"


def _sound(camera: Camera) -> dict[str, Any]:
    """Describe the camera's sound; ``audio`` is such as ``opus 48000 Hz 1 ch``."""
    track, shown = camera.stream.audio.track, None
    if track is not None:
        rate = f" {int(track.rate)} Hz" if track.rate else ""
        shown = f"{track.codec}{rate}{f' {track.channels} ch' if track.channels else ''}"
    peak, level = camera.stream.audio.level(time.time_ns() // 1000) or (None, None)
    return {
        "audio": shown,
        "audio_state": camera.audio.state,
        "audio_reason": camera.audio.reason,
        "muted": camera.audio.is_muted,
        "audio_level_db": level,
        "audio_peak_db": peak,
        "audio_offset_ms": camera.audio.settings.offset_ms,
    }


def _substream(server: Server, camera: Camera) -> str | None:
    """Say the state of the camera's smaller stream; None without one."""
    found = server.channels[camera.name].substream
    return None if found is None else found.state


def _encoders(camera: Camera) -> str | None:
    """Name the encoders that are active, each once; None if there is none."""
    names = (each.name for each in camera.stream.h264_transcoders)
    return ", ".join(dict.fromkeys(filter(None, names))) or None


def _encoder_notes(camera: Camera) -> set[str]:
    """Say why active encoders are not the requested ones."""
    return {each.note for each in camera.stream.h264_transcoders if each.note}


def _published(server: Server, camera: Camera) -> str | None:
    """List the camera's publish targets with their states."""
    targets = server.channels[camera.name].outputs
    return ", ".join(f"{each.target.name} {each.state}" for each in targets) or None


def _processing(server: Server, camera: Camera) -> dict[str, Any]:
    """Describe the user code that makes this camera, if any."""
    processor = server.channels[camera.name].processor
    if processor is None:
        return {}
    return {
        "process": processor.process.code.text,
        "process_in": processor.process.runs_in,
        "process_fps": round(processor.rate.current(server.clock.seconds()), 1),
        "process_ms": round(processor.seconds * 1000, 1),
        "process_longest_ms": round(processor.longest * 1000, 1),
        "process_frames": processor.frames,
        "process_results": processor.results,
        "process_skipped": processor.skipped,
        "process_corrupt": processor.corrupt,
        "process_failures": processor.failures,
    }


def _asked(camera: Camera) -> dict[str, Any]:
    """Return the mode that the source requested, or will request."""
    asked = camera.source_info.asked
    if asked is None:
        return dict(camera.spec.settings)
    return {"size": f"{asked.width}x{asked.height}", "fps": asked.fps, "format": asked.format}


def viewer_status(viewer: Viewer, now: float) -> dict[str, Any]:
    """Describe a viewer; ``age_ms`` is the age of the last picture that was sent."""
    age = None if not viewer.last_time_us else (time.time() * 1e6 - viewer.last_time_us) / 1000
    return {
        "viewer": viewer.id,
        "address": viewer.address,
        "kind": viewer.kind,
        "camera": viewer.camera,
        "fps": round(viewer.rate.current(now), 1),
        "frames": viewer.frames,
        "bytes": viewer.bytes,
        "drops": viewer.drops,
        "age_ms": None if age is None else round(age, 1),
        "path": viewer.path,
        "loss_percent": None if viewer.loss is None else round(viewer.loss * 100, 1),
        "seconds": round(now - viewer.joined, 1),
    }
