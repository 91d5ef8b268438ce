"""Headless Firefox, driven by Marionette."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.process import PATIENCE, wait_for
from tests.support.system import require, require_program

#: Allow reading canvases and autoplay, and switch off network services.
PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 0,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "privacy.resistFingerprinting": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}


@contextmanager
def firefox(folder: Path) -> Iterator[Any]:
    """Start a browser with a profile in a folder."""
    program = require_program("firefox-esr")
    try:
        with warnings.catch_warnings():  # what it imports has its own to say
            warnings.simplefilter("ignore", DeprecationWarning)
            from marionette_driver.marionette import Marionette
    except ImportError:
        require(False, "Firefox cannot be driven: pip install marionette_driver")
    port = free_port()
    lines = [f'user_pref("marionette.port", {port});']
    for name, value in PREFERENCES.items():
        shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
        lines.append(f'user_pref("{name}", {shown});')
    (folder / "user.js").write_text("\n".join(lines) + "\n")
    words = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access"]
    words += ["--profile", str(folder)]
    browser = subprocess.Popen(
        [program, *words],
        env={**os.environ, "HOME": str(folder), "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    driver = Marionette(host="127.0.0.1", port=port, startup_timeout=PATIENCE)
    try:
        wait_for(lambda: _answers(port), "Firefox")
        driver.start_session()
        driver.timeout.script = PATIENCE
        yield driver
        driver.delete_session()
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
