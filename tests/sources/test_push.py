"""The inbox of a camera whose pictures a publisher brings."""

from __future__ import annotations

import threading

import pytest

from tests.support.odd_jpegs import make_jpeg
from twistedcam.errors import BadArgument, Busy, CameraFailed
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.media.track import Track
from twistedcam.rtsp.payloads.opus import opus_head
from twistedcam.sources import push
from twistedcam.sources.base import Paused, RawPacket, RawPicture
from twistedcam.sources.push import Inbox, PushSource
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse

GOOD = make_jpeg(32, 24)
FIRST, SECOND = RawPicture(1.0, jpeg=GOOD), RawPicture(2.0, jpeg=GOOD)
PUBLISHER, OTHER = object(), object()


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "_WAIT", 0.001)


@pytest.fixture
def inbox() -> Inbox:
    """An inbox with a publisher."""
    inbox = Inbox()
    inbox.attach(PUBLISHER)
    return inbox


def test_the_newest_picture_is_taken_once(inbox: Inbox) -> None:
    inbox.put(FIRST)
    inbox.put(SECOND)
    assert inbox.take() is SECOND
    assert inbox.take() is None


def test_a_frame_keeps_its_time(inbox: Inbox) -> None:
    inbox.put(Frame(7, 1_500_000, 32, 24, GOOD))
    assert inbox.take() == RawPicture(1.5, jpeg=GOOD)


def packets_of(inbox: Inbox) -> list[int]:
    taken = []
    while (each := inbox.take()) is not None:
        assert isinstance(each, RawPacket)
        taken.append(each.data[0])
    return taken


def packet(number: int, is_keyframe: bool = False) -> Packet:
    track = Track(0, "video", "h264", 64, 48)
    return Packet(track, number, 1_000_000, 1_000_000, bytes([number]), is_keyframe, 960_000)


def test_packets_are_taken_in_order(inbox: Inbox) -> None:
    for number in range(3):
        inbox.put(packet(number, number == 0))
    taken = inbox.take()
    assert taken == RawPacket(packet(0).track, 1.0, b"\0", True, 40_000)
    assert packets_of(inbox) == [1, 2]


def test_of_too_many_packets_those_before_a_key_frame_are_dropped(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "_MAX_PACKETS", 4)
    for number in range(9):
        inbox.put(packet(number, number in (0, 7)))
    assert packets_of(inbox) == [7, 8]
    inbox.put(packet(9))
    inbox.put(FIRST)
    assert inbox.take() is FIRST


def test_sound_is_taken_in_order_after_what_waits_of_the_video(inbox: Inbox) -> None:
    track = sound_track("opus", opus_head(1))
    for number in range(1, 150):
        inbox.put_sound(Packet(track, number, number, 0, b"%d" % number))
    inbox.put(FIRST)
    assert inbox.take() is FIRST
    taken = []
    while (raw := inbox.take()) is not None:
        assert isinstance(raw, RawPacket)
        assert (raw.track, raw.time) == (track, int(raw.data) / 1e6)
        taken.append(int(raw.data))
    assert taken == list(range(50, 150))
    inbox.put_sound(Packet(track, 1, 1, 0, b"1"))
    inbox.renew()
    assert inbox.take() is None


def test_a_picture_ends_a_wait(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "_WAIT", 600)
    taken: list[RawPicture | None] = []
    thread = threading.Thread(target=lambda: taken.append(inbox.take()))
    thread.start()
    inbox.put(FIRST)
    thread.join(10)
    assert taken == [FIRST]


def test_packets_bypass_the_thread_unless_something_is_before_them(inbox: Inbox) -> None:
    passed: list[RawPacket] = []
    inbox.put(packet(0, True))
    inbox.pass_packets(passed.append)
    inbox.put(packet(1))
    assert packets_of(inbox)[:1] == [0]
    inbox.put(packet(2, True))
    assert [each.data[0] for each in passed] == [2]
    inbox.put(FIRST)
    assert inbox.take() is FIRST
    inbox.put(packet(3, True))  # the thread has the picture still
    assert packets_of(inbox) == [3]
    track = sound_track("opus", opus_head(1))
    inbox.put_sound(Packet(track, 1, 1, 0, b"sound"))
    assert (passed[-1].track, len(passed)) == (track, 2)
    inbox.pass_packets(None)
    inbox.put(packet(4))
    inbox.put_sound(Packet(track, 2, 2, 0, b"\5"))
    assert (packets_of(inbox), len(passed)) == ([4, 5], 2)


def test_a_packet_that_refers_to_a_dropped_one_does_not_pass(inbox: Inbox) -> None:
    passed: list[RawPacket] = []
    inbox.pass_packets(passed.append)
    inbox.pause("the source is recovering")
    for number, is_keyframe in ((0, False), (1, True), (2, False)):
        inbox.put(packet(number, is_keyframe))
    assert [each.data[0] for each in passed] == [1, 2]


def test_a_publisher_that_leaves_after_packets_that_passed_is_an_error(inbox: Inbox) -> None:
    inbox.detach(PUBLISHER)
    with pytest.raises(CameraFailed):
        inbox.take()
    inbox.attach(OTHER)
    inbox.pass_packets(lambda raw: None)
    inbox.put(packet(0, True))
    inbox.detach(OTHER, "the line was cut")
    with pytest.raises(CameraFailed, match="the line was cut"):
        inbox.take()


def test_a_wait_is_interrupted_once(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    source = PushSource(inbox)
    source.interrupt()
    monkeypatch.setattr(push, "_WAIT", 600)
    assert source.read() is None
    source.interrupt()
    source.open()
    inbox.put(FIRST)
    assert source.read() is FIRST


def test_there_is_one_publisher(inbox: Inbox) -> None:
    inbox.attach(PUBLISHER)  # it is attached already
    with pytest.raises(Busy):
        inbox.attach(OTHER)
    inbox.detach(OTHER)  # it is not attached
    inbox.put(FIRST)
    assert inbox.take() is FIRST
    inbox.detach(PUBLISHER)
    inbox.attach(OTHER)


def test_a_missing_publisher_is_an_error_once() -> None:
    source = PushSource(Inbox())
    with pytest.raises(CameraFailed, match="twistedcam publish"):
        source.open()
    info = source.open()  # the next opening waits
    assert (info.format, info.steady) == ("", False)  # it may send any codec
    assert source.read() is None
    source.inbox.renew()
    with pytest.raises(CameraFailed, match="twistedcam publish"):
        source.open()


def test_a_publisher_that_leaves_is_an_error_once(inbox: Inbox) -> None:
    inbox.put(FIRST)
    inbox.detach(PUBLISHER, "the line was cut")
    with pytest.raises(CameraFailed, match="the line was cut"):
        inbox.take()
    assert inbox.take() is None
    inbox.attach(OTHER)
    inbox.put(SECOND)
    assert inbox.take() is SECOND  # its picture went with the first publisher
    inbox.detach(OTHER, "again")
    with pytest.raises(CameraFailed, match="again"):
        inbox.take()


def test_a_pause_lasts_until_the_next_picture(inbox: Inbox) -> None:
    inbox.put(FIRST)
    inbox.pause("the source is recovering")
    for _ in range(2):
        with pytest.raises(Paused, match="the source is recovering"):
            inbox.take()
    inbox.put(SECOND)
    assert inbox.take() is SECOND
    assert inbox.take() is None


def test_a_restart_drops_the_old_picture(inbox: Inbox) -> None:
    inbox.put(FIRST)
    inbox.renew()
    assert inbox.take() is None


@pytest.mark.parametrize(
    ("data", "reason"), [(GOOD + b"more", "frame 7: bytes"), (GOOD[:2], "frame 7: ")]
)
def test_the_publisher_is_told_of_a_refused_picture_once(data: bytes, reason: str) -> None:
    inbox, told = Inbox(), list[str]()
    inbox.attach(PUBLISHER, told.append)
    inbox.put(Frame(7, 1, 32, 24, data), is_checked=False)
    with pytest.raises(ValueError, match=reason):
        inbox.take()
    assert told == []  # not on the thread of the camera
    inbox.tell_refusal()
    inbox.tell_refusal()
    assert len(told) == 1 and told[0].startswith(reason)


def test_another_publisher_is_not_told() -> None:
    inbox, told = Inbox(), list[str]()
    inbox.attach(PUBLISHER, told.append)
    inbox.put(Frame(7, 1, 32, 24, GOOD + b"more"), is_checked=False)
    with pytest.raises(ValueError, match="frame 7"):
        inbox.take()
    inbox.detach(PUBLISHER)
    inbox.attach(OTHER, told.append)
    inbox.tell_refusal()
    assert told == []


def test_the_address_has_no_target() -> None:
    assert isinstance(make_source(parse("push:")), PushSource)
    with pytest.raises(BadArgument, match="push:"):
        make_source(parse("push:door"))
