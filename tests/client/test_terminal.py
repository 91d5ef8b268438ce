"""The picture in a terminal."""

from __future__ import annotations

import base64
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import zlib

import cv2
import numpy as np
import pytest

from client import terminal
from client.keyboard import name_of
from tests.support.frame_serving import ServingCase
from tests.support.process import PATIENCE

IMAGE = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(4, 3, 3)


def test_half_blocks_carry_two_pixels_a_cell() -> None:
    lines = terminal.half_blocks(IMAGE, (3, 2)).split("\r\n")
    assert len(lines) == 2 and all(line.count("▀") == 3 for line in lines)
    assert lines[0].startswith("\x1b[38;2;2;1;0;48;2;11;10;9m")


def test_the_kitty_protocol_carries_the_pixels_in_small_chunks() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)
    chunks = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", terminal.kitty(image, (10, 5)))
    assert all(len(data) <= 4096 for _, data in chunks)
    assert [keys.endswith("m=1") for keys, _ in chunks] == [True] * (len(chunks) - 1) + [False]
    pixels = zlib.decompress(base64.b64decode("".join(data for _, data in chunks)))
    found = np.frombuffer(pixels, np.uint8).reshape(60, 80, 3)
    assert (cv2.cvtColor(found, cv2.COLOR_RGB2BGR) == image).all()


@pytest.mark.parametrize(
    ("environment", "draw"),
    [
        ({"TERM": "xterm-256color"}, terminal.half_blocks),
        ({"TERM": "xterm-kitty"}, terminal.kitty),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, terminal.iterm),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm", "TMUX": "x"}, terminal.half_blocks),
        ({}, terminal.half_blocks),
    ],
)
def test_the_best_way_to_draw_is_chosen(environment: dict[str, str], draw: terminal.Draw) -> None:
    assert terminal.choose(environment) is draw


def test_control_letters_have_names() -> None:
    names = [name_of(ord(each)) for each in "sS q\x13\x11\x00\x1b"]
    assert names == ["s", "S", "space", "q", "ctrl+s", "ctrl+q", "ctrl+space", "escape"]


def watch_in_pty(url: str) -> tuple[int, bytes]:
    """Run the viewer on a terminal of its own, press q when there is a picture."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "client", "--terminal", url]
    environment = {**os.environ, "TERM": "xterm-256color"}
    viewer = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    shown, until = b"", time.monotonic() + PATIENCE
    try:
        while time.monotonic() < until and viewer.poll() is None:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    shown += os.read(master, 65536)
                except OSError:
                    break
            if b"live" in shown and "▀".encode() in shown:
                os.write(master, b"q")
        return viewer.wait(PATIENCE), shown
    finally:
        if viewer.poll() is None:
            viewer.send_signal(signal.SIGKILL)
        os.close(master)


class TerminalTests(ServingCase):
    async def test_it_draws_takes_keys_and_puts_the_terminal_back(self) -> None:
        code, shown = await self.in_thread(watch_in_pty, self.url())
        self.assertEqual(code, 0)
        self.assertIn("▀".encode(), shown)
        self.assertIn(b"cam - live", shown)
        self.assertIn(b"\x1b[?1049l", shown)
