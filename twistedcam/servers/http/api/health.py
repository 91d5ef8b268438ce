"""Health checks: µStreamer's state document, and ``/healthz``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest, query

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


class Health:
    """Answers ``/state`` and ``/healthz``."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def state(self, request: HttpRequest) -> Reply:
        """Return the state of ``?camera=NAME``, by default the first camera."""
        camera = self._server.first_or_named(query(request, "camera"))
        return json_reply({"ok": True, "result": state_document(self._server, camera)})

    def healthz(self, request: HttpRequest) -> Reply:
        """Return 200 while every started camera is live or suspended without viewers, else 503.

        Failures of user code are reported but do not change the status: a supervisor that restarts
        the server would end all recordings because of a fault from which the server recovers.
        """
        found = {
            camera.name: camera.reason or f"it is {camera.state}"
            for camera in self._server.cameras.values()
            if camera.state not in ("stopped", "live")
        }
        failed = {name: found.pop(name) for name in self._server.processors if name in found}
        if not found:
            return json_reply({"ok": True, **({"processing": failed} if failed else {})})
        message = "; ".join(f"{name}: {reason}" for name, reason in found.items())
        body = {"ok": False, "code": "camera-failed", "message": message, "cameras": found}
        reply = json_reply(body, 503)
        reply.headers["Retry-After"] = "2"
        return reply


def state_document(server: Server, camera: Camera) -> dict[str, Any]:
    """Return ``result`` of ``/state`` with the keys that clients of µStreamer read."""
    now = server.clock.seconds()
    viewers = server.viewers.of(camera.name)
    passes = camera.counts.passed > 0
    return {
        "instance_id": camera.name,
        "encoder": {
            "type": "HW" if passes else "CPU",
            "quality": JpegEncoder.from_spec(camera.spec).quality,
        },
        "source": {
            "online": camera.state == "live",
            "resolution": {"width": camera.width, "height": camera.height},
            "desired_fps": round(camera.source_info.fps),
            "captured_fps": round(camera.rate.current(now)),
        },
        "stream": {
            "queued_fps": round(max((each.rate.current(now) for each in viewers), default=0)),
            "clients": len(viewers),
            "clients_stat": {
                f"{each.id:016x}": {
                    "fps": round(each.rate.current(now)),
                    "extra_headers": each.kind == "http",
                    "advance_headers": False,
                    "dual_final_frames": False,
                    "zero_data": False,
                    "key": "",
                }
                for each in viewers
            },
        },
    }
