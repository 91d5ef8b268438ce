"""The address of the person who runs a server."""

from __future__ import annotations

import pytest

from twistedcam.errors import BadArgument
from twistedcam.notifications.contact import parse_contact


def test_contacts_are_mail_addresses_and_pages() -> None:
    assert parse_contact("me@example.org") == "mailto:me@example.org"
    assert parse_contact("https://cam.example.org/about") == "https://cam.example.org/about"
    for text in ("me", "mailto:me", "http://cam.example.org", "mailto:a@b c.org", ""):
        with pytest.raises(BadArgument, match="--push-contact"):
            parse_contact(text)
