"""The address that opens the page with a token."""

from __future__ import annotations

import pytest

from twistedcam.auth import Grant
from twistedcam.cli.token_address import page_address, page_path


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("http://cam.example/door", "http://cam.example/door/"),
        ("cam.example:81", "http://cam.example:81/"),
        ("https://[::1]:8443/#x", "https://[::1]:8443/"),
    ],
)
def test_the_address_of_the_page_may_be_short(text: str, page: str) -> None:
    assert page_address(text) == page


@pytest.mark.parametrize(
    ("rights", "cameras", "path"),
    [
        ({"view"}, None, ""),
        ({"view", "publish"}, {"a"}, ""),
        ({"publish"}, {"a b"}, "publish/a%20b"),
        ({"publish"}, {"a", "b"}, "publish"),
        ({"publish"}, None, "publish"),
    ],
)
def test_a_token_that_only_publishes_opens_the_page_of_its_camera(
    rights: set[str], cameras: set[str] | None, path: str
) -> None:
    allowed = None if cameras is None else frozenset(cameras)
    grant = Grant("phone", frozenset(rights), allowed)  # type: ignore[arg-type]
    assert page_path(grant) == path
