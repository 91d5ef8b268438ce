"""Messages are checked before they are answered; faults have codes and statuses."""

from __future__ import annotations

import base64
from functools import partial

from twisted.logger import capturedLogs, formatEvent

from tests.support.http_site import SiteCase, TokenSiteCase
from tests.support.onvif_site import OnvifClient, add_services
from twistedcam.commands import standard_commands
from twistedcam.onvif.soap import SOAP_11, envelope, parse_message
from twistedcam.onvif.xml import children, element, local, text
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router


class MessageTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        add_services(self.router, self.server)
        self.client = OnvifClient(self.factory)

    def test_an_answer_has_the_version_of_its_question(self) -> None:
        for version in (SOAP_11, "http://www.w3.org/2003/05/soap-envelope"):
            answer = self.client.send(envelope(element("tds:GetHostname"), version=version))
            assert parse_message(answer).version == version
        assert "Content-Type: application/soap+xml; charset=utf-8" in self.client.head

    def test_a_message_may_go_to_the_path_of_another_service(self) -> None:
        answer = self.client.send(envelope(element("trt:GetProfiles")), "ptz")
        assert local(parse_message(answer).body) == "GetProfilesResponse"

    def test_unknown_actions_and_broken_messages_are_faults_with_status_400(self) -> None:
        assert self.client.fault("tds:SystemReboot") == ("ter:ActionNotSupported",)
        assert self.client.status == 400
        for data in (b"", b"<x", b"<!DOCTYPE x><x/>"):
            assert b"ter:WellFormed" in self.client.send(data)
            assert self.client.status == 400

    def test_a_page_of_another_site_cannot_send_messages(self) -> None:
        answer = self.client.send(
            envelope(element("tds:GetHostname")), Origin="http://evil.example"
        )
        assert (self.client.status, b"Response" in answer) == (403, False)


class RightTests(TokenSiteCase):
    def setUp(self) -> None:
        super().setUp()
        router = make_router(self.server, standard_commands(), LiveStats(self.server))
        add_services(router, self.server)
        self.factory = HttpFactory(partial(router.answer, Guard(any_name=True)), self.server)

    def basic(self, name: str) -> OnvifClient:
        word = base64.b64encode(f"any:{self.tokens.get(name, 'wrong')}".encode()).decode()
        return OnvifClient(self.factory, Authorization=f"Basic {word}")

    def test_a_token_sees_its_cameras(self) -> None:
        for name, tokens in (("viewer", 4), ("guest", 2), ("neighbour", 2), ("attendant", 2)):
            found = self.basic(name).ask("trt:GetProfiles")
            assert len(list(children(found, "Profiles"))) == tokens, name
        found = self.basic("guest").ask("trt:GetProfiles")
        assert {text(each, "Name") for each in children(found, "Profiles")} == {
            "door",
            "door (small)",
        }

    def test_tokens_without_the_right_are_refused(self) -> None:
        for name in ("source", "operator", "nobody"):
            client = self.basic(name)
            assert client.fault("trt:GetProfiles") == ("ter:NotAuthorized",)
            assert client.status == 400

    def test_without_a_login_the_client_is_challenged_and_nothing_is_logged(self) -> None:
        client = OnvifClient(self.factory)
        with capturedLogs() as events:
            assert client.fault("trt:GetProfiles") == ("ter:NotAuthorized",)
            client.send(b"")
        assert (client.status, 'WWW-Authenticate: Basic realm="twistedcam"' in client.head) == (
            401,
            True,
        )
        assert not [each for each in map(formatEvent, events) if "ONVIF" in (each or "")]

    def test_a_wrong_login_is_logged(self) -> None:
        with capturedLogs() as events:
            assert self.basic("x").fault("trt:GetProfiles") == ("ter:NotAuthorized",)
        lines = [formatEvent(each) or "" for each in events]
        assert any("refused: ONVIF: that token is wrong" in each for each in lines)
