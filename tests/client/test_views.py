"""One camera as the viewer has it."""

from __future__ import annotations

import pytest

from client import views
from client.views import View
from tests.support.films import h264_packets
from tests.support.frame_peer import HELLO, Peer, picture
from tests.support.process import wait_for
from twistedcam import wire
from twistedcam.clients.frames import parse_target
from twistedcam.clients.frames.pictures import PictureGroups, VideoPacket

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


class Reader:
    """A reader whose packets a test gives."""

    def __init__(self) -> None:
        self.packets: list[VideoPacket] = []

    def take(self, timeout: float) -> VideoPacket | None:
        return self.packets.pop(0) if self.packets else None


def test_packets_that_are_late_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    view, reader, groups = (
        View(parse_target("twistedcam://localhost/cam")),
        Reader(),
        PictureGroups(),
    )
    monkeypatch.setattr(view, "_reader", reader)
    packets = h264_packets([number / 10 for number in range(40)])
    now = packets[0].time_us / 1e6
    monkeypatch.setattr(views.time, "time", lambda: now)

    def shown(*numbers: int) -> int | None:
        reader.packets = [groups.add(packets[number]) for number in numbers]
        frame = view.take()
        return None if frame is None else frame.seq

    assert shown(0) == 0
    now += 0.2
    assert shown(1, 2) == 2, "the newest of those that wait"
    now += 2.0  # the line was dead
    assert shown(3) is None
    assert shown(*range(4, 15)) is None
    assert shown(20, 21, 22) == 22
    assert view.frame is not None
    assert view.frame.image.any()
