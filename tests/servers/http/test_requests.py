"""What the site does with requests that it would rather not have."""

from __future__ import annotations

import socket
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import capturedLogs, formatEvent

from tests.support.http_site import SiteCase
from twistedcam.net.proxies import TrustedProxies
from twistedcam.servers.http.connection.channel import REQUEST_TIMEOUT
from twistedcam.servers.http.connection.guard import host_name, proxied_names, same_site
from twistedcam.servers.http.connection.request import MAX_BODY
from twistedcam.sources import SourceSpec

START = "/api/v1/cameras/door/record/start"


class CommandTests(SiteCase):
    def test_a_command_that_a_program_adds_while_it_serves_is_there_at_once(self) -> None:
        @self.registry.command("light")
        def light(server: Any, state: str = "on") -> dict[str, str]:
            """Switch the light."""
            return {"light": state}

        answer = self.ask("POST", "/api/v1/light", b'{"state": "off"}')
        self.assertEqual((self.status, answer.json), (200, {"light": "off"}))
        paths = self.ask("GET", "/api/v1/openapi.json").json["paths"]
        self.assertEqual(paths["/api/v1/light"]["post"]["summary"], "Switch the light.")

        @self.registry.command("light")
        def lamp(server: Any) -> dict[str, str]:
            """Another in its place."""
            return {"lamp": "on"}

        self.assertEqual(self.ask("POST", "/api/v1/light").json, {"lamp": "on"})

    def test_parameters_may_stand_in_the_query_too(self) -> None:
        @self.registry.command("light")
        def light(server: Any, state: str = "on", colour: str = "white") -> dict[str, str]:
            """Switch the light."""
            return {"light": f"{state} {colour}"}

        answer = self.ask("POST", "/api/v1/light?state=off", b'{"colour": "red"}')
        self.assertEqual((self.status, answer.json), (200, {"light": "off red"}))
        answer = self.ask("POST", "/api/v1/light?state=off", b'{"state": "off"}')
        self.assertEqual(answer.json, {"light": "off white"})
        answer = self.ask("POST", "/api/v1/light?state=off", b'{"state": "on"}')
        self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"))
        answer = self.ask("POST", "/api/v1/light?statt=off")
        self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"))


class GuardTests(SiteCase):
    def test_a_page_of_another_site_changes_nothing(self) -> None:
        for origin in ("http://evil.example", "null", "http://localhost:81", "http://127.0.0.1"):
            self.ask("POST", "/api/v1/cameras/door/stop", Origin=origin)
            self.assertEqual((self.status, self.door.state), (403, "live"), origin)
        self.ask("POST", "/api/v1/cameras/door/stop", Sec_Fetch_Site="cross-site")
        self.assertEqual(self.status, 403)
        for origin in ("http://localhost", "https://localhost"):  # the latter behind a proxy
            self.ask("POST", "/api/v1/cameras/yard/stop", Origin=origin)
            self.assertEqual(self.status, 200, origin)

    def test_names_that_the_server_was_not_told_of_are_refused(self) -> None:
        for host in ("evil.example", "evil.example:8080", "localhost.evil.example"):
            self.ask("GET", "/api/v1/cameras", Host=host)
            self.assertEqual(self.status, 403, host)
        for host in ("localhost", "127.0.0.1:8080", "[::1]:8080", "192.0.2.7"):
            self.ask("GET", "/api/v1/cameras", Host=host)
            self.assertEqual(self.status, 200, host)
        self.guarded(names=["cam.example"])
        self.ask("GET", "/api/v1/cameras", Host="cam.example:8080")
        self.assertEqual(self.status, 200)

    def test_by_the_name_of_a_printers_proxy_one_may_look_and_nothing_else(self) -> None:
        self.guarded(proxied=proxied_names())
        own = f"{socket.gethostname().lower().partition('.')[0]}.local"
        for host in ("mjpgstreamer1", "mjpgstreamer4:80", own):
            self.ask("GET", "/?action=snapshot", Host=host)
            self.assertEqual(self.status, 200, host)
            self.ask("POST", "/api/v1/cameras/door/stop", Host=host)
            self.assertEqual((self.status, self.door.state), (403, "live"), host)
            self.ask("GET", "/live", Host=host, Upgrade="websocket", Connection="Upgrade")
            self.assertEqual(self.status, 403, host)
        self.ask("GET", "/?action=snapshot", Host="mjpgstreamer1.evil.example")
        self.assertEqual(self.status, 403)

    def test_other_sites_may_read_only_if_they_were_named(self) -> None:
        answer = self.ask("GET", "/state", Origin="http://printer.local")
        self.assertNotIn("Access-Control", answer.head)
        self.guarded(cors=["http://printer.local"])
        answer = self.ask("GET", "/state", Origin="http://printer.local")
        self.assertIn("Access-Control-Allow-Origin: http://printer.local", answer.head)
        self.ask("OPTIONS", START, Origin="http://printer.local")
        self.assertEqual(self.status, 204)
        connection = self.connect()
        connection.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n"
                        b"Origin: http://printer.local\r\n\r\n")  # fmt: skip
        self.assertIn(b"Access-Control-Allow-Origin: http://printer.local", connection.take())

    def foreign(self, origin: str) -> dict[str, int]:
        """What the page of another site is answered."""
        asked = {"Origin": origin}
        self.ask("GET", "/state", **asked)
        found = {"read": self.status}
        self.ask("POST", "/api/v1/cameras/yard/stop", **asked)
        found["command"] = self.status
        for method in ("GET", "POST", "PATCH"):
            self.ask("OPTIONS", START, Access_Control_Request_Method=method, **asked)
            found[f"preflight {method}"] = self.status
        self.ask("GET", "/live", Upgrade="websocket", Connection="Upgrade", **asked)
        found["socket"] = self.status  # 400: it was let in, and is no whole handshake
        return found

    def test_those_who_may_read_may_do_no_more(self) -> None:
        reads = {"read": 200, "command": 403, "preflight GET": 204, "preflight POST": 403,
                 "preflight PATCH": 403}  # fmt: skip
        self.guarded(cors=["*"])
        for origin in ("http://evil.example", "null", "*", "file://"):
            self.assertEqual(self.foreign(origin), {**reads, "socket": 403}, origin)
        self.guarded(cors=["http://printer.local"])
        self.assertEqual(self.foreign("http://printer.local"), {**reads, "socket": 400})
        self.assertIn(
            "--http-cors-control http://printer.local",
            self.ask("POST", START, Origin="http://printer.local").json["message"],
        )
        self.guarded(control=["http://desk.local"])
        every = {"read": 200, "command": 200, "preflight GET": 204, "preflight POST": 204,
                 "preflight PATCH": 204, "socket": 400}  # fmt: skip
        self.assertEqual(self.foreign("http://desk.local"), every)
        self.assertEqual(self.foreign("http://evil.example")["command"], 403)

    def test_a_refusal_says_which_two_addresses_differ_and_what_to_set(self) -> None:
        answer = self.ask("POST", START, Host="a", Origin="http://a:8181")
        self.assertEqual(self.status, 403)
        self.guarded(any_name=True)
        answer = self.ask("POST", START, Host="a", Origin="http://a:8181")
        self.assertEqual(
            answer.json["message"],
            "Refused: the page's address (http://a:8181) is not this server's (http://a). Behind "
            "a proxy, pass the Host header on: proxy_set_header Host $http_host;",
        )
        self.guarded()
        answer = self.ask("GET", "/", Host="camera.fritz.box:8080")
        self.assertIn("'camera.fritz.box:8080'", answer.json["message"])
        self.assertIn("--http-name camera.fritz.box", answer.json["message"])

    def test_http_is_another_site_than_https(self) -> None:
        self.factory.proxies = TrustedProxies(["127.0.0.1"])
        for proto, origin, status in (
            ("https", "https://localhost", 200),
            ("https", "https://localhost:443", 200),
            ("https", "http://localhost", 403),
            ("https", "http://localhost:443", 403),
            ("http", "http://localhost:80", 200),
            ("http", "https://localhost", 403),
            ("http", "ftp://localhost", 403),
        ):
            self.ask("POST", "/api/v1/cameras/yard/stop", Origin=origin, X_Forwarded_Proto=proto)
            self.assertEqual(self.status, status, (proto, origin))
        self.assertFalse(same_site("http://localhost", "localhost", "https"))
        self.assertTrue(same_site("https://localhost:8443", "localhost:8443", "https"))


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_origin_and_no_host_is_too_odd_to_be_judged(origin: str, host: str) -> None:
    host_name(host)
    assert same_site(origin, host) in (True, False)


class LimitTests(SiteCase):
    def test_a_request_that_dawdles_is_cut_off(self) -> None:
        connection = self.connect()
        for _ in range(int(REQUEST_TIMEOUT)):
            self.clock.advance(1)
            connection.send(b"G")
        self.assertTrue(connection.take().startswith(b"HTTP/1.1 408 "))
        self.assertTrue(connection.transport.disconnecting)

    def test_bodies_that_are_too_long_are_not_taken(self) -> None:
        self.ask("POST", START, b"{" + b" " * MAX_BODY + b"}")
        self.assertEqual(self.status, 413)
        connection = self.connect()
        head = f"POST {START} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.send(head.encode())
        for _ in range(20):
            connection.send(b"1000\r\n" + b" " * 4096 + b"\r\n")
        self.assertTrue(connection.take().startswith(b"HTTP/1.1 413 "))

    def test_heads_that_are_too_long_are_not_taken(self) -> None:
        connection = self.connect()
        connection.send(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200)
        self.assertTrue(connection.transport.disconnecting)
        connection = self.connect()
        connection.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000)
        self.assertTrue(connection.transport.disconnecting)

    def test_a_connection_is_good_for_many_requests(self) -> None:
        connection = self.connect()
        for _ in range(50):
            self.clock.advance(10)
            self.assertEqual(connection.ask("GET", "/api/v1/ping"), 200)
        self.clock.advance(61)
        self.assertTrue(connection.transport.disconnecting)
        connection.channel.connectionLost()
        self.clock.advance(20)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @given(st.binary(max_size=200))
    def test_garbage_ends_a_connection_or_is_answered_and_harms_nobody(self, data: bytes) -> None:
        connection = self.connect()
        connection.send(data)
        connection.send(b"\r\n\r\n")
        connection.channel.connectionLost()
        self.assertEqual(self.connect().ask("GET", "/api/v1/ping"), 200)
        self.flushLoggedErrors()


class ApiTests(SiteCase):
    def test_no_get_changes_anything(self) -> None:
        for path in ("start", "stop", "record/start", "snapshot"):
            answer = self.ask("GET", f"/api/v1/cameras/door/{path}")
            self.assertEqual((self.status, answer.json["code"]), (405, "method-not-allowed"))
            self.assertIn("Allow: POST", answer.head)
        self.ask("GET", "/api/v1/shutdown")
        self.assertEqual(self.status, 405)

    def test_answers_are_those_of_the_control_protocol(self) -> None:
        cameras = self.ask("GET", "/api/v1/cameras").json["cameras"]
        self.assertEqual([each["camera"] for each in cameras], ["door", "yard"])
        self.assertEqual(self.ask("GET", "/api/v1/cameras/door").json["state"], "live")
        self.assertEqual(self.ask("GET", "/api/v1/status?camera=door").json["camera"], "door")
        every = self.ask("GET", "/api/v1/status").json["cameras"]
        self.assertEqual([(each["camera"], each["state"]) for each in every],
                         [("door", "live"), ("yard", "stopped")])  # fmt: skip
        self.assertEqual(self.ask("GET", "/api/v1/recordings").json, {"recordings": []})

    def test_what_does_not_fit_is_said_and_nothing_done(self) -> None:
        for body in (b"{", b"[]", b'{"nome": "x"}', b'{"name": [1]}', b'{"name": "../x.mkv"}',
                     b'{"name": "a\\u0000.mkv"}', b'{"name": "\\ud800.mkv"}', b"[" * 20_000,
                     ):  # fmt: skip
            answer = self.ask("POST", START, body)
            self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"), body[:40])
        self.ask("POST", START, b'{"name": "x.mkv"}', Content_Type="text/plain")
        self.assertEqual(self.status, 400)
        self.assertEqual(self.ask("DELETE", "/api/v1/viewers/9").json["code"], "no-such-viewer")
        for viewer in ("x", "%C2%B2", "%D9%A3"):  # a superscript two, an Arabic three
            answer = self.ask("DELETE", f"/api/v1/viewers/{viewer}")
            self.assertEqual(answer.json["code"], "bad-argument", viewer)
        self.assertEqual(
            self.ask("DELETE", "/api/v1/recordings/x").json["code"], "no-such-recording"
        )

    def test_a_word_that_no_list_knows_is_refused_by_all(self) -> None:
        for path in ("status", "status?camera=door", "cameras", "viewers", "recordings"):
            answer = self.ask("GET", f"/api/v1/{path}{'&' if '?' in path else '?'}x=1")
            self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"), path)
            self.assertEqual(self.ask("GET", f"/api/v1/{path}").head.split()[1], "200")

    def test_properties_are_patched(self) -> None:
        answer = self.ask("PATCH", "/api/v1/cameras/door", b'{"quality": 55}')
        self.assertEqual(answer.json["properties"][0]["value"], 55)
        self.ask("PATCH", "/api/v1/cameras/door", b"{}")
        self.assertEqual(self.status, 400)

    def test_what_fails_inside_is_said_and_logged_without_the_token(self) -> None:
        def fail() -> None:
            raise ZeroDivisionError

        self.server.on_shutdown = fail
        self.router.add("GET", "/broken", lambda _: fail())  # type: ignore[arg-type, return-value]
        with capturedLogs() as logs:
            answer = self.ask("GET", "/broken?token=secret")
        self.assertEqual((self.status, answer.json["code"]), (500, "internal"))
        self.assertNotIn("Zero", answer.body.decode())
        self.assertNotIn("secret", str([formatEvent(each) for each in logs]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_word_that_is_no_text_is_refused(self) -> None:
        answer = self.ask("GET", "/events?camera=%ff")
        self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"))

    def test_shutdown_is_answered_before_it_happens(self) -> None:
        asked: list[str] = []
        self.server.on_shutdown = lambda: asked.append("now")
        self.ask("POST", "/api/v1/shutdown")
        self.assertEqual((self.status, asked), (200, ["now"]))


class FileTests(SiteCase):
    def test_nothing_but_recordings_of_that_folder_is_given(self) -> None:
        (self.folder / ".hidden.mkv").write_bytes(b"x")
        (self.folder / "notes.txt").write_bytes(b"x")
        (self.folder / "link.mkv").symlink_to("/etc/passwd")
        (self.folder / "folder.mkv").mkdir()
        for name in (".hidden.mkv", "notes.txt", "link.mkv", "folder.mkv", "..%2f..%2fetc%2fpasswd",
                     "%2e%2e", "", "none.mkv", "a%00.mkv", "a%5cb.mkv",
                     f"{'a' * 300}.mp4"):  # fmt: skip
            self.ask("GET", f"/recordings/{name}")
            self.assertEqual(self.status, 404, name)
            self.ask("GET", f"/recordings/{name}/thumbnail")
            self.assertEqual(self.status, 404, name)
        self.ask("GET", "/recordings/%ff.mkv")
        self.assertEqual(self.status, 404)
        self.ask("GET", "/stream/%ff")
        self.assertEqual(self.status, 400)
        self.ask("GET", "/recordings")
        self.assertEqual(self.status, 404)

    def test_the_page_may_run_nothing_in_line_and_load_nothing_from_elsewhere(self) -> None:
        answer = self.ask("GET", "/")
        self.assertIn(
            "Content-Security-Policy: default-src 'none'; script-src 'self';", answer.head
        )
        self.assertNotIn("unsafe", answer.head)
        page = answer.body.decode()
        self.assertNotIn("style=", page)
        self.assertNotIn("http://", page)
        self.assertNotIn("https://", page)
        self.assertNotRegex(page, r"<script(?![^>]*src=)|\son\w+=")

    def test_the_pages_parts_are_asked_for_again_and_cost_nothing(self) -> None:
        answer = self.ask("GET", "/static/app.js")
        etag = next(line for line in answer.head.split("\r\n") if line.startswith("ETag"))
        self.ask("GET", "/static/app.js", If_None_Match=etag.split(": ")[1])
        self.assertEqual(self.status, 304)
        self.ask("GET", "/static/..%2fpage.py")
        self.assertEqual(self.status, 404)

    def test_without_scripts_the_page_shows_every_camera(self) -> None:
        page = self.ask("GET", "/").body.decode()
        self.assertIn('<img src="stream/door"', page)
        self.assertIn('<img src="stream/yard"', page)
        self.assertNotIn("refresh", page)

    def test_without_scripts_more_cameras_than_connections_are_snapshots(
        self,
    ) -> None:
        for number in range(5):
            self.server.add_camera(f"c{number}", SourceSpec("fake", "", {}, "fake:"))
        page = self.ask("GET", "/").body.decode()
        self.assertEqual(page.count('<img src="snapshot/'), 7)
        self.assertNotIn('<img src="stream/', page)
        self.assertIn('<a href="stream/c4">', page)
        self.assertIn('<meta http-equiv="refresh"', page)

    def test_a_recording_to_be_saved_says_its_name(self) -> None:
        (self.folder / "caf\N{LATIN SMALL LETTER E WITH ACUTE}.jpg").write_bytes(b"x")
        for query in ("?download", "?download=1", "?token=x&download"):
            answer = self.ask("HEAD", f"/recordings/caf%C3%A9.jpg{query}")
            disposition = "Content-Disposition: attachment; filename*=UTF-8''caf%C3%A9.jpg"
            self.assertIn(disposition, answer.head)
