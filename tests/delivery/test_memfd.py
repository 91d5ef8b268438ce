"""Frames in memory files."""

from __future__ import annotations

import gc
import os
import weakref

from tests.support.packet_streams import serialize_packet
from tests.support.sender_tests import open_files
from tests.support.sockets import frame
from tests.support.system import require
from twistedcam.delivery.memfd import FEW, SMALL, Memfd, as_memfd, as_sendable, as_weak_memfd
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet


def test_a_memory_file_is_closed_with_its_last_holder() -> None:
    require(HAS_SENDFILE, "memory files need Linux")
    before = open_files()
    held = Memfd(b"abc")
    assert os.pread(held.fd, 10, 0) == b"abc"
    assert open_files() == before + 1
    del held
    gc.collect()
    assert open_files() == before


def test_a_frame_s_form_is_made_once() -> None:
    made: list[int] = []

    def form(frame: Frame) -> bytes:
        made.append(frame.seq)
        return b"x"

    picture = frame(5, 10)
    assert picture.shared(form) is picture.shared(form)
    assert made == [5]


def test_only_large_frames_have_a_memory_file() -> None:
    require(HAS_SENDFILE, "memory files need Linux")
    make = as_sendable(lambda frame: frame.jpeg)
    make.senders = FEW + 1
    small, large = frame(1, SMALL - 1), frame(2, SMALL)
    assert small.shared(make) is small.shared(make)
    assert small.shared(make) == small.jpeg
    assert isinstance(large.shared(make), Memfd)


def test_a_few_viewers_get_copies_of_a_large_frame() -> None:
    require(HAS_SENDFILE, "memory files need Linux")
    make = as_sendable(lambda frame: frame.jpeg)
    make.senders = FEW
    large = frame(1, SMALL)
    assert large.shared(make) == large.jpeg


def test_a_small_file_of_another_process_is_read_once() -> None:
    require(HAS_SENDFILE, "memory files need Linux")
    assert Memfd(b"abc").as_sendable() == b"abc"
    large = Memfd(bytes(SMALL))
    assert large.as_sendable() is large


def test_a_function_of_a_module_is_wrapped_once_and_an_object_of_one_viewer_is_not_kept() -> None:
    class Own:
        def __call__(self, packet: Packet) -> bytes:
            return b"own"

    own = Own()
    for wrap in (as_memfd, as_sendable):
        assert wrap(serialize_packet) is wrap(serialize_packet)
        assert wrap(own) is not wrap(own)
    kept = weakref.ref(own)
    del own
    gc.collect()
    assert kept() is None


def test_a_group_s_packets_keep_no_files_and_share_those_that_are_used() -> None:
    require(HAS_SENDFILE, "memory files need Linux")
    before = open_files()
    picture = frame(5, 10)
    make = as_weak_memfd(serialize_packet)
    assert make is as_weak_memfd(serialize_packet)
    held = picture.shared(make)()
    assert picture.shared(make)() is held
    assert open_files() == before + 1
    del held
    gc.collect()
    assert open_files() == before
    again = picture.shared(make)()
    assert os.pread(again.fd, 8, 0) == (5).to_bytes(8, "big")
