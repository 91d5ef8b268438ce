"""The newest lines of the log over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.errors import BadArgument, Forbidden
from twistedcam.runtime.log_memory import MAX_LINES, LogMemory
from twistedcam.servers.http.connection.access import is_local
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest, has_parameter, query

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Lines of an answer, if the client names no number.
_LINES = 200


class LogLines:
    """Answers ``/api/v1/log``, which needs the right ``admin``."""

    def __init__(self, server: Server, memory: LogMemory) -> None:
        self._server = server
        self._memory = memory

    def get(self, request: HttpRequest) -> Reply:
        """Return the newest lines, the oldest first.

        ``?lines=N``: so many at most; ``?filter=WORDS``: those with these words; ``?download``: a
        file of text.

        Raises:
            BadArgument: the number is not valid.
            Forbidden: there are no tokens, and the request is from another machine.
        """
        if not self._server.authenticator.is_needed and not is_local(request):
            raise Forbidden("without tokens, only this machine may read the log")
        text = query(request, "lines") or str(_LINES)
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LINES):
            raise BadArgument(f"lines must be a number from 1 to {MAX_LINES}")
        found = self._memory.lines(int(text), query(request, "filter") or "")
        if not has_parameter(request, "download"):
            return json_reply({"lines": found})
        body = "".join(f"{each['text']}\n" for each in found).encode(errors="replace")
        headers = {"Content-Disposition": 'attachment; filename="twistedcam.log"'}
        return Reply(body, "text/plain; charset=utf-8", headers=headers)
