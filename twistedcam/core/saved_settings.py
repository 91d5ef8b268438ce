"""What was set while the server ran and is to hold over a restart: one small file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import BadArgument, DiskError
from twistedcam.net.urls import without_secrets
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import SourceSpec

log = Logger()

FILE = "settings.json"
_VERSION = 1
#: Bytes that the file may have.
_MOST_BYTES = 1 << 20


class SavedSettings:
    """The settings that ``save`` has kept, in the recordings' hidden folder.

    Each is kept with what the configuration said of it then: once that says something else, the
    configuration wins. The same holds for another source. The user's own file is never written.

    Arguments:
        folder: where the recordings are.
    """

    def __init__(self, folder: Path) -> None:
        self._hidden = HiddenFolder(folder)
        self.path = self._hidden.path / FILE

    def apply(self, camera: str, configured: SourceSpec) -> SourceSpec:
        """The source as configured, with what was saved for this camera over it.

        What was saved and will not do any more is left out with a line in the log. Blocks.
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
            log.warn(
                "{camera}: what was saved in {path} is left out: {reason}",
                camera=camera,
                path=str(self.path),
                reason=str(error),
            )
            return configured
        return spec

    def save(self, camera: str, configured: SourceSpec, now: SourceSpec) -> dict[str, str | None]:
        """Keep what differs from the configuration, and nothing else of this camera. Blocks.

        Returns:
            The values by name; None for one that the configuration has and that is gone.

        Raises:
            DiskError: the file cannot be written; it is as it was.
        """
        before, after = configured.settings, now.settings
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        settings = {n: {"value": after.get(n), "configured": before.get(n)} for n in names}
        try:
            self.path.parent.parent.mkdir(parents=True, exist_ok=True)
            # Cameras are saved in threads, and two servers may share the folder.
            with self._hidden.changing(FILE):
                everything = self._read()
                everything.pop(camera, None)
                if settings:
                    everything[camera] = {"source": _source(configured), "settings": settings}
                self._write(everything)
        except OSError as error:
            raise DiskError(f"{self.path} cannot be written: {error.strerror}") from error
        return {name: after.get(name) for name in names}

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._hidden.read(FILE, _MOST_BYTES)[0])
            if kept["version"] == _VERSION:
                return dict(kept["cameras"])
            problem = f"its version is {kept['version']}"
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            problem = getattr(error, "strerror", None) or str(error)
        log.warn("{path} is left out: {reason}", path=str(self.path), reason=problem)
        return {}

    def _write(self, cameras: dict[str, Any]) -> None:
        """Replace the file, or remove it where there is nothing to keep.

        Raises:
            OSError: it cannot be done; the file is as it was.
        """
        if not cameras:
            self._hidden.remove(FILE)
            return
        text = json.dumps({"version": _VERSION, "cameras": cameras}, indent=1)
        self._hidden.write(FILE, text.encode(), sync=True)


def _source(spec: SourceSpec) -> str:
    """Which source it is, without its settings and passwords."""
    return without_secrets(f"{spec.scheme}:{spec.target}")
