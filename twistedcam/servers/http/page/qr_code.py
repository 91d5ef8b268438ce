"""QR codes of addresses, which a phone opens."""

from __future__ import annotations

import io

from twistedcam.errors import BadArgument
from twistedcam.servers.http.connection.reply import Reply
from twistedcam.servers.http.connection.request import HttpRequest, query

#: Most bytes of the text of a QR code. Phones read larger codes badly from a screen.
MAX_TEXT = 400
#: The free space around the code, in modules (ISO/IEC 18004, 5.3.8 asks for four).
_BORDER = 4


def qr_code(request: HttpRequest) -> Reply:
    """Return the QR code of ``text`` in the query, as SVG: dark on white, also on a dark page.

    Raises:
        BadArgument: there is no text, or it is too long.
    """
    text = query(request, "text") or ""
    if not 0 < len(text.encode()) <= MAX_TEXT:
        raise BadArgument(f"text must have 1 to {MAX_TEXT} bytes")
    import segno

    out = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(
        out, kind="svg", border=_BORDER, light="#fff", dark="#000", xmldecl=False, omitsize=True
    )
    return Reply(out.getvalue(), "image/svg+xml")
