"""Two servers and 'devices --network' in a network of their own: run by a test in a namespace."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.support.process import ServerProcess, run_program, wait_for
from twistedcam.auth import Grant, TokenFile

#: The address of the network, on the loopback interface of the namespace.
ADDRESS = "10.77.0.1"
PORTS = ("18080", "18554")


def main(folder: Path) -> None:
    """Print what is found while the servers run, and their logs."""
    tokens = TokenFile(folder / "tokens.toml")
    tokens.add(Grant("nvr", frozenset({"view"})))
    first, second = folder / "first", folder / "second"
    http, rtsp = PORTS
    options = [
        "--discovery",
        "--insecure",
        "--http",
        f"0.0.0.0:{http}",
        "--rtsp",
        f"0.0.0.0:{rtsp}",
    ]
    options += ["--camera", "door=pattern:?fps=2", "--camera", "Küche=pattern:?fps=2", "--stopped"]
    secret = ["--discovery", "--tokens", str(tokens.path), "--http", f"{ADDRESS}:0"]
    secret += ["--camera", "hidden=pattern:?fps=2", "--stopped"]
    with (
        ServerProcess(first, *options, ports=(0, 0)) as one,
        ServerProcess(second, *secret) as two,
    ):
        for server in (one, two):
            wait_for(lambda server=server: "ONVIF device" in server.log, "both announcements")
        wait_for(lambda: one.log.count("announced in the local network: ") >= 3, "DNS-SD")
        run = run_program("twistedcam", "devices", "--network", "--json")
        found = json.loads(run.stdout)
        logs = [one.log, two.log]
    print(json.dumps({"found": found, "logs": logs}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
