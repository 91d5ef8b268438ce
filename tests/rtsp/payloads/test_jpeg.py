"""JPEG payloads: the pixels are those of the file that was sent."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.fakecam import moving_picture
from twistedcam.media.jpeg import read_header
from twistedcam.rtsp.payloads.jpeg import JpegDepacketizer, packetize

WIDTH, HEIGHT = 320, 240


def encoded(
    quality: int = 80, restart: int = 0, sampling: int = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
) -> bytes:
    picture = next(iter(moving_picture(WIDTH, HEIGHT, 1)))
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    flags += [cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    return bytes(cv2.imencode(".jpg", picture, flags)[1])


def tables(jpeg: bytes) -> bytes:
    """The quantization tables of a file, one after the other."""
    found, at = b"", jpeg.index(b"\xff\xdb")
    while jpeg[at : at + 2] == b"\xff\xdb":
        found += jpeg[at + 5 : at + 69]
        at += 2 + struct.unpack_from("!H", jpeg, at + 2)[0]
    return found


def payloads(
    jpeg: bytes, *, kind: int = 1, quality: int = 255, restart: int = 0, size: int = 1400
) -> list[bytes]:
    """The packets of a file, as RFC 2435 says."""
    header = read_header(jpeg)
    scan = jpeg[header.scan_at + 2 + jpeg[header.scan_at + 3] :]
    given = tables(jpeg)
    found = []
    for at in range(0, len(scan), size):
        sides = (WIDTH // 8, HEIGHT // 8)
        head = struct.pack("!IBBBB", at, kind | (64 if restart else 0), quality, *sides)
        if restart:
            head += struct.pack("!HH", restart, 0xFFFF)
        if at == 0 and quality >= 128:
            head += struct.pack("!BBH", 0, 0, len(given)) + given
        found.append(head + scan[at : at + size])
    return found


def pixels(jpeg: bytes) -> NDArray[np.uint8]:
    found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found.astype(np.uint8)


def joined(depacketizer: JpegDepacketizer, sent: list[bytes], time: int = 1) -> bytes:
    found = [
        each
        for number, payload in enumerate(sent)
        for each in depacketizer.push(payload, time, number == len(sent) - 1)
    ]
    assert [each.fault for each in found] == [""]
    return found[0].data


@pytest.mark.parametrize("restart", [0, 4])
@pytest.mark.parametrize(
    ("kind", "sampling"),
    [(0, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422), (1, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)],
)
def test_the_pixels_are_those_that_were_sent(restart: int, kind: int, sampling: int) -> None:
    jpeg = encoded(restart=restart, sampling=sampling)
    made = joined(JpegDepacketizer(), payloads(jpeg, kind=kind, restart=restart))
    assert (pixels(made) == pixels(jpeg)).all()
    assert read_header(made).restart_interval == restart


@pytest.mark.parametrize("quality", [10, 50, 95])
def test_tables_of_a_quality_are_those_of_the_rfc(quality: int) -> None:
    jpeg = encoded(quality)  # libjpeg makes its tables as the RFC does
    made = joined(JpegDepacketizer(), payloads(jpeg, quality=quality))
    assert tables(made) == tables(jpeg)
    assert (pixels(made) == pixels(jpeg)).all()


def test_tables_that_are_sent_once_are_remembered() -> None:
    depacketizer = JpegDepacketizer()
    jpeg = encoded()
    first = payloads(jpeg, quality=130)
    made = joined(depacketizer, first)
    later = [first[0][:8] + bytes(4) + first[0][12 + 128 :], *first[1:]]
    assert joined(depacketizer, later, 2) == made
    (fault,) = JpegDepacketizer().push(later[0], 1, True)
    assert "no quantization tables" in fault.fault


def test_the_description_says_the_size_of_large_pictures() -> None:
    sent = [each[:6] + b"\0\0" + each[8:] for each in payloads(encoded())]
    assert read_header(joined(JpegDepacketizer((WIDTH, HEIGHT)), sent)).size == (WIDTH, HEIGHT)
    found = [*JpegDepacketizer().push(sent[0], 1, True)]
    assert "no size" in found[0].fault


def test_a_size_that_is_rounded_to_blocks_is_corrected() -> None:
    sent = payloads(encoded())
    assert read_header(joined(JpegDepacketizer((318, 238)), sent)).size == (318, 238)
    assert read_header(joined(JpegDepacketizer((100, 100)), sent)).size == (WIDTH, HEIGHT)


def test_a_picture_that_lacks_a_piece_is_a_fault_and_the_next_one_is_whole() -> None:
    sent = payloads(encoded())
    assert len(sent) > 3
    for pieces in (sent[1:], sent[:-1], [sent[0], *sent[2:]]):
        depacketizer = JpegDepacketizer()
        found = []
        for each in pieces:
            found += depacketizer.push(each, 1, each is sent[-1])
            depacketizer.lost()
        for each in sent:
            found += depacketizer.push(each, 2, each is sent[-1])
        assert [(each.timestamp, bool(each.fault)) for each in found] == [(1, True), (2, False)]


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"short", "is cut"),
        (struct.pack("!IBBBB", 0, 2, 50, 1, 1), "unknown type 2"),
        (struct.pack("!IBBBB", 0, 1, 0, 1, 1), "unknown quality 0"),
        (struct.pack("!IBBBB", 0, 1, 127, 1, 1), "unknown quality 127"),
        (struct.pack("!IBBBBBBH", 0, 1, 255, 1, 1, 0, 0, 64) + b"x", "is cut"),
        (struct.pack("!IBBBBBBH", 0, 1, 255, 1, 1, 0, 0, 70) + bytes(70), "table is cut"),
    ],
)
def test_what_is_broken_is_a_fault(payload: bytes, fault: str) -> None:
    (found,) = JpegDepacketizer().push(payload, 1, True)
    assert fault in found.fault


@given(st.lists(st.tuples(st.binary(max_size=30), st.integers(0, 3), st.booleans()), max_size=20))
def test_payloads_of_any_kind_are_read(packets: list[tuple[bytes, int, bool]]) -> None:
    depacketizer = JpegDepacketizer()
    for payload, time, marker in packets:
        for unit in depacketizer.push(payload, time, marker):
            assert bool(unit.data) != bool(unit.fault)


@pytest.mark.parametrize("restart", [0, 5])
@pytest.mark.parametrize(
    "sampling", [cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422]
)
def test_a_picture_in_packets_has_its_pixels(restart: int, sampling: int) -> None:
    jpeg = encoded(restart=restart, sampling=sampling)
    packets = packetize(jpeg, 500)
    assert all(len(each) <= 500 for each in packets)
    depacketizer = JpegDepacketizer()
    for each in packets[:-1]:
        assert depacketizer.push(each, 1, False) == ()
    [unit] = depacketizer.push(packets[-1], 1, True)
    assert np.array_equal(pixels(unit.data), pixels(jpeg))
    assert read_header(unit.data).restart_interval == restart


def test_packets_are_those_that_the_standard_describes() -> None:
    jpeg = encoded(restart=7)
    assert packetize(jpeg[:-2], 1400)[0] == packetize(jpeg, 1400)[0]  # the end marker is left out
    first = packetize(jpeg, 1400)[0]
    assert first == payloads(jpeg, restart=7, size=1400 - 8 - 4 - 4 - 128)[0]
