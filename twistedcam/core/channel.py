"""A channel: one camera with all that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from twistedcam.camera import Camera
from twistedcam.camera.properties.base import Properties
from twistedcam.camera.properties.device import DeviceControls
from twistedcam.camera.properties.group import CameraProperties, ChosenControls
from twistedcam.camera.ptz import PtzController
from twistedcam.camera.ptz.preset_file import PresetFile
from twistedcam.camera.substream import Substream, for_viewers
from twistedcam.camera.substream_search import SubstreamSearch
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.core.motion import CameraMotion
from twistedcam.core.saved_settings import SavedSettings
from twistedcam.events import EventBus
from twistedcam.processing import Process, Processor
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.publishing.outputs import Outputs
from twistedcam.recording import Recorder, RecordSettings
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.sources.spec import SourceSpec
from twistedcam.util.polygons import Polygon, polygons_text


class Channel:
    """A camera, its properties, motors, recorder, motion detection and outputs.

    Arguments:
        camera: the camera.
        configured: its source in the configuration, without what was set or saved since.
        recordings: the folder of its recordings and snapshots.
        recording: the settings of its recorder.
        events: receives all changes.
        reactor: measures time and starts processes.
        make_thread: returns a new thread for blocking calls.
        saved: the settings that were saved.
        motion: the settings of motion detection in the configuration; None: it is off.
        video: the settings of the viewers' video.
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
        saved: SavedSettings,
        motion: MotionSettings | None = None,
        video: VideoSettings | None = None,
    ) -> None:
        self.camera = camera
        #: The smaller stream for viewers; None without one.
        self.substream: Substream | None = None
        #: Its source, without the camera's own settings.
        self._smaller: SourceSpec | None = None
        self._substream_search: SubstreamSearch | None = None
        self.video = VideoSettings(substream="off")
        self.configured = configured

        def picamera_controls() -> Properties:
            # Few servers have such a camera.
            from twistedcam.camera.properties.picamera import PicameraControls

            return PicameraControls(camera, reactor)

        webcam = DeviceControls(camera, reactor, make_thread)
        device = ChosenControls(camera, webcam, picamera_controls)
        self.properties = CameraProperties(camera, camera.use, device, events)
        self.outputs = Outputs(reactor, camera, events)
        self.recorder = Recorder(
            camera,
            recordings,
            events,
            make_thread,
            reactor,
            recording,
        )
        self.motion = CameraMotion(
            camera,
            self.recorder,
            events,
            reactor,
            make_thread,
            motion,
            saved=saved.apply_motion(camera.name, configured, motion),
        )
        presets = PresetFile(HiddenFolder(recordings), camera.name)
        self.ptz = PtzController(camera, events, reactor, make_thread, presets)
        #: The user code that makes the camera's frames, or None.
        self.processor: Processor | None = None
        self._events = events
        self._reactor = reactor
        self._make_thread = make_thread
        self._saved = saved
        self.use_video(video or VideoSettings())

    def use_video(self, video: VideoSettings) -> None:
        """Use these settings for viewers from now on."""
        before, self.video = self.video, video
        self.camera.stream.use_settings(video.encoding)
        if video.substream != before.substream:
            self._end_substream_search()
            self._use_substream(None)
            self._find_substream()

    def _find_substream(self) -> None:
        """Use the smaller stream of the settings, or look for it."""
        wanted = self.video.substream
        if isinstance(wanted, SourceSpec):
            self._use_substream(wanted)
        elif wanted == "auto":
            self._substream_search = SubstreamSearch(
                self.camera, self._events, self._reactor, self._make_thread, self._use_substream
            )

    def _end_substream_search(self) -> None:
        if self._substream_search is not None:
            self._substream_search.close()
            self._substream_search = None

    def _use_substream(self, spec: SourceSpec | None) -> None:
        """Use this smaller stream from now on; viewers of the one before are disconnected."""
        if self.substream is not None:
            self.substream.close()
            self.substream = None
        self._smaller = spec
        if spec is None:
            return
        spec = for_viewers(spec, self.camera.spec)
        self.substream = Substream(self.camera, spec, "substream", self._events)

    def process(self, process: Process, source: Camera) -> None:
        """Run user code on the frames of another camera; this camera shows its results."""
        self.processor = Processor(process, source, self.camera, self._events, self._reactor)

    def configure(self, configured: SourceSpec, *, reopen: bool = True) -> None:
        """Continue with another configuration; viewers, a recording and outputs stay.

        Arguments:
            configured: the source in the configuration; saved settings still apply.
            reopen: True if the source must be opened again for it.

        Raises:
            BadArgument: a setting is unknown or wrong; nothing has changed.
        """
        spec = self._saved.apply(self.camera.name, configured)
        if configured.settings.get("muted") == self.configured.settings.get("muted"):
            spec = _with_muted(spec, self.camera.audio.is_muted)
        done = self._use(spec, reopen=reopen)
        done.addCallback(lambda _: Deferred.fromCoroutine(self.properties.publish()))
        self.configured = configured

    def configure_motion(self, settings: MotionSettings | None) -> None:
        """Detect motion as configured now; saved settings still apply (SavedSettings)."""
        saved = self._saved.apply_motion(self.camera.name, self.configured, settings)
        self.motion.configure(settings, saved)

    def hide(self, polygons: tuple[Polygon, ...]) -> None:
        """Make polygons of the picture black from now on; the source is opened again for it.

        Raises:
            BadArgument: the source does not take them; nothing has changed.
        """
        before = self.camera.spec
        rest = {name: text for name, text in before.settings.items() if name != "privacy"}
        changes = {"privacy": polygons_text(polygons)} if polygons else {}
        spec = replace(before, settings=rest).with_settings(changes)
        if spec.settings == before.settings:
            return
        self._use(spec)

    def mute(self, muted: bool) -> None:
        """Mute the camera's sound at its source, or no longer; viewers and a recording stay."""
        spec = _with_muted(self.camera.spec, muted)
        self._use(spec, reopen=False)

    async def save(self, *, forget: bool = False) -> dict[str, str | None]:
        """Save what was set for the next start, or delete what was saved.

        Returns:
            The values that differ from the configuration, by name; None if it was removed.

        Raises:
            DiskError: the file cannot be written; it is unchanged.
        """
        now = self.configured if forget else self.camera.spec
        configured, motion = self.configured, self.motion.configured
        used = motion if forget else self.motion.now
        return await run_in_thread(
            self._make_thread,
            lambda: self._saved.save(self.camera.name, configured, now, motion, used),
        )

    def finish_recording(self) -> Deferred[Any]:
        """End movements, motion detection and the recording. Fires when its file is complete."""
        stopped = self.ptz.close()
        self.motion.stop()
        self._end_substream_search()
        self._use_substream(None)
        return self.recorder.stop().addBoth(lambda found: stopped.addCallback(lambda _: found))

    def start(self) -> None:
        """Start the camera, and its recording if that begins with the server."""
        self.camera.start().addErrback(lambda _: None)  # its state says it
        self.recorder.start_with_server()

    def _use(self, spec: SourceSpec, *, reopen: bool = True) -> Deferred[None]:
        """Continue with other settings of the source; never fails, the camera's state says it.

        Raises:
            BadArgument: a setting is unknown or wrong; nothing has changed.
        """
        before = self.camera.spec.settings.get("privacy")
        used = self.camera.use(spec, reopen=reopen)
        if self.substream is not None and self._smaller is not None:
            self.substream.use(for_viewers(self._smaller, spec))
        preroll = self.recorder.preroll
        if preroll is not None and spec.settings.get("privacy") != before:
            preroll.clear()  # what is hidden now is seen in it
        return used.addErrback(lambda _: None)


def _with_muted(spec: SourceSpec, muted: bool) -> SourceSpec:
    """Return a source with this setting ``muted``, which is absent if it is not."""
    if muted == (spec.settings.get("muted") == "1"):
        return spec
    if muted:
        return spec.with_settings({"muted": "1"})
    settings = {name: text for name, text in spec.settings.items() if name != "muted"}
    return replace(spec, settings={}).with_settings(settings)
