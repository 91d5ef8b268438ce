"""The address where push services can reach the person who runs this server."""

from __future__ import annotations

import re

from twistedcam.errors import BadArgument

#: Addresses for questions, as push services accept them (RFC 8292, 2.1).
_CONTACT = re.compile(
    r"mailto:[\w.+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+|https://[a-z0-9-]+(\.[a-z0-9-]+)+[\w./-]*",
    re.ASCII | re.IGNORECASE,
)


def parse_contact(text: str, option: str = "--push-contact") -> str:
    """Return the address where push services can write to the person who runs this server.

    Arguments:
        option: the option's name, for the error.

    Raises:
        BadArgument: it is no such address.
    """
    found = text if ":" in text else f"mailto:{text}"
    if not _CONTACT.fullmatch(found):
        raise BadArgument(
            f"{option} {text}: write mailto:NAME@HOST, or the https:// address of a page"
        )
    return found
