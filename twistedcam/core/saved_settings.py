"""The file of settings that were saved while the server ran, for its next start."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import msgspec
from twisted.logger import Logger

from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import BadArgument, DiskError
from twistedcam.net.urls import without_secrets
from twistedcam.processing.motion.settings import MotionSettings, read_motion, zones_text
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import SourceSpec
from twistedcam.util.polygons import polygons_text

log = Logger()

FILE = "settings.json"
_VERSION = 1
#: The most bytes of the file.
_MAX_BYTES = 1 << 20


class SavedSettings:
    """Reads and writes the settings of the command ``save``, in a file beside the recordings.

    A setting is saved with its configured value. If the configuration has another value or source
    later, the configuration applies. The configuration itself is never written.

    Arguments:
        folder: the recordings folder.
    """

    def __init__(self, folder: Path) -> None:
        self._hidden = HiddenFolder(folder)
        self.path = self._hidden.path / FILE

    def apply(self, camera: str, configured: SourceSpec) -> SourceSpec:
        """Return the configured source with the saved settings of the camera. Blocks.

        Saved settings that are no longer valid are ignored, with a line in the log.
        """
        saved = self._read().get(camera)
        if not isinstance(saved, dict) or saved.get("source") != _source(configured):
            return configured
        settings, changes = dict(configured.settings), saved.get("settings")
        for name, each in changes.items() if isinstance(changes, dict) else ():
            if not isinstance(each, dict) or each.get("configured") != settings.get(name):
                continue
            settings.pop(name, None)
            if each.get("value") is not None:
                settings[name] = str(each["value"])
        if settings == configured.settings:
            return configured
        spec = dataclasses.replace(configured, settings={}).with_settings(settings)
        try:
            make_source(spec)
            JpegEncoder.from_spec(spec)
        except BadArgument as error:
            self._warn(camera, error)
            return configured
        return spec

    def apply_motion(
        self, camera: str, source: SourceSpec, configured: MotionSettings | None
    ) -> MotionSettings | None:
        """Return the configured settings of motion with those that were saved. Blocks.

        Arguments:
            source: the configured source.
            configured: None if motion is not configured; the result is None if nothing was saved.
        """
        saved = self._read().get(camera)
        if not isinstance(saved, dict) or saved.get("source") != _source(source):
            return configured
        before, changes = motion_texts(configured), saved.get("motion")
        used: dict[str, str] = {}
        for name, each in changes.items() if isinstance(changes, dict) else ():
            known = name in before and isinstance(each, dict)
            if known and each.get("configured") == before[name]:
                used[name] = str(each.get("value"))
        if not used:
            return configured
        try:
            # Without a configuration motion is off until something else was saved.
            base = configured or MotionSettings(enabled=False)
            return msgspec.structs.replace(base, **read_motion(used))
        except BadArgument as error:
            self._warn(camera, error)
            return configured

    def save(
        self,
        camera: str,
        configured: SourceSpec,
        now: SourceSpec,
        motion: MotionSettings | None = None,
        motion_now: MotionSettings | None = None,
    ) -> dict[str, str | None]:
        """Save the settings of a camera that differ from the configuration. Blocks.

        Arguments:
            configured, now: its source.
            motion, motion_now: its settings of motion detection; None: it is off.

        Returns:
            The values by name, those of motion as ``motion.NAME``; None for a configured setting
            that was removed.

        Raises:
            DiskError: the file cannot be written; it is unchanged.
        """
        before, after = configured.settings, now.settings
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        settings = {n: {"value": after.get(n), "configured": before.get(n)} for n in names}
        was, used = motion_texts(motion), motion_texts(motion_now)
        motions = {
            name: {"value": used[name], "configured": was[name]}
            for name in was
            if used[name] != was[name]
        }
        try:
            self.path.parent.parent.mkdir(parents=True, exist_ok=True)
            # Several threads, and two servers with one folder, may save at once.
            with self._hidden.changing(FILE):
                everything = self._read()
                everything.pop(camera, None)
                if settings or motions:
                    found = {"source": _source(configured), "settings": settings}
                    everything[camera] = found | ({"motion": motions} if motions else {})
                self._write(everything)
        except OSError as error:
            raise DiskError(f"{self.path} cannot be written: {error.strerror}") from error
        saved = {name: after.get(name) for name in names}
        return saved | {f"motion.{name}": each["value"] or None for name, each in motions.items()}

    def _warn(self, camera: str, error: BadArgument) -> None:
        log.warn(
            "{camera}: the saved settings in {path} are ignored: {reason}",
            camera=camera,
            path=str(self.path),
            reason=str(error),
        )

    def _read(self) -> dict[str, Any]:
        try:
            saved = json.loads(self._hidden.read(FILE, _MAX_BYTES)[0])
            if saved["version"] == _VERSION:
                return dict(saved["cameras"])
            problem = f"its version is {saved['version']}"
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            problem = getattr(error, "strerror", None) or str(error)
        log.warn("{path} is ignored: {reason}", path=str(self.path), reason=problem)
        return {}

    def _write(self, cameras: dict[str, Any]) -> None:
        """Replace the file, or remove it if there are no settings.

        Raises:
            OSError: the file cannot be written; it is unchanged.
        """
        if not cameras:
            self._hidden.remove(FILE)
            return
        text = json.dumps({"version": _VERSION, "cameras": cameras}, indent=1)
        self._hidden.write(FILE, text.encode(), sync=True)


def motion_texts(settings: MotionSettings | None) -> dict[str, str]:
    """Return the settings of motion that can be set while it runs, as texts; None: it is off."""
    used = settings or MotionSettings(enabled=False)
    return {
        "enabled": "on" if used.enabled else "off",
        "zones": zones_text(used.zones),
        "ignore": polygons_text(used.ignore),
    }


def _source(spec: SourceSpec) -> str:
    """Return the text of the source without settings and passwords."""
    return without_secrets(f"{spec.scheme}:{spec.target}")
