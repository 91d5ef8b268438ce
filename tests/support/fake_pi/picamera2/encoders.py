"""Encoders in software with the interface of Picamera2 0.3.36, whose times count from the first."""

import io
import os

from .outputs import Output


class Encoder:
    def __init__(self):
        self._output = []
        self._running = False
        self.firsttimestamp = None
        self.framerate = None
        self.width = self.height = 0

    @property
    def output(self):
        return self._output[0]

    @output.setter
    def output(self, value):
        if not isinstance(value, Output):
            raise RuntimeError("Must pass Output")
        self._output = [value]

    def start(self, quality=None):
        if self._running:
            raise RuntimeError("Encoder already running")
        self._running = True
        self.firsttimestamp = None
        self.output.start()

    def stop(self):
        if not self._running:
            raise RuntimeError("Encoder already stopped")
        self._running = False
        self.output.stop()

    def encode(self, picture, sensor_ns):
        """Encode a picture that was taken at that time of the sensor."""
        sensor_us = int(sensor_ns / 1000)
        if self.firsttimestamp is None:
            self.firsttimestamp = sensor_us
        for data, keyframe in self._encode(picture):
            self.output.outputframe(data, keyframe, sensor_us - self.firsttimestamp)


class JpegEncoder(Encoder):
    def __init__(self, num_threads=4, q=None, colour_space=None, colour_subsampling="420"):
        super().__init__()
        self.q = q

    def _encode(self, picture):
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=80)
        yield data.getvalue(), True


class MJPEGEncoder(JpegEncoder):
    def __init__(self, bitrate=None):
        if os.environ.get("FAKE_PI_MODEL") == "5":
            raise RuntimeError("Hardware MJPEG not available on this platform")
        super().__init__()
        self.bitrate = bitrate


class H264Encoder(Encoder):
    def __init__(self, bitrate=None, repeat=True, iperiod=None, framerate=None):
        super().__init__()
        self.bitrate, self.repeat, self.iperiod = bitrate, repeat, iperiod
        self._context = None
        self._is_forced = False

    def force_key_frame(self):
        self._is_forced = True

    def _encode(self, picture):
        import av

        if self._context is None:
            self._context = av.CodecContext.create("libx264", "w")
            self._context.width, self._context.height = picture.size
            self._context.pix_fmt = "yuv420p"
            self._context.framerate = round(self.framerate)
            self._context.gop_size = self.iperiod
            self._context.options = {"preset": "ultrafast", "tune": "zerolatency"}
        frame = av.VideoFrame.from_image(picture).reformat(format="yuv420p")
        if self._is_forced:
            frame.pict_type, self._is_forced = "I", False
        for packet in self._context.encode(frame):
            yield bytes(packet), packet.is_keyframe
