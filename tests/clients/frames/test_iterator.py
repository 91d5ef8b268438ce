"""Frames by iteration: in a script, under asyncio, under Twisted."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import twistedcam
from tests.support.frame_serving import ServingCase
from tests.support.process import wait_for
from twistedcam import connect
from twistedcam.errors import Disconnected, UnknownCamera
from twistedcam.media.frame import Frame

ROOT = Path(__file__).parents[3]


def check(case: ServingCase, frames: list[Frame]) -> None:
    """Frames in order, whole."""
    seqs = [frame.seq for frame in frames]
    case.assertEqual(seqs, sorted(set(seqs)))
    case.assertEqual(frames[-1].image.shape, (240, 320, 3))


class ConnectTests(ServingCase):
    def some(self, count: int = 5) -> list[Frame]:
        """That many frames, by blocking."""
        frames = []
        for frame in connect(self.url()):
            frames.append(frame)
            if len(frames) == count:
                break
        return frames

    async def test_a_script_iterates(self) -> None:
        check(self, await self.in_thread(self.some))

    async def test_a_loop_that_was_left_leaves_no_thread_and_no_viewer(self) -> None:
        before = threading.active_count()
        await self.in_thread(self.some)
        gc.collect()
        names = [each.name for each in threading.enumerate() if each.name.startswith("view ")]
        self.assertEqual(names, [], before)

    async def test_asyncio_iterates(self) -> None:
        async def some() -> list[Frame]:
            frames = []
            async for frame in connect(self.url()):
                frames.append(frame)
                if len(frames) == 5:
                    break
            return frames

        check(self, await self.in_thread(asyncio.run, some()))

    async def test_twisted_iterates(self) -> None:
        frames = []
        async for frame in connect(self.url()):
            frames.append(frame)
            if len(frames) == 5:
                break
        check(self, frames)

    async def test_a_slow_reader_gets_the_newest(self) -> None:
        shown = self.service.server.cameras["cam"].counts

        def slowly() -> list[tuple[int, int]]:
            """The frames, and the number of pictures at the time of each request."""
            found = []
            for frame in connect(self.url()):
                found.append((frame.seq, shown.frames))
                if len(found) == 4:
                    return found
                until = shown.frames + 30
                wait_for(lambda: shown.frames >= until, "half a second of pictures")  # noqa: B023
            raise AssertionError

        found = await self.in_thread(slowly)
        behind = [newest - seq for seq, newest in found]
        self.assertLess(sorted(behind)[1], 20)

    async def test_a_server_that_refuses_is_an_error_at_once(self) -> None:
        def first(url: str) -> Frame:
            return next(iter(connect(url)))

        await self.assertFailure(self.in_thread(first, self.url("nope")), UnknownCamera)
        with self.assertRaises(UnknownCamera):
            async for _ in connect(self.url("nope")):
                pass

    async def test_without_reconnecting_a_lost_server_is_an_error(self) -> None:
        with self.assertRaises(Disconnected):
            async for _ in connect(self.url(), reconnect=False):
                if self.service.running:
                    await self.end_server()

    async def test_iterating_goes_on_when_the_server_comes_back(self) -> None:
        came = 0
        async for _ in connect(self.url()):
            came += 1
            if came == 3:
                await self.end_server()
                self.serve()
            if came == 10:
                break

    async def test_a_unix_socket_works(self) -> None:
        def first(url: str) -> Frame:
            return next(iter(connect(url)))

        check(self, [await self.in_thread(first, self.socket_url)])
        async for frame in connect(self.socket_url):
            check(self, [frame])
            break


HEAVY = ("numpy", "cv2", "av", "twisted", "asyncio", "cryptography", "OpenSSL", "PIL")


@pytest.mark.parametrize("what", ["import twistedcam", "from twistedcam import connect, Frame"])
def test_the_package_is_light(what: str) -> None:
    assert loaded_by(what, HEAVY) == "[]"


def test_the_viewer_loads_no_more_than_its_options_ask_for() -> None:
    assert loaded_by("import client.main", ("numpy", "cv2", "av", "twisted")) == "[]"


def loaded_by(what: str, which: tuple[str, ...]) -> str:
    """Which of the modules a new interpreter has after that."""
    code = f"import sys; {what}; print([m for m in {which} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    return told.stdout.strip() or told.stderr


def test_no_server_is_warned_of_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    frames = iter(connect(f"twistedcam://127.0.0.1:{port}/cam"))
    said = f"twistedcam://127.0.0.1:{port}/cam: Connection refused: is the server running there?"
    wait_for(lambda: caplog.messages, "the warning")
    assert caplog.messages[0].startswith(said)
    assert caplog.records[0].levelname == "WARNING"
    reader = frames._reader  # type: ignore[attr-defined]
    states = reader.connections, len(caplog.messages)
    assert states == (0, 1)
    reader.close()


def test_all_public_names_are_listed() -> None:
    assert set(twistedcam.__all__) <= set(dir(twistedcam))
