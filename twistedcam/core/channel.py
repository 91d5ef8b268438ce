"""A channel: one camera with all that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from twistedcam.camera import Camera
from twistedcam.camera.properties.device import DeviceControls
from twistedcam.camera.properties.group import CameraProperties
from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.core.motion import CameraMotion
from twistedcam.events import EventBus
from twistedcam.processing import Process, Processor
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.publishing.outputs import Outputs
from twistedcam.recording import Recorder, RecordSettings
from twistedcam.runtime.threads import Thread
from twistedcam.sources.spec import SourceSpec


class Channel:
    """A camera, its properties, its recorder, its motion detection and its outputs.

    Arguments:
        camera: the camera.
        configured: its source in the configuration, without what was set or saved since.
        recordings: the folder of its recordings and snapshots.
        recording: the settings of its recorder.
        events: receives all changes.
        reactor: measures time and starts processes.
        make_thread: returns a new thread for blocking calls.
        motion: the settings of motion detection; None: it is off.
    """

    def __init__(
        self,
        camera: Camera,
        configured: SourceSpec,
        recordings: Path,
        recording: RecordSettings,
        events: EventBus,
        reactor: Any,
        make_thread: Callable[[], Thread],
        motion: MotionSettings | None = None,
    ) -> None:
        self.camera = camera
        self.configured = configured
        device = DeviceControls(camera, reactor, make_thread)
        self.properties = CameraProperties(camera, camera.use, device, events)
        self.outputs = Outputs(reactor, camera, events)
        self.recorder = Recorder(
            camera,
            recordings,
            events,
            make_thread,
            reactor,
            recording,
            find_encoding=self.encoding_to_share,
        )
        self.motion = CameraMotion(camera, self.recorder, events, reactor, make_thread, motion)
        #: The user code that makes the camera's frames, or None.
        self.processor: Processor | None = None
        self._events = events
        self._reactor = reactor

    def encoding_to_share(self, settings: RecordSettings) -> H264Settings | None:
        """The settings of an active encoder that a recording can share, or None."""
        wanted = H264Settings(crf=settings.crf, preset=settings.preset)
        is_active = any(each.settings == wanted for each in self.camera.stream.encoders)
        return wanted if is_active else None

    def process(self, process: Process, source: Camera) -> None:
        """Run user code on the frames of another camera; this camera shows its results."""
        self.processor = Processor(process, source, self.camera, self._events, self._reactor)

    def configure(self, configured: SourceSpec, spec: SourceSpec, *, reopen: bool = True) -> None:
        """Continue with another configuration; viewers, a recording and outputs stay.

        Arguments:
            configured: the source in the configuration.
            spec: the same with what was saved.
            reopen: True if the source must be opened again for it.

        Raises:
            BadArgument: a setting is unknown or wrong; nothing has changed.
        """
        done = self.camera.use(spec, reopen=reopen)
        done.addErrback(lambda _: None)  # the camera's state says it
        done.addCallback(lambda _: Deferred.fromCoroutine(self.properties.publish()))
        self.configured = configured

    def finish_recording(self) -> Deferred[Any]:
        """End motion detection and the recording. Fires when its file is complete."""
        self.motion.stop()
        return self.recorder.stop()

    def start(self) -> None:
        """Start the camera, and its recording if that begins with the server."""
        self.camera.start().addErrback(lambda _: None)  # its state says it
        self.recorder.start_with_server()
