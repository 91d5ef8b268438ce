"""The id by which other programs in the network recognize a server."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

#: Files with the id of the machine (machine-id(5)), which must not be shown itself.
_MACHINE = ("/etc/machine-id", "/var/lib/dbus/machine-id")


def device_id(folder: Path) -> str:
    """Return a UUID that is the same at each start, and differs for each machine and folder.

    Arguments:
        folder: the folder of the server's recordings: two servers of a machine have two.
    """
    machine = f"{uuid.getnode():x}"
    for file in _MACHINE:
        with suppress(OSError, UnicodeDecodeError):
            machine = Path(file).read_text(encoding="ascii").strip() or machine
            break
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"twistedcam:{machine}:{folder}"))
