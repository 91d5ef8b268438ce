"""The source ``rtsp:``: a camera's packets as it sends them, without a thread and undecoded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.rtsp.sdp import control_url
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import (
    RawPacket,
    RawPicture,
    ReactorSource,
    ReactorSourceListener,
    Source,
    SourceInfo,
)
from twistedcam.sources.rtsp.address import RtspAddress
from twistedcam.sources.rtsp.capture_clock import CameraClock
from twistedcam.sources.rtsp.connection import TIMEOUT, Unanswered
from twistedcam.sources.rtsp.probe import probe
from twistedcam.sources.rtsp.read_gathering import MOST_SECONDS
from twistedcam.sources.rtsp.session import RtspSession
from twistedcam.sources.rtsp.tracks import ReceivedTrack, choose_media
from twistedcam.sources.rtsp.transport import InterleavedTransport, TrackTransport, UdpTransport
from twistedcam.sources.spec import Settings, SourceSpec

log = Logger()

#: Periods of pictures without one after which the camera has failed, if that is longer.
_SILENT_PERIODS = 5


class RtspSource:
    """Receives H.264, H.265, Motion JPEG and sound as the camera sends them.

    Arguments:
        url: ``rtsp://USER:PASSWORD@HOST:PORT/PATH`` or ``rtsps:``.
        transport: ``tcp`` or ``udp``.
        verify: True if the certificate of an ``rtsps`` address must be valid.
        reactor: the reactor; by default that of the process.

    Raises:
        ValueError: the address is not valid.
    """

    def __init__(
        self, url: str, transport: str = "tcp", verify: bool = True, reactor: Any = None
    ) -> None:
        self._address = RtspAddress.parse(url)
        self._transport = transport
        self._verify = verify
        self._given_reactor = reactor
        self._listener: ReactorSourceListener | None = None
        self._session: RtspSession | None = None
        self._tracks: list[ReceivedTrack] = []
        self._video: ReceivedTrack | None = None
        self._info: SourceInfo | None = None
        self._silence: Timer | None = None
        self._patience = TIMEOUT
        self._probe: Deferred[bool] | None = None
        self._is_unreachable = self._is_back = False

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> Source | ReactorSource:
        """Return the source for ``rtsp://USER:PASSWORD@HOST#transport=udp``.

        With ``reader=ffmpeg`` it is one that FFmpeg opens.
        """
        spec.require_host()
        settings.text("ptz", kind="address")  # read by the camera's motors (camera.ptz)
        if settings.choice("reader", ("auto", "ffmpeg"), "auto") == "ffmpeg":
            from twistedcam.sources.ffmpeg import FfmpegSource

            return FfmpegSource.from_settings(spec, settings)
        transport = settings.choice("transport", ("tcp", "udp"), "tcp")
        verify = settings.flag("verify", True)
        return cls.at(f"{spec.scheme}:{spec.target}", transport, verify)

    @classmethod
    def at(cls, url: str, transport: str, verify: bool) -> Self:
        """Return the source of an address.

        Raises:
            BadArgument: the address is not valid.
        """
        try:
            return cls(url, transport, verify)
        except ValueError as error:
            raise BadArgument(f"the address of a camera is not valid: {error}") from None

    @property
    def _reactor(self) -> Any:
        if self._given_reactor is None:
            from twisted.internet import reactor

            self._given_reactor = reactor
        return self._given_reactor

    def start(self, listener: ReactorSourceListener) -> None:
        """Connect, and deliver until ``stop``."""
        self._listener = listener
        self._silence = Timer(self._reactor)
        self._session = RtspSession(self._reactor, self._address, self._verify, self._fail)
        Deferred.fromCoroutine(self._open(self._session)).addErrback(self._open_failed)

    def stop(self) -> Deferred[None]:
        """End the session; fires when the connection and all ports are closed."""
        self._listener = None
        if self._silence is not None:
            self._silence.cancel()
        return succeed(None) if self._session is None else self._session.close()

    def gather(self, wanted: bool) -> float:
        """Let packets of H.264 and H.265 over TCP gather, or deliver each one at once."""
        video, session = self._video, self._session
        if session is None or video is None or self._listener is None:
            return 0.0
        # Pictures of Motion JPEG are finished one by one: those that came together would be lost.
        wanted = wanted and self._transport == "tcp" and video.form.codec in NAL_CODECS
        is_gathering = session.connection.gather(wanted)
        for each in self._tracks:
            each.receiver.is_gathering = is_gathering
        return MOST_SECONDS if is_gathering else 0.0

    def collect(self) -> None:
        """Deliver at once what has gathered so far."""
        if self._session is not None and self._video is not None:
            self._session.connection.collect()

    def device_signature(self) -> object:
        """Return True once a camera that could not be reached, or was silent, answers; else None.

        Each call begins an attempt to reach it, unless one is under way.
        """
        if self._is_unreachable and not self._is_back and self._probe is None:
            self._probe = probing = probe(self._reactor, self._address)
            probing.addCallback(self._probed)
        return True if self._is_back else None

    async def _open(self, session: RtspSession) -> None:
        description, base = await session.describe()
        chosen, sound_fault = choose_media(description, session.address.name)
        camera_clock = CameraClock()
        played: list[str] = []
        for number, (media, form) in enumerate(chosen):
            track = ReceivedTrack(
                media,
                form,
                camera_clock,
                self._reactor,
                self._take,
                self._take_fault,
                self._video_ended if number == 0 else _ignore,
                self._take_sound_fault,
            )
            url = control_url(base, media.control)
            transport = self._make_transport(session, track, number)
            try:
                await session.set_up(url, transport)
            except CameraFailed as error:
                if number == 0:
                    raise
                sound_fault = f"its sound cannot be received: {error}"
                continue
            played.append(url)
            self._tracks.append(track)
            if number == 0:
                self._video = track
                self._info = self._describe(track)
            elif self._info is not None:
                self._info = replace(self._info, sound=track.track)
        assert self._info is not None
        self._info = replace(self._info, sound_fault=sound_fault)
        await session.play(played)
        self._opened()

    def _describe(self, video: ReceivedTrack) -> SourceInfo:
        track, rate = video.track, video.media.frame_rate
        width, height = video.media.size or (0, 0)
        if track is not None:
            width, height, rate = track.width, track.height, float(track.rate or rate)
        codec = video.form.codec
        return SourceInfo(width, height, rate, codec, self._address.name, steady=False)

    def _make_transport(
        self, session: RtspSession, track: ReceivedTrack, number: int
    ) -> TrackTransport:
        connection = session.connection
        if self._transport == "tcp":
            return InterleavedTransport(connection, track.receiver, number)
        ends = (connection.transport.getHost(), connection.transport.getPeer())
        return UdpTransport(self._reactor, ends[0].host, ends[1].host, track.receiver)

    def _opened(self) -> None:
        """Tell once that the source is open, and watch over its video from now on."""
        info, self._info = self._info, None
        if info is None or self._listener is None:
            return
        if info.fps > 0:
            self._patience = max(TIMEOUT, _SILENT_PERIODS / info.fps)
        self._listener.on_opened(info)
        self._check_silence()

    def _take(self, raw: RawPicture | RawPacket) -> None:
        if self._info is not None:  # packets may come before the answer to PLAY
            self._opened()
        if self._listener is not None:
            self._listener.on_raw(raw)

    def _take_fault(self, reason: str) -> None:
        if self._info is not None:
            self._opened()
        if self._listener is not None:
            self._listener.on_corrupt(reason)

    def _take_sound_fault(self, reason: str) -> None:
        if self._listener is not None:
            self._listener.on_sound_fault(reason)

    def _check_silence(self) -> None:
        if self._listener is None or self._video is None or self._silence is None:
            return
        left = self._video.last_arrival + self._patience - self._reactor.seconds()
        if left > 0:
            self._silence.start(left + 0.01, self._check_silence)
            return
        hint = ": if a firewall blocks UDP, remove #transport=udp from the address"
        why = f"nothing came for {self._patience:g} s{hint if self._transport == 'udp' else ''}"
        self._fail(Unanswered(f"{self._address.name}: {why}"))

    def _video_ended(self) -> None:
        self._fail(CameraFailed(f"{self._address.name} has ended the stream"))

    def _open_failed(self, why: Failure) -> None:
        error = why.value
        if isinstance(error, CameraFailed):
            self._fail(error)
        else:
            log.failure("a source failed with an unexpected error", failure=why)
            self._fail(CameraFailed(f"the source failed: {why.getErrorMessage()}"))

    def _fail(self, error: CameraFailed) -> None:
        listener, self._listener = self._listener, None
        self._is_unreachable = isinstance(error, Unanswered)
        if self._silence is not None:
            self._silence.cancel()
        if self._session is not None:
            self._session.close()
        if listener is not None:
            listener.on_failed(error)

    def _probed(self, answers: bool) -> None:
        self._is_back, self._probe = answers, None


def _ignore() -> None:
    """Go on without the sound, which has ended."""
