"""Fixtures for pytest: ``pytest_plugins = ["twistedcam.testing.plugin"]`` in ``conftest.py``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twistedcam.testing.failing_camera import FailingCamera
from twistedcam.testing.server import CameraServer

MakeCameraServer = Callable[..., CameraServer]


@pytest.fixture(scope="session")
def make_camera_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCameraServer]:
    """Start servers with options of ``twistedcam serve``: ``make_camera_server("--motion", …)``.

    They are ended after the last test.
    """
    with contextlib.ExitStack() as running:

        def make(*options: str, recordings: Path | None = None) -> CameraServer:
            folder = recordings or tmp_path_factory.mktemp("recordings")
            return running.enter_context(CameraServer(*options, recordings=folder))

        yield make


@pytest.fixture(scope="session")
def camera_server(make_camera_server: MakeCameraServer) -> CameraServer:
    """A server with one camera, ``cam``: a test picture whose frames are numbered.

    All tests share it.
    """
    server = make_camera_server()
    server.wait_for_state("live")
    return server


@pytest.fixture(scope="session")
def _failing_camera() -> Iterator[FailingCamera]:
    with FailingCamera() as camera:
        yield camera


@pytest.fixture(scope="session")
def _failing_camera_server(
    _failing_camera: FailingCamera, make_camera_server: MakeCameraServer
) -> CameraServer:
    return make_camera_server("--camera", f"cam={_failing_camera.url}")


@pytest.fixture
def failing_camera(
    _failing_camera: FailingCamera, _failing_camera_server: CameraServer
) -> Iterator[FailingCamera]:
    """A camera that fails when the test says so. It works at the start of each test."""
    _failing_camera.restore()
    _failing_camera_server.wait_for_state("live")
    yield _failing_camera
    _failing_camera.restore()


@pytest.fixture
def failing_camera_server(
    failing_camera: FailingCamera, _failing_camera_server: CameraServer
) -> CameraServer:
    """The server whose camera ``cam`` is ``failing_camera``."""
    return _failing_camera_server
