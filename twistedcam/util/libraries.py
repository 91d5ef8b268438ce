"""Large libraries, each of which is imported when it is first used.

OpenCV, PyAV, numpy and Pillow take 10 to 30 MB each, and up to a second to import. A server whose
cameras send JPEGs may need none of them. They are used in the threads of cameras, recordings and
hooks, so no import holds the reactor up::

    from twistedcam.util.libraries import cv2
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

# After each piece of work OpenCV's threads look for more for a millisecond, which costs a camera
# that looks for motion a third more. OpenCV reads this when it is imported.
os.environ.setdefault("OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER", "0")

#: The configuration of the system's GnuTLS: of Fedora and its relatives, and of others.
_GNUTLS = ("/etc/crypto-policies/back-ends/gnutls.config", "/etc/gnutls/config")
# The GnuTLS of PyAV's wheels would read its configuration from a folder in the folder of temporary
# files: every user of this machine could put one there, and weaken the TLS of cameras and targets.
# GnuTLS reads this when it is loaded.
os.environ.setdefault(
    "GNUTLS_SYSTEM_PRIORITY_FILE", next(filter(os.path.exists, _GNUTLS), _GNUTLS[-1])
)

__all__ = ["Image", "ImageDraw", "ImageFont", "av", "cv2", "np", "requests"]


class LazyModule:
    """A module that is imported when an attribute is first read; any thread can do that.

    Arguments:
        name: the name of the module.
        parts: names of modules in it that it does not import itself.
    """

    def __init__(self, name: str, *parts: str) -> None:
        self._name = name
        self._parts = parts
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            module = import_module(self._name)  # waits while another thread imports it
            for part in self._parts:
                import_module(f"{self._name}.{part}")
            self._module = module
        return getattr(self._module, attribute)

    def __repr__(self) -> str:
        return f"<LazyModule {self._name}>"


if TYPE_CHECKING:
    import av
    import av.bitstream
    import av.codec.hwaccel
    import av.error
    import av.logging
    import av.subtitles.stream
    import cv2
    import numpy as np
    import requests
    from PIL import Image, ImageDraw, ImageFont
else:
    # PyAV imports its subtitles late, when the process may have no file to spare.
    av = LazyModule("av", "bitstream", "codec.hwaccel", "error", "logging", "subtitles.stream")
    cv2 = LazyModule("cv2")
    np = LazyModule("numpy")
    requests = LazyModule("requests")
    Image = LazyModule("PIL.Image")
    ImageDraw = LazyModule("PIL.ImageDraw")
    ImageFont = LazyModule("PIL.ImageFont")
