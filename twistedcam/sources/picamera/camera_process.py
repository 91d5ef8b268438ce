"""The program that reads a Raspberry Pi camera with Picamera2.

The Python that has Picamera2 runs it, which often is the system's and not that of the server. So it
imports nothing of twistedcam, and runs with Python 3.9 or newer.

Standard input has a request as a line of JSON, and later changes of controls; the process ends with
it. Standard output has messages: kind (1 byte), length (4 bytes, big-endian), body (messages.py).
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any, BinaryIO

OPENED, PICTURE, FAILED, ANSWER, LIST = 1, 2, 3, 4, 5
HEAD = struct.Struct("!BI")
#: Time of capture in microseconds since the UNIX epoch, 1 for a key frame, pictures lost so far.
PICTURE_HEAD = struct.Struct("!qBI")
#: Pictures that wait for the server at most; a newer one is lost then.
WAITING = 4
#: The least and the greatest age of a picture, in seconds, by the clock of its timestamp.
YOUNGEST, OLDEST = -0.5, 10.0
#: Seconds between two key frames of H.264.
GROUP = 1.0
#: Bits for each pixel: of H.264 as usual for surveillance, of JPEG for a quality of about 80.
H264_BITS, JPEG_BITS = 0.1, 1.0


class Failure(Exception):
    """The camera cannot be read. The message says why, and what to do."""


class MessageSender:
    """Sends messages to the server, pictures in a thread so that a slow server delays no camera.

    Arguments:
        file: the server's end of standard output.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._pictures: queue.Queue[bytes] = queue.Queue(WAITING)
        self.lost = 0
        threading.Thread(target=self._send_pictures, daemon=True).start()

    def send(self, kind: int, body: Any) -> None:
        """Send a message at once. The body is bytes, or is sent as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        with self._lock:
            self._file.write(HEAD.pack(kind, len(data)) + data)
            self._file.flush()

    def send_picture(self, data: bytes, time_us: int, is_keyframe: bool) -> bool:
        """Send a picture soon. Return False if it is lost."""
        body = PICTURE_HEAD.pack(time_us, is_keyframe, self.lost) + data
        try:
            self._pictures.put_nowait(body)
        except queue.Full:
            self.lost += 1
            return False
        return True

    def _send_pictures(self) -> None:
        while True:
            body = self._pictures.get()
            try:
                self.send(PICTURE, body)
            except OSError:  # the server is gone
                os._exit(0)


def wall_time(sensor_us: float) -> int:
    """Return a time of the sensor in microseconds since the UNIX epoch.

    libcamera gives times of CLOCK_BOOTTIME; some drivers use CLOCK_MONOTONIC, which differs after
    the computer has slept. A time that fits neither is replaced by that of arrival.
    """
    now = time.time()
    for clock in (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC):
        age = time.clock_gettime(clock) - sensor_us / 1e6
        if YOUNGEST < age < OLDEST:
            return round((now - max(age, 0.0)) * 1e6)
    return round(now * 1e6)


def make_output(sender: MessageSender, encoder: Any, is_h264: bool) -> Any:
    """Return an output of Picamera2 that sends what the encoder makes."""
    from picamera2.outputs import Output

    class SendingOutput(Output):  # type: ignore[misc]
        has_lost = False

        def outputframe(
            self,
            frame: Any,
            keyframe: bool = True,
            timestamp: int | None = None,
            packet: Any = None,
            audio: bool = False,
        ) -> None:
            """Send a picture. Its timestamp counts from the first one of the encoder."""
            if audio or frame is None:
                return
            if self.has_lost and is_h264 and not keyframe:
                return
            first = getattr(encoder, "firsttimestamp", None)
            if timestamp is None or first is None:
                captured = round(time.time() * 1e6)
            else:
                captured = wall_time(first + timestamp)
            self.has_lost = not sender.send_picture(bytes(frame), captured, bool(keyframe))
            if self.has_lost and is_h264 and hasattr(encoder, "force_key_frame"):
                encoder.force_key_frame()

    return SendingOutput()


def make_encoder(request: dict[str, Any], width: int, height: int, fps: float) -> tuple[Any, str]:
    """Return the encoder for a format, and its name: in hardware if this computer has one."""
    from picamera2 import encoders

    pixels = width * height * fps
    if request["format"] == "h264":
        rate = request.get("bitrate") or int(pixels * H264_BITS)
        period = max(1, round(fps * GROUP))
        encoder = encoders.H264Encoder(bitrate=rate, repeat=True, iperiod=period)
    else:
        try:
            encoder = encoders.MJPEGEncoder(
                bitrate=request.get("bitrate") or int(pixels * JPEG_BITS)
            )
        except RuntimeError:  # Raspberry Pi 5: it has no encoder for JPEG
            encoder = encoders.JpegEncoder(q=80)
    if getattr(encoder, "framerate", 0) in (None, 30):
        encoder.framerate = fps
    return encoder, type(encoder).__name__


def find_camera(cameras: list[dict[str, Any]], wanted: Any) -> int:
    """Return the number of a camera.

    Arguments:
        wanted: its number, or a part of its id or its model.
    """
    if not cameras:
        raise Failure(
            "no Raspberry Pi camera was found: check its cable"
            " ('rpicam-hello --list-cameras' lists the cameras)"
        )
    if isinstance(wanted, int):
        if wanted < len(cameras):
            return wanted
    else:
        found = [
            n for n, each in enumerate(cameras) if wanted in (each.get("Id"), each.get("Model"))
        ]
        if len(found) == 1:
            return found[0]
    have = ", ".join(f"{n} ({each.get('Model', 'unknown')})" for n, each in enumerate(cameras))
    raise Failure(f"there is no camera {wanted}: there is {have}")


def pi_cameras() -> list[dict[str, Any]]:
    """Return what Picamera2 says of the cameras at a connector. Webcams come behind them."""
    from picamera2 import Picamera2

    return [each for each in Picamera2.global_camera_info() if "/usb" not in each.get("Id", "")]


def reason_of(error: BaseException) -> str:
    """Return the reason of an error of Picamera2, which wraps those of libcamera."""
    texts = []
    seen: BaseException | None = error
    while seen is not None:
        texts.append(str(seen) or type(seen).__name__)
        seen = seen.__cause__ or seen.__context__
    whole = " ".join(texts).lower()
    if "busy" in whole or "acquire" in whole or "in use" in whole:
        return "another program uses the camera"
    if "not found" in whole or "no such device" in whole:
        return "the camera does not answer: check its cable"
    if "permission" in whole:
        return "this user may not use the camera: it has to be in the group 'video'"
    return texts[-1]


def numbers(controls: dict[str, Any]) -> dict[str, list[float]]:
    """Return lowest, highest and default value of those controls that are numbers."""
    found = {}
    for name, (low, high, default) in controls.items():
        if all(isinstance(each, (int, float)) for each in (low, high)):
            usual = default if isinstance(default, (int, float)) else low
            found[name] = [float(low), float(high), float(usual)]
    return found


def open_camera(request: dict[str, Any], sender: MessageSender) -> Any:
    """Open the camera as requested, begin to send, and return it."""
    from libcamera import Transform
    from picamera2 import Picamera2

    cameras = pi_cameras()
    number = find_camera(cameras, request["camera"])
    camera = Picamera2(number)
    width, height = request["size"]
    main = {"size": (width - width % 2, height - height % 2), "format": "YUV420"}
    period = round(1e6 / request["fps"])
    known = numbers(camera.camera_controls)
    wanted = {name: value for name, value in request["controls"].items() if name in known}
    video = camera.create_video_configuration(
        main=main,
        transform=Transform(hflip=request["hflip"], vflip=request["vflip"]),
        controls={"FrameDurationLimits": (period, period), **wanted},
    )
    camera.configure(video)
    known = numbers(camera.camera_controls)
    shortest, longest, _ = known.get("FrameDurationLimits", [period, period, period])
    granted = min(max(period, shortest), longest)
    if granted != period:
        camera.set_controls({"FrameDurationLimits": (int(granted), int(granted))})
    width, height = camera.camera_configuration()["main"]["size"]
    fps = 1e6 / granted
    encoder, name = make_encoder(request, width, height, fps)
    output = make_output(sender, encoder, request["format"] == "h264")
    opened = {
        "width": width,
        "height": height,
        "fps": round(fps, 3),
        "model": str(cameras[number].get("Model", "")),
        "encoder": name,
        "controls": known,
        "missing": sorted(set(request["controls"]) - set(wanted)),
    }
    sender.send(OPENED, opened)
    camera.start_recording(encoder, output)
    return camera


def obey(camera: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Set controls, or read the values that the camera has now."""
    if "set" in order:
        try:
            camera.set_controls(order["set"])
        except Exception as error:
            return {"id": order["id"], "error": reason_of(error)}
        return {"id": order["id"], "values": {}}
    found = camera.capture_metadata()
    values = {name: each for name, each in found.items() if isinstance(each, (int, float))}
    return {"id": order["id"], "values": values}


def list_cameras() -> list[dict[str, Any]]:
    """Return the cameras, each with its modes, or with the problem that hides them."""
    from picamera2 import Picamera2

    found = []
    for number, each in enumerate(pi_cameras()):
        item: dict[str, Any] = {"id": each.get("Id", ""), "model": each.get("Model", "")}
        try:
            camera = Picamera2(number)
            try:
                item["modes"] = [
                    {"size": list(mode["size"]), "fps": mode["fps"]}
                    for mode in camera.sensor_modes
                    if "fps" in mode
                ]
            finally:
                camera.close()
        except Exception as error:
            item["problem"] = reason_of(error)
        found.append(item)
    return found


def serve(lines: Iterable[bytes], sender: MessageSender) -> None:
    """Read the request and what follows it, until the input is closed."""
    requests = iter(lines)
    request = json.loads(next(requests, b"{}"))
    if not request:
        return
    try:
        import picamera2  # noqa: F401
    except ImportError as error:
        where = sys.executable or "this Python"
        raise Failure(f"Picamera2 cannot be imported by {where}: {error}") from None
    if request.get("list"):
        sender.send(LIST, list_cameras())
        return
    camera = open_camera(request, sender)
    try:
        for line in requests:
            sender.send(ANSWER, obey(camera, json.loads(line)))
    finally:
        camera.stop_recording()
        camera.close()


def main() -> None:
    """Serve, and report a failure. What libraries print goes to standard error."""
    sender = MessageSender(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    status = 0
    try:
        serve(sys.stdin.buffer, sender)
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            sender.send(FAILED, {"reason": reason_of(error)})
        status = 1
    except Failure as failure:
        sender.send(FAILED, {"reason": str(failure)})
        status = 1
    except Exception as error:
        sender.send(FAILED, {"reason": reason_of(error)})
        status = 1
    sys.stderr.flush()
    os._exit(status)  # threads of libcamera may hang


if __name__ == "__main__":
    sys.path[:1] = []  # the folder of this file has modules of twistedcam
    main()
