"""The least lag of the last seconds."""

from twistedcam.util.least_lag import LeastLag


def test_it_is_that_of_the_packet_that_was_under_way_shortest() -> None:
    lag = LeastLag()
    assert [lag.note(each, 100.0 + n) for n, each in enumerate((0.5, 0.2, 0.9))] == [0.5, 0.2, 0.2]
    lag.restart()
    assert lag.note(0.7, 104.0) == 0.7


def test_an_old_lag_is_forgotten() -> None:
    lag = LeastLag()
    lag.note(0.1, 100.0)
    assert lag.note(0.5, 110.0) == 0.1
    assert lag.note(0.5, 116.0) == 0.1, "of the window before"
    assert lag.note(0.5, 132.0) == 0.5
