"""Webcams that cannot be told apart by their name, and webcams with odd formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.fakecam import FakeBus, FakeCam, Format, encode_jpeg, moving_picture, require_fakecam
from tests.support.camera_rig import Viewer, serving
from tests.support.process import ServerProcess, wait_for

NAME = "HD Webcam"


def picture(level: int) -> np.ndarray:
    return np.full((48, 64, 3), level, np.uint8)


@pytest.fixture
def pair() -> Iterator[tuple[FakeBus, FakeCam, FakeCam]]:
    """Two webcams of one name: the first gives 64x48, the second 96x48."""
    require_fakecam()
    with FakeBus() as bus:
        formats = [
            [Format("MJPG", width, 48, (30,), [encode_jpeg(each) for each in pictures])]
            for width, pictures in (
                (64, moving_picture(64, 48, 4)),
                (96, moving_picture(96, 48, 4)),
            )
        ]
        yield (
            bus,
            bus.plug(formats[0], name=NAME, serial="A1"),
            bus.plug(formats[1], name=NAME, serial="B2", number=2),
        )


def reason(server: ServerProcess) -> str:
    wait_for(lambda: server.status()["state"] == "recovering", "the reason")
    return server.status()["reason"]


def test_a_name_that_two_webcams_have_is_one_error_that_lists_both(
    tmp_path: Path, pair: tuple[FakeBus, FakeCam, FakeCam]
) -> None:
    bus, one, two = pair
    with serving(tmp_path, bus, "--camera", "webcam:?name=hd webcam") as server:
        assert reason(server) == (
            f"2 cameras have the name 'hd webcam': {one.by_id} (serial=A1), {two.by_id}"
            " (serial=B2). Choose one by serial=…, port=… or path"
        )
        one.unplug()
        wait_for(lambda: server.status()["state"] == "live", "the one that is left")


@pytest.mark.parametrize(
    "chosen",
    ["serial=B2", "name=HD&serial=B2", "port=usb-fake-B2", "name=HD&port=usb-fake-B2", "name=B2"],
)
def test_one_of_two_equal_webcams_is_chosen_and_found_again(
    tmp_path: Path, pair: tuple[FakeBus, FakeCam, FakeCam], chosen: str
) -> None:
    bus, _, two = pair
    with (
        serving(tmp_path, bus, "--camera", f"webcam:?size=96x48&{chosen}") as server,
        Viewer(server.frames) as viewer,
    ):
        assert viewer.frames(1)[0].width == 96
        two.unplug()
        wait_for(lambda: server.status()["state"] == "recovering", "the loss")
        two.replug(number=7)
        wait_for(lambda: server.status()["state"] == "live", "its return")
        assert server.status()["size"] == "96x48"


def test_a_serial_or_port_that_nothing_has_is_said(
    tmp_path: Path, pair: tuple[FakeBus, FakeCam, FakeCam]
) -> None:
    for key in ("serial", "port"):
        with serving(tmp_path, pair[0], "--camera", f"webcam:?{key}=C3") as server:
            assert reason(server) == f"there is no camera with the {key} 'C3': is it plugged in?"


@pytest.mark.parametrize(("fourcc", "depth"), [("GREY", 1), ("Y16", 2)])
def test_a_webcam_with_grey_pictures_alone_is_opened(
    tmp_path: Path, fourcc: str, depth: int
) -> None:
    require_fakecam()
    frame = bytes(depth - 1) + b"\xc8"  # 200, little-endian in the upper byte
    with FakeBus() as bus:
        bus.plug([Format(fourcc.ljust(4), 64, 48, (30,), [frame * (64 * 48)])])
        with (
            serving(tmp_path, bus, "--camera", "webcam:0?size=64x48") as server,
            Viewer(server.frames) as viewer,
        ):
            shown = viewer.frames(1)[0].image
            assert shown is not None and shown.shape == (48, 64, 3)
            assert abs(int(shown.mean()) - 200) <= 2
            assert server.status()["format"] == fourcc
