"""The example configurations of docs/scale.md, with a test's own ports and folders."""

from __future__ import annotations

import re
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


def filled(name: str, folder: Path, **values: object) -> str:
    """An example's text; for keyword ``p1935`` the port 1935 in it is that value."""
    text = (EXAMPLES / name).read_text()
    for theirs in ("/srv", "/var/cache", "/etc/mosquitto"):
        text = text.replace(theirs, str(folder))
    # The tests' nginx says these in its own way.
    text = text.replace("load_module modules/ngx_rtmp_module.so;", "")
    text = text.replace("events { worker_connections 1024; }", "")
    given = {word.removeprefix("p"): str(value) for word, value in values.items()}
    return re.sub("|".join(given), lambda found: given[found[0]], text)
