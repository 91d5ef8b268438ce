"""A playlist comes after the segments that it lists, whatever connections they come on."""

from __future__ import annotations

import threading

from tests.support.process import PATIENCE
from twistedcam.publishing.sender.turns import Turns

PLAYLIST = b"#EXTM3U\n#EXTINF:1.0,\nlive1.ts\n"


def test_a_playlist_waits_for_what_it_lists_and_for_nothing_else() -> None:
    turns, gone = Turns(), threading.Event()

    def upload() -> None:
        with turns.under_way("/w/up/live.m3u8"), turns.turn(PLAYLIST):
            gone.set()

    with turns.under_way("/w/up/live2.ts?key=1"):
        with turns.under_way("/w/up/live1.ts"):
            waiting = threading.Thread(target=upload)
            waiting.start()
            with turns.turn(b"a segment waits for nobody"):
                assert not gone.wait(0.2)
        assert gone.wait(PATIENCE)
        waiting.join()
