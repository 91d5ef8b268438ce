"""A grant's rights are separate and limited to its cameras."""

from __future__ import annotations

import pytest

from twistedcam.auth import Grant
from twistedcam.errors import CameraNeeded, Forbidden, NoSuchCamera

VIEW = frozenset({"view"})


def test_rights_are_separate_and_bound_to_cameras() -> None:
    grant = Grant("phone", VIEW, frozenset({"door"}))
    grant.require("view", "door")
    for right, camera in (("view", "yard"), ("view", None), ("control", "door")):
        with pytest.raises(Forbidden, match="'phone'"):
            grant.require(right, camera)  # type: ignore[arg-type]


def test_commands_that_only_tell_are_for_viewers_and_controllers() -> None:
    viewer = Grant("v", VIEW, frozenset({"door"}))
    controller = Grant("c", frozenset({"control"}), frozenset({"door"}))
    publisher = Grant("p", frozenset({"publish"}))
    for grant in (viewer, controller):
        grant.require_command("view", "door", "status")
        grant.require_command("view", None, "cameras")
    controller.require_command("control", "door", "stop")
    for grant, right, camera in (
        (viewer, "control", "door"),
        (viewer, "view", "yard"),
        (controller, "control", "yard"),
        (controller, "control", None),
        (controller, "admin", None),
        (publisher, "view", None),
        (publisher, "control", "door"),
    ):
        with pytest.raises(Forbidden):
            grant.require_command(right, camera, "x")


def test_a_list_is_cut_to_the_cameras_of_the_token() -> None:
    grant = Grant("v", VIEW, frozenset({"door"}))
    items = [{"camera": "door"}, {"camera": "yard"}, {"other": "x"}]
    assert grant.only_own(items, "cameras") == [{"camera": "door"}]
    assert Grant("v", VIEW).only_own(items, "cameras") == items
    assert grant.only_own(None, "cameras") is None
    assert grant.only_own({"page": "x", "disk": 1}, "server", ("view", "page")) == {"page": "x"}
    with pytest.raises(Forbidden):
        grant.only_own({"disk": 1}, "disk")


def test_an_error_that_names_all_cameras_names_only_those_of_the_token() -> None:
    grant = Grant("v", VIEW, frozenset({"door"}))
    for error in (NoSuchCamera("there is: yard, door"), CameraNeeded("say which: yard, door")):
        found = grant.only_own_names(error)
        assert type(found) is type(error)
        assert "door" in str(found)
        assert "yard" not in str(found)
    everything = Grant("v", VIEW)
    assert everything.only_own_names(NoSuchCamera("yard")).args == ("yard",)


def test_a_grant_ends_at_its_time() -> None:
    grant = Grant("v", VIEW, expires=100.0)
    assert [grant.has_expired(now) for now in (99.9, 100.0)] == [False, True]
    assert not Grant("v", VIEW).has_expired(1e12)


def test_a_token_with_the_url_safe_form_of_a_name_is_valid_for_that_camera() -> None:
    grant = Grant("v", VIEW, frozenset({"Kuche"}))
    assert grant.covers("Küche")
    assert not grant.covers("Garten")
    assert not grant.covers(None)


def test_a_viewer_needs_the_rights_that_it_uses_as_long_as_it_watches() -> None:
    viewer = Grant("v", VIEW)
    listener = Grant("l", frozenset({"view", "listen"}), frozenset({"door"}))
    assert viewer.watching_rights("door") == ("view",)
    assert listener.watching_rights("door") == ("view", "listen")
    assert listener.watching_rights("yard") == ("view",)
    assert listener.watching_rights("door", has_sound=False) == ("view",)
    assert listener.watching_rights("door", "control") == ("control", "listen")
    assert listener.allows_all(("view", "listen"), "door")
    assert not listener.allows_all(("view",), "yard")
    assert not viewer.allows_all(("view", "listen"), "door")
