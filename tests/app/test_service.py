"""The server as a service: its ports, its start, its reload and its end."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from twistedcam.app import service as module
from twistedcam.app.service import CameraService
from twistedcam.core.server import Reload, Server
from twistedcam.errors import BadArgument, NotSupported, StartupError

reactor: Any = installed_reactor
LOOPBACK = "tcp:0:interface=127.0.0.1"
PORTS = ("--listen", LOOPBACK, "--control", LOOPBACK, "--http", LOOPBACK)
CAMERA = ("--camera", "door=push:")


class ServiceTests(TestCase):
    timeout = PATIENCE

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make(self, *options: str, ports: tuple[str, ...] = PORTS, **more: Any) -> CameraService:
        recordings = () if "--recordings" in options else ("--recordings", f"{self.folder}/films")
        return CameraService.of(*CAMERA, *ports, *recordings, *options, reactor=reactor, **more)

    def start(self, *options: str, **more: Any) -> CameraService:
        service = self.make(*options, **more)
        service.privilegedStartService()
        service.startService()
        self.addCleanup(lambda: service.stopService() if service.running else None)
        return service

    async def test_a_running_service_has_its_ports_its_folder_and_its_cameras(self) -> None:
        service = self.start()
        found = {name: len(listeners) for name, listeners in service.listeners.items()}
        self.assertEqual(found, {"frames": 1, "control": 1, "http": 1})
        places = [each[0].address.rpartition(":")[2] for each in service.listeners.values()]
        for port in places:
            socket.create_connection(("127.0.0.1", int(port)), PATIENCE).close()
        self.assertTrue((self.folder / "films").is_dir())
        self.assertNotEqual(service.server.camera("door").state, "stopped")
        await service.stopService()
        self.assertEqual(service.server.camera("door").state, "stopped")
        for port in places:
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", int(port)), PATIENCE)

    def test_cameras_wait_for_a_command_if_the_option_says_so(self) -> None:
        service = self.start("--stopped")
        self.assertEqual(service.server.camera("door").state, "stopped")

    def test_a_port_for_other_machines_needs_tokens(self) -> None:
        ports = ("--listen", "tcp:0:interface=0.0.0.0", "--no-control", "--no-http")
        with self.assertRaises((BadArgument, StartupError)):
            self.make(ports=ports)
        self.make("--insecure", ports=ports)

    def test_a_port_in_use_is_an_error_at_the_start(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            used = f"tcp:{other.getsockname()[1]}:interface=127.0.0.1"
            service = self.make(ports=("--listen", used, "--no-control", "--no-http"))
            with self.assertRaises(StartupError):
                service.privilegedStartService()

    async def test_a_folder_that_cannot_be_made_is_a_warning(self) -> None:
        (self.folder / "file").touch()
        with capturedLogs() as logs:
            service = self.start("--recordings", f"{self.folder}/file/films")
        warnings = [formatEvent(each) or "" for each in logs if each["log_level"].name == "warn"]
        self.assertTrue(any("recording" in each for each in warnings), warnings)
        await service.stopService()

    def test_a_command_of_the_program_is_one_of_the_registry(self) -> None:
        service = self.make()

        @service.command("hello", right="view")
        def hello(server: Server) -> str:
            """Say hello."""
            return "hello"

        command, words = service.registry.find(["hello"])
        self.assertEqual((command.usage, command.right, list(words)), ("hello", "view", []))

    async def test_there_is_nothing_to_reload_without_a_configuration(self) -> None:
        service = self.make()
        with self.assertRaises(NotSupported):
            await service.server.reload()

    async def test_a_reload_applies_the_configuration(self) -> None:
        config = self.folder / "c.toml"
        config.write_text('[camera.door]\nsource = "push:"\n')
        around: list[Reload] = []

        def wrap(reload: Reload) -> Reload:
            around.append(reload)
            return reload

        words = ("--config", str(config), "--recordings", str(self.folder))
        service = CameraService.of(*words, *PORTS, reactor=reactor, around_reload=wrap)
        service.privilegedStartService()
        service.startService()
        config.write_text('[camera.hall]\nsource = "push:"\n')
        self.assertEqual(len(around), 1)
        await around[0]()
        self.assertEqual(list(service.server.cameras), ["hall"])
        await service.stopService()

    async def test_a_shutdown_stops_the_reactor_once(self) -> None:
        stopped: Deferred[Any] = Deferred()
        self.patch(module, "stop_reactor", stopped.callback)
        service = self.make()
        for _ in range(2):
            service.server.on_shutdown()
        self.assertIs(await stopped, reactor)

    def test_a_program_may_have_its_own_shutdown(self) -> None:
        ends: list[bool] = []
        service = self.make(on_shutdown=lambda: ends.append(True))
        service.server.on_shutdown()
        self.assertEqual(ends, [True])

    async def test_recordings_that_cannot_be_finished_do_not_prevent_the_end(self) -> None:
        self.patch(module, "FINISH_TIMEOUT", 0.01)
        service = self.start()
        finish, hangs = service.server.finish_recordings, Deferred[None]()

        def finish_never() -> Deferred[None]:
            finish()
            return hangs

        self.patch(service.server, "finish_recordings", finish_never)
        await service.stopService()
        self.assertEqual(service.server.camera("door").state, "stopped")

    async def test_a_camera_that_hangs_is_abandoned_at_the_end(self) -> None:
        self.patch(module, "STOP_TIMEOUT", 0.3)
        service = self.start()
        stop, hangs = service.server.stop_cameras, Deferred[None]()
        self.patch(service.server, "stop_cameras", lambda: hangs)
        with capturedLogs() as logs:
            await service.stopService()
        self.assertTrue(any("0.3 s" in (formatEvent(each) or "") for each in logs))
        self.assertFalse(service.running)
        await stop()

    async def test_the_resources_of_a_program_are_closed_at_the_end(self) -> None:
        service = self.start()
        closed: list[int] = []
        for number in range(2):
            resource = service.resource()
            self.patch(resource, "close", lambda number=number: closed.append(number))
        await service.stopService()
        self.assertEqual(closed, [0, 1])
