"""The page to log in, and logging in and out."""

from __future__ import annotations

import html
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlencode

from twisted.logger import Logger

from twistedcam.auth import Grant
from twistedcam.auth.tokens import TOKEN_PREFIX
from twistedcam.errors import BadArgument, Forbidden, TooMany, TwistedcamError, Unauthorized
from twistedcam.net.addresses import show_address
from twistedcam.runtime.threads import run_in_thread
from twistedcam.servers.http.connection.access import check_token, token_in_url, token_of
from twistedcam.servers.http.connection.cookie import delete_cookie, login_of, set_cookie
from twistedcam.servers.http.connection.error_page import wants_page
from twistedcam.servers.http.connection.reply import BEARER, STATUS, Reply, json_reply
from twistedcam.servers.http.connection.request import (
    DESTINATION,
    HttpRequest,
    destination,
    is_destination,
)
from twistedcam.servers.http.page.page import HEADERS, Page

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Comments in the page that are replaced.
_ERROR = "<!-- error -->"
#: What changes on the page if there are users with passwords.
_WITH_USERS = {
    '<input type="text" name="user" autocomplete="username" value="token" hidden>': (
        '<label>User<input type="text" name="user" autocomplete="username" autocapitalize="none" '
        'spellcheck="false" autofocus></label>'
    ),
    "<label>Token<input": "<label>Password<input",
    " required autofocus aria-describedby": " required aria-describedby",
    "Who runs this server makes a token": "A token is accepted, too; who runs this server makes it",
}
_FORM = "application/x-www-form-urlencoded"
#: Most fields of the form.
_MAX_FIELDS = 10
#: A parameter of the page's address after a login: if the page to log in is shown again, the
#: browser has kept no cookie.
_MARK = ("login", "1")
#: The end of the form's first line.
_FORM_END = 'id="login">'


class LoginPage:
    """Answers ``/login`` and ``/logout``, and ``/`` for a browser that is not logged in."""

    def __init__(self, server: Server, page: Page) -> None:
        self._server = server
        self._page = page

    def get(self, request: HttpRequest) -> Reply:
        """Return the page to log in, or go to the page if that is not needed.

        A client that wants no page gets ``{"login": true}`` if its cookie continues a login.
        """
        error: TwistedcamError | None = None
        try:
            found = login_of(request)
        except Unauthorized as expired:
            found, error = None, expired
        if not wants_page(request.requestHeaders.getRawHeaders(b"Accept")):
            return json_reply({"login": found is not None})
        if found is not None or not self._server.authenticator.is_needed:
            return see_other("./", [])
        return self.page(request, error)

    def page(self, request: HttpRequest, error: TwistedcamError | None = None) -> Reply:
        """Return the page to log in.

        Arguments:
            error: the reason why a login has failed.
        """
        shown = ""
        if error is not None:
            text = str(error)
            # The script of the page translates the sentence by its code.
            marks = f'class="error" data-code="{error.code}" translate="no" role="alert"'
            shown = f"<p {marks}>{html.escape(text[:1].upper() + text[1:])}</p>"
        body = self._page.text("login.html").replace(_ERROR, shown)
        to = destination(request)
        if to is not None:
            field = f'<input type="hidden" name="{DESTINATION}" value="{html.escape(to)}">'
            body = body.replace(_FORM_END, _FORM_END + field, 1)
        if self._server.authenticator.has_users:
            body = for_users(body)
        # No dialog of the browser: it knows "Basic" and ignores "Bearer".
        headers = {**HEADERS, "Vary": "Accept, Cookie"}
        status = 401 if error is None else STATUS.get(type(error), 401)
        if status == 401:
            headers["WWW-Authenticate"] = BEARER
        refusal = "" if error is None else str(error)
        return Reply(
            body.encode(), "text/html; charset=utf-8", status, headers=headers, refusal=refusal
        )

    async def log_in(self, request: HttpRequest) -> Reply:
        """Begin a session with the token of a form, and go to the page.

        Raises:
            BadArgument: the body is no form.
            Unauthorized, Forbidden: the token is wrong, or does not open the page.
        """
        fields = _read_form(request)
        to = fields.get(DESTINATION, "")
        parameters = [(DESTINATION, to)] if is_destination(to) else []
        if not self._server.authenticator.is_needed:
            return see_other("./", parameters)
        try:
            grant = await self._check(request, fields.get("user", ""), fields.get("token", ""))
            if not (parameters and "publish" in grant.rights):
                grant.require_right("view")
        except (Unauthorized, Forbidden, TooMany) as error:
            if not wants_page(request.requestHeaders.getRawHeaders(b"Accept")):
                raise
            return self.page(request, error)
        self._begin(request, grant)
        return see_other("./", [_MARK, *parameters])

    async def _check(self, request: HttpRequest, user: str, secret: str) -> Grant:
        """Return the grant of a user with a password, or of a token.

        Raises:
            Unauthorized: there is none.
            TooMany: too many passwords wait for their check.
        """
        server = self._server
        if not (user and server.authenticator.has_users) or secret.startswith(TOKEN_PREFIX):
            return await check_token(server, request, secret.strip())
        # It goes on if the client leaves: then no more than one password is checked at a time.
        return await server.authenticator.by_password(
            user.strip(),
            secret,
            request.getClientAddress(),
            partial(run_in_thread, server.make_thread),
        )

    def is_by_address(self, request: HttpRequest) -> bool:
        """True if a browser opens the page with a valid token in the address."""
        if request.method != b"GET" or token_of(request) is not None:
            return False
        if not self._server.authenticator.is_needed or token_in_url(request) is None:
            return False
        return wants_page(request.requestHeaders.getRawHeaders(b"Accept"))

    def log_in_by_address(self, request: HttpRequest) -> Reply:
        """Begin a session with the token of ``/?token=``, and go to the address without it."""
        self._begin(request, request.grant)
        rest = [
            (name.decode(errors="surrogateescape"), value.decode(errors="surrogateescape"))
            for name, values in (request.args or {}).items()
            for value in values
            if name not in (b"token", b"login", b"tab")
        ]
        return see_other("./", [_MARK, *rest])

    def log_out(self, request: HttpRequest) -> Reply:
        """End the session of the cookie, and go to the page to log in."""
        self._end(request)
        delete_cookie(request)
        return see_other("./", [])

    def _begin(self, request: HttpRequest, grant: Grant) -> None:
        self._end(request)  # each login has a new secret
        peer = show_address(request.getClientAddress())
        address = peer if request.getClientAddress().port == 0 else peer.rpartition(":")[0]
        agent = request.getHeader("User-Agent") or ""
        set_cookie(request, self._server.logins.start(grant, address, agent))
        log.info("{peer}: logged in: {owner}", peer=peer, owner=grant.owner)

    def _end(self, request: HttpRequest) -> None:
        try:
            found = login_of(request)
        except Unauthorized:
            return  # the token has expired
        if found is not None:
            self._server.logins.end(found[0])
            peer = show_address(request.getClientAddress())
            log.info("{peer}: logged out: {owner}", peer=peer, owner=found[1].owner)


def for_users(page: str) -> str:
    """Return the page to log in of a server that has users with passwords."""
    for before, after in _WITH_USERS.items():
        page = page.replace(before, after)
    return page


def go_on(to: str) -> Reply:
    """Return a redirection to the page to which a login leads."""
    return see_other("./" + quote(to), [])


def see_other(address: str, parameters: list[tuple[str, str]]) -> Reply:
    """Return a redirection (303) to a relative address."""
    query = "?" + urlencode(parameters, errors="surrogateescape") if parameters else ""
    return Reply(type="text/plain", status=303, headers={"Location": f"{address}{query}"})


def _read_form(request: HttpRequest) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        BadArgument: the body is no form, or not UTF-8.
    """
    kind = (request.getHeader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise BadArgument(f"the body must be a form with the field token ({_FORM})")
    assert request.content is not None
    try:
        text = request.content.read().decode()
        fields = parse_qs(text, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise BadArgument(f"the form must be UTF-8 and have at most {_MAX_FIELDS} fields") from None
    return {name: values[-1] for name, values in fields.items()}
