"""The source ``onvif:``: a camera whose RTSP address is found by its ONVIF services."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.sources.base import ReactorSource, ReactorSourceListener, Source
from twistedcam.sources.onvif.address import DEVICE_PATH, OnvifAddress
from twistedcam.sources.onvif.device import OnvifDevice
from twistedcam.sources.rtsp.source import RtspSource
from twistedcam.sources.spec import Settings, SourceSpec

log = Logger()


class OnvifSource:
    """Asks the camera for the address of a profile's video, and receives that by RTSP.

    The address is asked for at each opening: it may change.

    Arguments:
        address: the camera's address.
        transport: of RTSP: ``tcp`` or ``udp``.
        verify: True if the certificates of ``onvifs`` and ``rtsps`` addresses must be valid.
        reactor: the reactor; by default that of the process.
    """

    def __init__(
        self, address: OnvifAddress, transport: str, verify: bool, reactor: Any = None
    ) -> None:
        self._address = address
        self._transport = transport
        self._verify = verify
        self._given_reactor = reactor
        self._listener: ReactorSourceListener | None = None
        self._rtsp: RtspSource | None = None

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> Source | ReactorSource:
        """Return the source for ``onvif://USER:PASSWORD@HOST/PROFILE#transport=udp``."""
        spec.require_host()
        settings.text("ptz")  # read by the camera's motors (camera.ptz)
        transport = settings.choice("transport", ("tcp", "udp"), "tcp")
        verify = settings.flag("verify", True)
        path = settings.text("path", DEVICE_PATH)
        try:
            address = OnvifAddress.parse(f"{spec.scheme}:{spec.target}", path)
        except ValueError as error:
            raise BadArgument(f"the address of a camera is not valid: {error}") from None
        return cls(address, transport, verify)

    @property
    def _reactor(self) -> Any:
        if self._given_reactor is None:
            from twisted.internet import reactor

            self._given_reactor = reactor
        return self._given_reactor

    def start(self, listener: ReactorSourceListener) -> None:
        """Ask for the address, connect, and deliver until ``stop``."""
        self._listener = listener
        asking = run_in_thread(lambda: Thread(self._reactor, "onvif"), self._find_url)
        asking.addCallbacks(self._found, self._failed)

    def stop(self) -> Deferred[None]:
        """End the session; fires when the connection is closed."""
        self._listener = None
        return succeed(None) if self._rtsp is None else self._rtsp.stop()

    def device_signature(self) -> object:
        """Return True once a camera that could not be reached by RTSP answers; else None."""
        return None if self._rtsp is None else self._rtsp.device_signature()

    def _find_url(self) -> str:
        """Return the RTSP address with its login; called in a thread."""
        device = OnvifDevice(self._address, self._verify)
        try:
            return device.with_login(device.stream_url(device.profile()))
        finally:
            device.close()

    def _found(self, url: str) -> None:
        listener = self._listener
        if listener is None:
            return
        try:
            self._rtsp = RtspSource(url, self._transport, self._verify, self._given_reactor)
        except ValueError:
            listener.on_failed(
                CameraFailed(f"{self._address.name} has no valid RTSP address for its video")
            )
            return
        self._rtsp.start(listener)

    def _failed(self, why: Failure) -> None:
        listener, self._listener = self._listener, None
        if listener is None:
            return
        error = why.value
        if not isinstance(error, CameraFailed):
            log.failure("a source failed with an unexpected error", failure=why)
            error = CameraFailed(f"the source failed: {why.getErrorMessage()}")
        listener.on_failed(error)
