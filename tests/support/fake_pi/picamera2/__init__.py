"""A camera with the interface of Picamera2 0.3.36 that is used, and with moods.

The folder FAKE_PI has a file ``mood``: ``ok``, ``none`` (no camera), ``busy``, ``stall`` (no
picture comes), ``broken`` (it cannot be configured). The file ``pid`` has the number of the process
that uses the camera, and ``controls`` all that was set.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

FOLDER = Path(os.environ["FAKE_PI"])
CONTROLS = {
    "AeEnable": (False, True, True),
    "AfMode": (0, 2, 0),
    "AnalogueGain": (1.0, 16.0, 1.0),
    "AwbEnable": (False, True, True),
    "Brightness": (-1.0, 1.0, 0.0),
    "Contrast": (0.0, 32.0, 1.0),
    "ExposureTime": (26, 66666, 20000),
    "FrameDurationLimits": (8333, 1000000, 33333),
    "LensPosition": (0.0, 15.0, 1.0),
    "ScalerCrop": ((0, 0, 64, 64), (0, 0, 4608, 2592), (0, 0, 4608, 2592)),
}


def mood():
    return (FOLDER / "mood").read_text().strip()


class Picamera2:
    @staticmethod
    def global_camera_info():
        print("libcamera prints here")  # on standard output, as some of its parts do
        webcam = {"Model": "C920", "Num": 1, "Id": "/base/scb/pcie@7d500000/usb@0-1:1.0-046d:08e5"}
        if mood() == "none":
            return [webcam]
        camera = {"Model": "imx708", "Location": 2, "Rotation": 180, "Num": 0, "Id": "/base/i2c@1"}
        return [camera, webcam]

    def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None):
        try:
            if mood() == "busy":
                raise RuntimeError("Failed to acquire camera: Device or resource busy")
        except RuntimeError as error:
            raise RuntimeError("Camera __init__ sequence did not complete.") from error
        self._number = camera_num
        self._config = None
        self._set = {}
        self._encoder = None
        self._stopping = threading.Event()
        self._thread = None
        (FOLDER / "pid").write_text(str(os.getpid()))

    @property
    def camera_controls(self):
        return CONTROLS

    @property
    def sensor_modes(self):
        return [
            {"format": "SRGGB10", "size": (1536, 864), "fps": 120.13, "bit_depth": 10},
            {"format": "SRGGB10", "size": (4608, 2592), "fps": 14.35, "bit_depth": 10},
        ]

    def create_video_configuration(
        self, main={}, lores=None, raw={}, transform=None, controls={}, **others
    ):
        if main["size"][0] % 2 or main["size"][1] % 2:
            raise RuntimeError("size must be even")
        return {"main": dict(main), "transform": transform, "controls": dict(controls)}

    def configure(self, camera_config=None):
        if mood() == "broken":
            raise RuntimeError("Camera configuration has been adjusted!")
        self.set_controls(camera_config["controls"])
        self._config = camera_config

    def camera_configuration(self):
        return self._config

    def set_controls(self, controls):
        for name in controls:
            if name not in CONTROLS:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self._set.update(controls)
        (FOLDER / "controls.new").write_text(json.dumps(self._set))
        (FOLDER / "controls.new").replace(FOLDER / "controls")

    def capture_metadata(self):
        return {"ExposureTime": self._set.get("ExposureTime", 9999), "SensorTimestamp": 1}

    def start_recording(self, encoder, output, pts=None, config=None, quality=None, name=None):
        if self._config is None:
            raise RuntimeError("Camera has not been configured")
        encoder.output = output
        encoder.width, encoder.height = self._config["main"]["size"]
        encoder.start(quality=quality)
        self._encoder = encoder
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop_recording(self):
        self._stopping.set()
        self._thread.join()
        self._encoder.stop()

    def close(self):
        (FOLDER / "pid").unlink(missing_ok=True)

    def _run(self):
        period = self._set["FrameDurationLimits"][0] / 1e6
        due = time.clock_gettime(time.CLOCK_BOOTTIME)
        while not self._stopping.wait(max(0.0, due - time.clock_gettime(time.CLOCK_BOOTTIME))):
            if mood() == "stall":
                print("ERROR RPI: Camera frontend has timed out!", file=sys.stderr, flush=True)
                self._stopping.wait()
                return
            self._encoder.encode(self._picture(), due * 1e9)
            due += period

    def _picture(self):
        """Return a grey picture with a red mark, at the top left unless it is mirrored."""
        from PIL import Image

        width, height = self._config["main"]["size"]
        grey = round(128 + 100 * self._set.get("Brightness", 0.0))
        picture = Image.new("RGB", (width, height), (grey, grey, grey))
        turn = self._config["transform"]
        left = width - width // 4 if turn.hflip else 0
        top = height - height // 4 if turn.vflip else 0
        picture.paste((255, 0, 0), (left, top, left + width // 4, top + height // 4))
        return picture
