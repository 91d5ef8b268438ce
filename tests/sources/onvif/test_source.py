"""The source ``onvif:`` asks for the address of the video, and tells why it has none."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.support.onvif_camera import USER, OnvifTestCamera
from twistedcam.errors import BadArgument, CameraFailed, LoginRefused
from twistedcam.sources.onvif.source import OnvifSource
from twistedcam.sources.registry import known_settings, make_source
from twistedcam.sources.spec import parse


class Listener:
    """Waits for the failure of a source."""

    def __init__(self) -> None:
        self.failed: Deferred[CameraFailed] = Deferred()

    def on_failed(self, error: CameraFailed) -> None:
        self.failed.callback(error)


class OnvifSourceTests(TestCase):
    def open(self, text: str) -> Deferred[CameraFailed]:
        source: Any = make_source(parse(text))
        assert isinstance(source, OnvifSource)
        listener: Any = Listener()
        source.start(listener)
        self.addCleanup(source.stop)
        return listener.failed

    async def _fails(self, text: str, kind: type[CameraFailed], words: str) -> None:
        error = await self.open(text)
        assert isinstance(error, kind)
        assert words in str(error)

    def test_a_wrong_password_is_told(self) -> Deferred[None]:
        camera = OnvifTestCamera().__enter__()
        self.addCleanup(camera.__exit__)
        text = f"onvif://{USER}:wrong@127.0.0.1:{camera.port}"
        return Deferred.fromCoroutine(self._fails(text, LoginRefused, "refuses this user name"))

    def test_a_camera_whose_video_cannot_be_reached_is_told(self) -> Deferred[None]:
        camera = OnvifTestCamera(rtsp="rtsp://10.9.9.9:9/x", login="").__enter__()
        self.addCleanup(camera.__exit__)
        text = f"onvif://127.0.0.1:{camera.port}"
        return Deferred.fromCoroutine(self._fails(text, CameraFailed, "127.0.0.1:9"))

    def test_a_source_that_was_stopped_tells_nothing(self) -> None:
        source: Any = make_source(parse("onvif://127.0.0.1:9"))
        assert source.device_signature() is None
        assert self.successResultOf(source.stop()) is None


def test_settings_are_known_and_wrong_addresses_refused() -> None:
    assert {"transport", "verify", "path"} <= known_settings(parse("onvif://h/main"))
    for text in ("onvif:", "onvif://", "onvifs://h#transport=x", "onvif://h#x=1", "onvif://h:0"):
        with pytest.raises(BadArgument):
            make_source(parse(text))


def test_a_password_is_not_shown() -> None:
    assert parse("onvif://admin:SECRET@10.0.0.7/main").shown == "onvif://***@10.0.0.7/main"
