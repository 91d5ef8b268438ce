"""An event-driven camera server: capture once, show to any number of viewers.

This package is the library; the program is ``twistedcam`` on the command line. See
docs/embedding.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twistedcam.errors import (
    BadArgument,
    Disconnected,
    TwistedcamError,
    Unauthorized,
    UnknownCamera,
)
from twistedcam.media.frame import Frame
from twistedcam.util.late_names import import_late
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.app.service import CameraService
    from twistedcam.clients.frames import connect, parse_target
    from twistedcam.clients.frames.blocking import FrameReader
    from twistedcam.clients.frames.pictures import VideoPacket
    from twistedcam.clients.frames.publisher import Publisher
    from twistedcam.clients.frames.twisted import FrameClient
    from twistedcam.commands import Registry, standard_commands
    from twistedcam.config.options import ServeOptions
    from twistedcam.media.barcode import Stamp
    from twistedcam.media.barcode import read as read_barcode
    from twistedcam.processing import Code, Process
    from twistedcam.sources.spec import parse as parse_source

__all__ = [
    "BadArgument",
    "CameraService",
    "Code",
    "Disconnected",
    "Frame",
    "FrameClient",
    "FrameReader",
    "Process",
    "Publisher",
    "Registry",
    "ServeOptions",
    "Stamp",
    "TwistedcamError",
    "Unauthorized",
    "UnknownCamera",
    "VideoPacket",
    "__version__",
    "connect",
    "parse_source",
    "parse_target",
    "read_barcode",
    "standard_commands",
]

#: What is imported when it is first asked for: a viewer needs no server, a script no reactor.
_LATER = {
    "CameraService": "twistedcam.app.service:CameraService",
    "Code": "twistedcam.processing:Code",
    "FrameClient": "twistedcam.clients.frames.twisted:FrameClient",
    "FrameReader": "twistedcam.clients.frames.blocking:FrameReader",
    "Process": "twistedcam.processing:Process",
    "Publisher": "twistedcam.clients.frames.publisher:Publisher",
    "Registry": "twistedcam.commands:Registry",
    "ServeOptions": "twistedcam.config.options:ServeOptions",
    "Stamp": "twistedcam.media.barcode:Stamp",
    "VideoPacket": "twistedcam.clients.frames.pictures:VideoPacket",
    "connect": "twistedcam.clients.frames:connect",
    "parse_source": "twistedcam.sources.spec:parse",
    "parse_target": "twistedcam.clients.frames:parse_target",
    "read_barcode": "twistedcam.media.barcode:read",
    "standard_commands": "twistedcam.commands:standard_commands",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def __getattr__(name: str) -> Any:
    return import_late(globals(), _LATER, name)
