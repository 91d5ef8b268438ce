"""A camera is moved by its PTZ service, with presets by their names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from tests.support.onvif_camera import PASSWORD, USER, OnvifTestCamera
from twistedcam.camera.ptz.motors import Velocity
from twistedcam.camera.ptz.onvif_motors import OnvifMotors
from twistedcam.errors import BadArgument, CameraFailed, LoginRefused
from twistedcam.sources.onvif.address import OnvifAddress

LOGIN = f"{USER}:{quote(PASSWORD)}"


@contextmanager
def motors(camera: OnvifTestCamera) -> Iterator[OnvifMotors]:
    address = OnvifAddress.parse(f"onvif://{LOGIN}@127.0.0.1:{camera.port}")
    found = OnvifMotors.find(address, True)
    assert found is not None
    try:
        yield found
    finally:
        found.close()


def test_movements_name_what_moves_and_for_how_long() -> None:
    with OnvifTestCamera() as camera, motors(camera) as found:
        found.move(Velocity(-0.5, 0.25), 1.5)
        found.move(Velocity(zoom=1), 2)
        found.stop()
        found.home()
        assert camera.calls == [
            ("ContinuousMove", (-0.5, 0.25), None, "PT1.5S"),
            ("ContinuousMove", None, 1.0, "PT2S"),
            ("Stop",),
            ("GotoHomePosition",),
        ]


def test_presets_are_known_by_their_names() -> None:
    with OnvifTestCamera() as camera, motors(camera) as found:
        camera.presets["2"] = ""
        assert found.presets() == ["Gate", "2"]
        found.save("Yard & garden")
        found.save("Gate")
        assert camera.presets == {"1": "Gate", "2": "", "3": "Yard & garden"}
        found.go_to("Yard & garden")
        found.go_to("2")
        found.delete("Gate")
        assert camera.calls[2:] == [("GotoPreset", "3"), ("GotoPreset", "2"), ("RemovePreset", "1")]
        with pytest.raises(BadArgument, match="no preset 'Gate'; there is 2, Yard & garden"):
            found.go_to("Gate")


def test_a_camera_without_motors_has_none() -> None:
    with OnvifTestCamera(has_ptz=False) as camera:
        address = OnvifAddress.parse(f"onvif://{LOGIN}@127.0.0.1:{camera.port}")
        assert OnvifMotors.find(address, True) is None


def test_errors_of_the_camera_are_told() -> None:
    with OnvifTestCamera() as camera:
        wrong = OnvifAddress.parse(f"onvif://{USER}:wrong@127.0.0.1:{camera.port}")
        with pytest.raises(LoginRefused):
            OnvifMotors.find(wrong, True)
        with motors(camera) as found:
            camera.login = "digest"
            found.stop()  # the login that is wanted now is used
            camera._act = lambda *_: 1 / 0  # type: ignore[method-assign]
            with pytest.raises(CameraFailed):
                found.stop()
