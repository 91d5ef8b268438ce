"""Pieces are long while nobody listens, and short as soon as somebody does."""

from __future__ import annotations

import threading

from tests.support.process import PATIENCE
from twistedcam.microphones.piece_length import LONG, SHORT, PieceLength


def test_pieces_are_long_if_that_is_wanted_and_allowed() -> None:
    length = PieceLength()
    assert length.seconds == SHORT
    length.gather(True)
    assert length.seconds == SHORT
    length.allow_long(True)
    assert length.seconds == LONG
    length.gather(False)
    assert length.seconds == SHORT
    length.gather(True)
    assert length.seconds == LONG
    length.allow_long(False)
    assert length.seconds == SHORT


def test_a_wait_for_a_long_piece_ends_when_somebody_listens() -> None:
    length = PieceLength()
    length.allow_long(True)
    length.gather(True)
    waiting = threading.Thread(target=length.wait, args=(3600.0,), daemon=True)
    waiting.start()
    length.gather(False)
    waiting.join(PATIENCE)
    assert not waiting.is_alive()
    length.wait(-1.0)
