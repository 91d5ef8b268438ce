"""Servers are found in a network of their own, by DNS-SD and WS-Discovery."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.own_network import ADDRESS, PORTS
from tests.support.process import PATIENCE, ROOT
from tests.support.system import require_program

#: Makes a network with one address, on the loopback interface of a namespace.
NETWORK = (
    f"ip link set lo up && ip addr add {ADDRESS}/24 dev lo && ip route add 224.0.0.0/4 dev lo && "
)


def test_servers_are_found_with_what_they_may_say(tmp_path: Path) -> None:
    unshare = require_program("unshare")
    script = NETWORK + f'exec "{sys.executable}" -m tests.support.own_network "{tmp_path}"'
    words = [unshare, "--map-root-user", "--net", "sh", "-c", script]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE * 2)
    if "unshare" in run.stderr:
        pytest.skip(f"no network namespaces here: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    http, _ = PORTS
    found = {each["name"] if each["kind"] == "twistedcam" else each["address"]: each
             for each in result["found"]}  # fmt: skip
    cameras = [each for each in result["found"] if each["kind"] == "onvif"]
    opened = found[f"http://{ADDRESS}:{http}/onvif/device_service"]
    assert opened["sources"] == [
        f"onvif://{ADDRESS}:{http}/door",
        f"onvif://{ADDRESS}:{http}/Kuche",
    ]
    assert (opened["needs_login"], opened["problem"]) == (False, None)
    [closed] = [each for each in cameras if each is not opened]
    assert closed["needs_login"]
    assert closed["sources"][0].startswith(f"onvif://USER:PASSWORD@{ADDRESS}:")
    assert "hidden" not in json.dumps(result["found"])
    # The frame ports are those of the loopback address alone: they are not announced.
    assert not any("_twistedcam" in log for log in result["logs"])
    assert "_rtsp._tcp 'Küche on" in result["logs"][0]
