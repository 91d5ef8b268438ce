"""A hardware encoder is tried, and what is taken instead says why; this machine may have any."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest
import simplejpeg

from tests.support.process import ServerProcess, wait_for
from tests.support.publish_status import CAMERA, state, targets
from twistedcam.codecs.h264_encoder import (
    CLOCK,
    HARDWARE,
    H264Encoder,
    H264Settings,
    YuvDecoder,
    fit_size,
    on_device,
    open_coder,
)
from twistedcam.media.h264 import H264

NO_REASON = (": ;", ": ,", "Unknown error", "generic")


def picture() -> bytes:
    image = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    image[:60], image[60:120] = 0, 255
    return bytes(simplejpeg.encode_jpeg(image, colorsubsampling="420"))


def test_edges_of_blocks_are_filtered_in_the_profile_that_all_players_have() -> None:
    encoded = H264Encoder(H264Settings(), 320, 240).encode(picture(), 0, True)
    assert encoded is not None
    assert b" deblock=1:0:0 " in encoded[0].data  # x264 writes its settings there
    assert H264.sequence_parameters(encoded[0].data).codec_string.startswith("avc1.42C0")


@pytest.mark.parametrize("asked", HARDWARE)
def test_one_that_is_not_there_is_replaced_with_the_reason_said(asked: str) -> None:
    coder = H264Encoder(H264Settings(encoder=asked), 320, 240)
    assert coder.encode(picture(), 0, True) or coder.name == asked
    if coder.name != asked:
        assert coder.name == "libx264"
        assert coder.note is not None
        before, _, reason = coder.note.partition(f"because of {asked}: ")
        assert before == "libx264 is used, " and len(reason) > 10
        assert not any(each in coder.note for each in NO_REASON)


def test_auto_takes_the_first_that_works_and_names_the_others() -> None:
    coder = H264Encoder(H264Settings(encoder="auto"), 320, 240)
    tried = HARDWARE if coder.name == "libx264" else HARDWARE[: HARDWARE.index(coder.name)]
    assert all(f"{each}: " in (coder.note or "") for each in tried)


def test_a_picture_for_a_device_keeps_its_values() -> None:
    frame = YuvDecoder(320, 240).decode(picture())
    there = on_device(frame, "nv12")
    ours, theirs = frame.to_ndarray(), there.to_ndarray()
    assert np.array_equal(ours[:240], theirs[:240])
    assert np.array_equal(ours[240:300].reshape(-1), theirs[240:].reshape(-1)[0::2])


@pytest.mark.parametrize(
    ("name", "settings", "rate"),
    [
        ("h264_nvenc", H264Settings("h264_nvenc"), 345_600),
        ("h264_nvenc", H264Settings("h264_nvenc", bitrate=2_000_000), 2_000_000),
        ("libx264", H264Settings(), None),
    ],
)
def test_an_encoder_in_hardware_without_a_limit_has_the_usual_rate(
    name: str, settings: H264Settings, rate: int | None
) -> None:
    coder = SimpleNamespace(codec=SimpleNamespace(name=name), bit_rate=None, open=lambda: None)
    open_coder(coder, YuvDecoder(320, 240), settings, Fraction(30))
    assert coder.bit_rate == rate
    assert coder.options.get("maxrate") == (rate and str(rate))


def test_status_says_what_a_recording_is_encoded_with_instead(tmp_path: Path) -> None:
    record = ("--record", "encoder=h264_videotoolbox")
    with ServerProcess(tmp_path / "rec", *CAMERA, *record) as server:
        server.command_lines("record start film.mp4")
        wait_for(lambda: server.status()["encoder_note"] != "none", "a note")
        found = server.status()["encoder_note"]
        assert "because of h264_videotoolbox: " in found
        assert "OK" in server.command_lines("record stop")[-1]


def test_status_and_log_say_what_is_used_instead(tmp_path: Path) -> None:
    url = f"hls:{tmp_path}/h#encoder=h264_videotoolbox"
    with ServerProcess(tmp_path / "rec", *CAMERA, "--publish", url) as server:
        wait_for(lambda: state(server, "hls") == "live", "the target to be live")
        found = targets(server)["hls"]
        if found["encoder"] == "libx264":
            assert "because of h264_videotoolbox: this FFmpeg does not have it" in found["note"]
            assert found["note"] in server.log


@pytest.mark.parametrize("packets", [[], [b""]], ids=["none", "empty"])
def test_an_encoder_that_opens_and_gives_no_video_is_not_used(
    packets: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        def encode(self, frame: object) -> list[object]:
            return [SimpleNamespace(size=len(each)) for each in packets]

    own = H264Encoder._open_coder

    def open_coder(encoder: H264Encoder, name: str, settings: H264Settings) -> object:
        return own(encoder, name, settings) if name == "libx264" else Silent()

    monkeypatch.setattr(H264Encoder, "_open_coder", open_coder)
    encoder = H264Encoder(H264Settings("h264_v4l2m2m"), 64, 48)
    assert encoder.name == "libx264"
    assert encoder.note == (
        "libx264 is used, because of h264_v4l2m2m: it opens, and then gives no video"
    )


def test_an_encoder_in_hardware_that_works_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    own = H264Encoder._open_coder
    monkeypatch.setattr(
        H264Encoder, "_open_coder", lambda self, _, settings: own(self, "libx264", settings)
    )
    encoder = H264Encoder(H264Settings("auto"), 65, 49)
    assert (encoder.name, encoder.note) == (HARDWARE[0], None)


class FakeHardware:
    """An encoder that works like x264 until it fails.

    Arguments:
        coder: the encoder that does the work.
        good: the number of calls before it fails.
    """

    def __init__(self, coder: Any, good: int) -> None:
        self._coder = coder
        self._good = good

    def encode(self, frame: object) -> Any:
        self._good -= 1
        if self._good < 0:
            raise av.error.OSError(5, "Input/output error")
        return self._coder.encode(frame)


def test_an_encoder_in_hardware_that_fails_later_is_replaced_and_no_picture_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = H264Encoder._open_coder

    def open_coder(encoder: H264Encoder, name: str, settings: H264Settings) -> object:
        coder = own(encoder, "libx264", settings)
        return coder if name == "libx264" else FakeHardware(coder, 5)

    monkeypatch.setattr(H264Encoder, "_open_coder", open_coder)
    encoder = H264Encoder(H264Settings("h264_v4l2m2m"), 64, 48)
    assert encoder.name == "h264_v4l2m2m"
    jpeg = bytes(simplejpeg.encode_jpeg(np.zeros((48, 64, 3), np.uint8)))
    made = [encoder.encode(jpeg, pts * 3000, pts == 0) for pts in range(8)]
    assert [len(each or ()) for each in made] == [1] * 8
    keys = [pts for pts, each in enumerate(made) if each and each[0].is_keyframe]
    assert keys == [0, 5]  # the other encoder begins with its own parameter sets
    assert (encoder.name, encoder.note) == (
        "libx264",
        "libx264 is used, because of h264_v4l2m2m: it failed after 5 pictures: Input/output error",
    )


def test_an_encoder_in_hardware_that_makes_another_size_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = H264Encoder._open_coder
    wrong = H264Encoder(H264Settings(), 32, 32)
    black = np.zeros((32, 32, 3), np.uint8)

    def open_coder(encoder: H264Encoder, name: str, settings: H264Settings) -> object:
        if name == "libx264":
            return own(encoder, name, settings)
        coder = own(wrong, "libx264", settings)
        pictures = iter(range(0, 90000, 3000))

        def encode(frame: object) -> Any:
            if frame is None:
                return coder.encode(None)
            small = wrong._pictures.decode(bytes(simplejpeg.encode_jpeg(black)))
            small.pts, small.time_base = next(pictures), Fraction(1, 90000)
            return coder.encode(small)

        return SimpleNamespace(encode=encode)

    monkeypatch.setattr(H264Encoder, "_open_coder", open_coder)
    encoder = H264Encoder(H264Settings("h264_v4l2m2m"), 64, 48)
    assert encoder.name == "libx264"
    assert encoder.note is not None
    assert "h264_v4l2m2m: it makes 32x32 of pictures of 64x48" in encoder.note


def test_noise_stays_within_the_limit_of_the_rate() -> None:
    settings = H264Settings(bits_per_pixel=0.15)
    encoder, rng = H264Encoder(settings, 320, 240, 30), np.random.default_rng(1)
    sizes = []
    for number in range(90):
        noise = rng.integers(0, 256, (240, 320, 3), np.uint8)
        jpeg = cv2.imencode(".jpg", noise)[1].tobytes()
        for each in encoder.encode(jpeg, number * CLOCK // 30, number == 0) or []:
            sizes.append(len(each.data) * 8)
    assert len(sizes) == 90
    most = settings.most_bits(320, 240, 30)
    assert most == 345_600
    assert sum(sizes[30:]) / 2 < most * 1.02
    assert sum(sizes[:30]) < most * 1.5  # the buffer of half a second is full at first


@pytest.mark.parametrize(
    ("picture", "box", "size"),
    [
        ((1280, 720), (640, 480), (640, 360)),
        ((1280, 720), (640, 360), (640, 360)),
        ((720, 1280), (640, 480), (270, 480)),
        ((640, 480), (640, 480), (640, 480)),
        ((641, 480), None, (640, 480)),
        ((320, 240), (640, 480), (320, 240)),
    ],
)
def test_pictures_are_scaled_down_into_a_box_and_never_enlarged(
    picture: tuple[int, int], box: tuple[int, int] | None, size: tuple[int, int]
) -> None:
    assert fit_size(picture, box) == size


def test_a_smaller_video_shows_the_same_picture() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[:, 160:] = 255
    encoder = H264Encoder(H264Settings(size=(160, 160)), 320, 240)
    assert encoder.output_size == (160, 120)
    (made,) = encoder.encode(cv2.imencode(".jpg", image)[1].tobytes(), 0, True) or []
    decoder = av.CodecContext.create("h264", "r")
    (shown,) = [*decoder.decode(av.Packet(made.data)), *decoder.decode(None)]
    grey = shown.to_ndarray(format="gray")
    assert grey.shape == (120, 160)
    assert grey[:, :70].max() < 32 < 220 < grey[:, 90:].min()
