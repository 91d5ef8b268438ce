"""The HTTP paths of ONVIF: reads a message, checks its login, and answers its action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twisted.logger import Logger

from twistedcam.auth import NOBODY
from twistedcam.auth.password_login import StaleNonce
from twistedcam.errors import Forbidden, TwistedcamError, Unauthorized
from twistedcam.net.addresses import show_address
from twistedcam.onvif.soap import (
    SOAP_12,
    SoapFault,
    SoapMessage,
    answer_header,
    envelope,
    fault,
    parse_message,
)
from twistedcam.onvif.xml import Xml, XmlError
from twistedcam.servers.http.connection.reply import STATUS, Reply
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.onvif import device, events, media, media2, ptz
from twistedcam.servers.onvif.login import OnvifLogin, WrongUsernameToken
from twistedcam.servers.onvif.pull_points import PullPoints
from twistedcam.servers.onvif.request import Action, OnvifRequest

if TYPE_CHECKING:
    from twistedcam.core.server import Server
    from twistedcam.net.listener import Listener

log = Logger()

_TYPE = "application/soap+xml; charset=utf-8"
#: The actions that need a login, by prefix and name.
_ACTIONS: dict[tuple[str, str], Action] = {
    **{("tds", name): action for name, action in device.ACTIONS.items()},
    **{("trt", name): action for name, action in media.ACTIONS.items()},
    **{("tr2", name): action for name, action in media2.ACTIONS.items()},
    **events.ACTIONS,
    **{("tptz", name): action for name, action in ptz.ACTIONS.items()},
}


class OnvifEndpoint:
    """Answers messages of ONVIF clients.

    Arguments:
        device_id: the UUID of this server.
        find_rtsp: returns the ports of RTSP.
    """

    def __init__(
        self, server: Server, device_id: str, find_rtsp: Callable[[], Sequence[Listener]]
    ) -> None:
        self._server = server
        self._device_id = device_id
        self._find_rtsp = find_rtsp
        self._pull_points = PullPoints(server)
        self._login = OnvifLogin(server.authenticator, server.clock)

    async def post(self, request: HttpRequest, service: str) -> Reply:
        """Answer a message."""
        assert request.content is not None
        version = SOAP_12
        try:
            data = request.content.read()
            if not data and self._server.authenticator.is_needed:
                # Clients of Digest keep the body back until they are challenged (curl).
                raise Unauthorized("this server requires a token")
            message = parse_message(data)
            version = message.version
            answer = await self._answer(request, service, message)
            return Reply(envelope(answer, answer_header(message), version), _TYPE)
        except XmlError as error:
            text = f"the body is not a SOAP message: {error}"
            return self._refusal(SoapFault(text, "ter:WellFormed"), 400, version)
        except SoapFault as error:
            return self._refusal(error, 400 if error.is_sender else 500, version)
        except Forbidden as error:
            self._log(request, error)
            return self._refusal(SoapFault(str(error), "ter:NotAuthorized"), 400, version)
        except Unauthorized as error:
            self._log(request, error)
            return self._refuse_login(error, version)
        except TwistedcamError as error:
            status = next((STATUS[each] for each in type(error).__mro__ if each in STATUS), 500)
            is_sender = status == 400
            code = "ter:InvalidArgVal" if is_sender else "ter:Action"
            return self._refusal(SoapFault(str(error), code, is_sender=is_sender), status, version)

    async def _answer(self, request: HttpRequest, service: str, message: SoapMessage) -> Xml:
        prefix, name = message.action
        action = device.OPEN_ACTIONS.get(name) if prefix == "tds" else None
        grant = NOBODY
        if action is None:
            header = request.getHeader("Authorization") or ""
            grant = await self._login.grant(message, header, request.getClientAddress())
            grant.require_right("view")
            action = _ACTIONS.get((prefix, name))
        if action is None:
            raise SoapFault(f"this server has no action {name[:80]}", "ter:ActionNotSupported")
        rtsp = self._find_rtsp()
        found = action(
            OnvifRequest(
                self._server,
                request,
                grant,
                message.body,
                self._device_id,
                rtsp,
                self._pull_points,
                service,
            )
        )
        return found if isinstance(found, Xml) else await found

    def _refuse_login(self, error: Unauthorized, version: str) -> Reply:
        refused = SoapFault(str(error), "ter:NotAuthorized")
        if isinstance(error, WrongUsernameToken):
            return self._refusal(refused, 400, version)
        reply = self._refusal(refused, 401, version)
        challenges = self._login.challenges(stale=isinstance(error, StaleNonce))
        reply.headers["WWW-Authenticate"] = ", ".join(challenges)
        return reply

    @staticmethod
    def _refusal(error: SoapFault, status: int, version: str) -> Reply:
        return Reply(fault(error, version), _TYPE, status)

    def _log(self, request: HttpRequest, error: Unauthorized) -> None:
        """Log a login that was refused. To send none first is usual, to get a challenge."""
        peer = request.getClientAddress()
        is_first = not isinstance(error, WrongUsernameToken | Forbidden) and (
            isinstance(error, StaleNonce) or not request.getHeader("Authorization")
        )
        if not is_first and self._server.refusals.should_log(peer, "ONVIF"):
            log.warn("{peer}: refused: ONVIF: {why}", peer=show_address(peer), why=str(error))
