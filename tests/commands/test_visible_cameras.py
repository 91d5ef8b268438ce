"""The cameras that a client may know of."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from tests.support.fakes import make_server
from twistedcam.auth import Grant
from twistedcam.commands import VisibleCameras
from twistedcam.errors import CameraNeeded, Forbidden, NoSuchCamera, TwistedcamError
from twistedcam.sources.spec import parse


@pytest.fixture
def server(tmp_path: Any) -> Any:
    made = make_server(Clock(), tmp_path)
    for name in ("front door", "yard"):
        made.add_camera(name, parse("pattern:"))
    return made


def limited(server: Any, *names: str) -> VisibleCameras:
    return VisibleCameras(server, Grant("guest", frozenset({"view"}), frozenset(names)))


def test_a_camera_is_found_by_its_name_and_its_url_safe_name(server: Any) -> None:
    cameras = VisibleCameras(server)
    assert cameras.get("front door") is cameras.get("front-door")
    assert "front-door" in cameras and "garden" not in cameras
    with pytest.raises(NoSuchCamera):
        cameras.get("garden")
    with pytest.raises(CameraNeeded):
        cameras.get(None)


def test_a_hidden_camera_is_refused_like_one_that_does_not_exist(server: Any) -> None:
    cameras = limited(server, "front door")
    assert [each.name for each in cameras.own] == ["front door"]
    errors = []
    for name in ("yard", "garden"):
        with pytest.raises(TwistedcamError) as caught:
            cameras.get(name)
        errors.append((type(caught.value), str(caught.value).replace(name, "NAME")))
    assert errors[0] == errors[1]


def test_a_camera_that_is_gone_may_have_recordings(server: Any) -> None:
    assert VisibleCameras(server).recorded("garden").name == "garden"
    assert VisibleCameras(server).recorded("front-door").name == "front door"
    assert limited(server, "garden").recorded("garden").name == "garden"
    for name in ("yard", "cellar"):
        with pytest.raises(Forbidden):
            limited(server, "garden").recorded(name)


def test_the_names_in_an_error_are_those_of_the_token(server: Any) -> None:
    with pytest.raises(CameraNeeded) as caught:
        limited(server, "front door", "garden").get(None)
    assert "yard" not in str(caught.value)
