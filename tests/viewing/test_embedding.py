"""The examples in docs/embedding.md do what they say."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.viewing.serving import ServingCase

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/embedding.md").read_text(), re.DOTALL)


class EmbeddingTests(ServingCase):
    async def run_example(self, number: int) -> str:
        """Run an example of frames against the test's server."""
        code = EXAMPLES[number].replace("localhost/", f"127.0.0.1:{self.port}/")
        command = [sys.executable, "-c", code]
        ended = await self.in_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=25, cwd=ROOT
        )
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        return str(ended.stdout)

    async def test_frames_in_a_script(self) -> None:
        self.assertIn("(240, 320, 3)", await self.run_example(0))

    async def test_frames_under_asyncio(self) -> None:
        self.assertTrue(await self.run_example(1))

    async def test_frames_under_twisted(self) -> None:
        self.assertTrue(await self.run_example(2))

    async def test_frames_by_callbacks(self) -> None:
        self.assertIn("live", await self.run_example(3))


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_server_inside_another_program(tmp_path: Path) -> None:
    code = EXAMPLES[4]
    ports = {name: free_port() for name in ("9530", "9531", "8088")}
    for name, port in ports.items():
        code = code.replace(name, str(port))
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as running:
        try:
            picture = fetch(f"http://127.0.0.1:{ports['8088']}/newest.jpg")
            assert picture.startswith(b"\xff\xd8")
            with socket.create_connection(("127.0.0.1", ports["9531"]), 10) as control:
                control.sendall(b"light off\nquit\n")
                answer = b""
                while data := control.recv(4096):
                    answer += data
            assert b"light: off\nOK\n" in answer
        finally:
            running.terminate()
            assert running.wait(10) == 0


def fetch(url: str) -> bytes:
    """What is there, as soon as something is."""
    until = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
