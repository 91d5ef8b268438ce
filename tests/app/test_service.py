"""The service makes a server from its options, opens its ports, and stops its parts in time."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial import unittest

from twistedcam.app.service import FINISH_TIMEOUT, STOP_TIMEOUT, CameraService
from twistedcam.config.arguments import options_from
from twistedcam.errors import BadArgument, NotSupported


class CountingReactor(MemoryReactorClock):
    """A reactor in memory that counts its stops."""

    stops = 0

    def stop(self) -> None:
        self.stops += 1


class ServiceCase(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.reactor = CountingReactor()

    def service(self, *words: str, **more: Any) -> CameraService:
        """Return a service with stopped cameras, on a reactor in memory."""
        recordings = () if "--recordings" in words else ("--recordings", str(self.folder))
        options = options_from(["--camera", "pattern:", "--stopped", *recordings, *words])
        return CameraService(self.reactor, options, **more)

    def started(self, *words: str) -> CameraService:
        """Return a service that was started without ports, and without a thread for its library."""
        service = self.service("--no-listen", "--no-control", "--no-http", "--no-rtsp", *words)
        service.privilegedStartService()
        with patch.object(service.server, "open_library"):
            service.startService()
        return service


class PortTests(ServiceCase):
    def test_each_port_has_its_listeners(self) -> None:
        service = self.service(
            "--http", "tcp:1", "--http", "tcp:2", "--no-control", "--no-rtsp", "--insecure"
        )
        found = {key: [it.description for it in each] for key, each in service.listeners.items()}
        assert found["control"] == []
        assert found["frames"] == ["tcp:9530:interface=127.0.0.1"]
        assert found["http"] == ["tcp:1", "tcp:2"]

    def test_a_port_for_other_machines_needs_tokens_or_a_permission(self) -> None:
        with pytest.raises(BadArgument, match="--insecure"):
            self.service("--listen", "tcp:9530")
        assert self.service("--listen", "tcp:9530", "--insecure").listeners["frames"]

    def test_ports_are_open_before_the_start_and_known_after_it(self) -> None:
        service = self.service("--no-control", "--insecure")
        service.privilegedStartService()
        assert [port for port, *_ in self.reactor.tcpServers] == [9530, 8080, 8554]
        assert service.server.urls == {}
        with patch.object(service.server, "open_library"):
            service.startService()
        assert set(service.server.urls) == {"view", "page", "rtsp"}


class RecordingsTests(ServiceCase):
    def test_the_folder_for_recordings_is_created(self) -> None:
        self.started("--recordings", str(self.folder / "new"))
        assert (self.folder / "new").is_dir()

    def test_without_a_folder_for_recordings_the_server_starts_with_a_warning(self) -> None:
        (self.folder / "file").touch()
        with capturedLogs() as events:
            service = self.started("--recordings", str(self.folder / "file" / "x"))
        assert service.running
        assert any("recording is not possible" in (formatEvent(it) or "") for it in events)


class ShutdownTests(ServiceCase):
    def test_the_reactor_is_stopped_once_after_the_answer(self) -> None:
        server = self.service().server
        server.on_shutdown()
        server.on_shutdown()
        assert self.reactor.stops == 0
        self.reactor.advance(1)
        assert self.reactor.stops == 1

    def test_another_program_decides_itself(self) -> None:
        calls: list[None] = []
        self.service(on_shutdown=lambda: calls.append(None)).server.on_shutdown()
        self.reactor.advance(1)
        assert (calls, self.reactor.stops) == ([None], 0)


class StopTests(ServiceCase):
    def test_all_parts_are_stopped(self) -> None:
        service = self.started()
        resource = service.resource()
        with patch.object(resource, "close") as close:
            assert self.successResultOf(service.stopService()) is None
        close.assert_called_once_with()

    def test_recordings_that_hang_are_not_waited_for(self) -> None:
        service = self.started()
        hanging: Deferred[None] = Deferred()
        all = DeferredList([hanging, succeed(None)])
        with patch.object(service.server, "finish_recordings", return_value=all):
            stopping = service.stopService()
            with patch.object(
                service.server, "stop_cameras", return_value=succeed(None)
            ) as stop_cameras:
                self.reactor.advance(FINISH_TIMEOUT - 0.1)
                stop_cameras.assert_not_called()
                self.reactor.advance(0.2)
        stop_cameras.assert_called_once_with()
        self.successResultOf(stopping)
        self.assertNoResult(hanging)

    def test_a_camera_that_hangs_is_not_waited_for_beyond_the_limit(self) -> None:
        service = self.started()
        hanging: Deferred[None] = Deferred()
        all = DeferredList([hanging, succeed(None)])
        with patch.object(service.server, "stop_cameras", return_value=all):
            stopping = service.stopService()
            self.assertNoResult(stopping)
            with capturedLogs() as events:
                self.reactor.advance(STOP_TIMEOUT)
        self.successResultOf(stopping)
        assert "the server was not stopped within 2.7 s" in [formatEvent(it) for it in events]
        self.assertNoResult(hanging)  # an error of it would be nobody's


class ReloadTests(ServiceCase):
    def test_without_configuration_and_certificate_there_is_nothing_to_reload(self) -> None:
        reloading = Deferred.fromCoroutine(self.service().server.reload())
        assert "start with --config FILE" in str(self.failureResultOf(reloading, NotSupported))

    def test_a_program_can_wrap_the_reload(self) -> None:
        async def reload() -> dict[str, Any]:
            return {"added": "cam2"}

        server = self.service(around_reload=lambda _: reload).server
        assert self.successResultOf(Deferred.fromCoroutine(server.reload())) == {"added": "cam2"}


class CommandTests(ServiceCase):
    def test_a_command_belongs_to_this_server_only(self) -> None:
        service, other = self.service(), self.service()

        @service.command("wave")
        def wave() -> None:
            """Wave."""

        assert "wave" in {each.name for each in service.registry}
        assert "wave" not in {each.name for each in other.registry}
