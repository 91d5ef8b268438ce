"""One camera as the viewer has it."""

from __future__ import annotations

from client.views import View
from tests.support.frame_peer import HELLO, Peer, picture
from tests.support.process import wait_for
from twistedcam import wire
from twistedcam.clients.frames import parse_target

LIVE = wire.State("cam", "live", 1, 1).encode()


def test_what_was_missed_is_counted_since_the_start_over_pauses() -> None:
    with Peer(HELLO, LIVE, picture(1), picture(4), picture(9)) as peer:
        view = View(parse_target(peer.url))
        view.start(lambda: None)
        try:
            wait_for(lambda: view.figures().missed == 6, "a gap")
            view.pause()
            view.resume()
            assert view.figures().missed >= 6
            wait_for(lambda: view.figures().missed == 12, "another gap")
        finally:
            view.close()
