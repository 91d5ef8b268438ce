"""Pictures of all codecs are decoded and examined."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.support.motion_films import Film, Walk
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.processing.motion import examiner
from twistedcam.processing.motion.examiner import COVERED, FROZEN, Examiner, PictureCheck
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.util.polygons import Polygon

RANDOM = np.random.default_rng(1)


def film() -> Film:
    walk = Walk(3, 5, 0.5, ((-0.1, 0.8), (1.1, 0.8)), -50)
    return Film(seconds=5, fps=20, seed=1, walks=[walk])


def packets_of(made: Film, codec: str, pixels: str = "yuv420p") -> list[Packet]:
    """The film in H.264 or H.265, one key frame a second."""
    encoder = av.CodecContext.create({"h264": "libx264", "hevc": "libx265"}[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = made.width, made.height, pixels
    encoder.framerate, encoder.time_base = 20, Fraction(1, 20)
    quiet = {"x265-params": "log-level=none:keyint=20:repeat-headers=1"} if codec == "hevc" else {}
    encoder.options = {"tune": "zerolatency", "preset": "ultrafast", "g": "20", **quiet}
    track = Track(0, "video", codec, made.width, made.height)
    found: list[Packet] = []
    for time in made.times:
        image = np.repeat(made.picture(time)[:, :, None], 3, 2)
        for coded in encoder.encode(av.VideoFrame.from_ndarray(image, "bgr24")):
            at = len(found)
            time_us = at * 50_000
            found.append(Packet(track, at, time_us, time_us, bytes(coded), coded.is_keyframe))
    return found


@pytest.mark.parametrize(
    ("codec", "pixels"), [("h264", "yuv420p"), ("h264", "yuv420p10le"), ("hevc", "yuv420p")]
)
def test_a_walk_is_found_in_coded_video(codec: str, pixels: str) -> None:
    packets = packets_of(film(), codec, pixels)
    examiner = Examiner(MotionSettings())
    times = []
    for at in range(0, len(packets), 2):
        found = examiner.examine(packets[at : at + 2], at / 20)
        if found is not None and found.moving:
            times.append(at / 20)
    assert 3.0 < times[0] < 4.2
    assert times[-1] < 5.2


def test_a_walk_is_found_in_frames() -> None:
    made, examiner = film(), Examiner(MotionSettings())
    times = []
    for at, time in enumerate(made.times):
        if at % 2 == 0:
            frame = Frame(at, round(time * 1e6), made.width, made.height, made.jpeg(time))
            found = examiner.examine([frame], time)
            assert found is not None
            times += [time] if found.moving else []
    assert 3.0 < times[0] < 4.2


def test_packets_before_a_key_frame_are_left_out_and_rubbish_is_an_error() -> None:
    packets = packets_of(Film(seconds=1, fps=20), "h264")
    examiner = Examiner(MotionSettings())
    assert examiner.examine(packets[1:3], 0.0) is None
    rubbish = Packet(packets[0].track, 1, 0, 0, b"\0\0\0\1\x65rubbish", True)
    with pytest.raises(ValueError, match="cannot be decoded"):
        examiner.examine([rubbish], 0.1)
    assert examiner.examine(packets[:2], 0.2) is not None


def noisy(level: float, spread: float) -> np.ndarray:
    noise = RANDOM.normal(0, 1, (30, 40))
    scene = np.linspace(-spread, spread, 40)[None]
    return np.clip(level + scene + noise, 0, 255).astype(np.uint8)


def test_the_same_picture_for_ten_seconds_is_frozen() -> None:
    check, picture = PictureCheck(), noisy(120, 50)
    found = [check.feed(picture.copy(), time / 2) for time in range(25)]
    assert found.index("frozen") == FROZEN * 2
    assert check.feed(noisy(120, 50), 13) is None


def test_only_key_frames_of_coded_video_tell_that_it_is_frozen() -> None:
    def faults(same_keyframes: bool) -> list[str | None]:
        check, first = PictureCheck(), noisy(120, 50)
        found = []
        for at in range(100):  # a key frame every two seconds, five pictures a second
            is_keyframe = at % 10 == 0
            if is_keyframe:
                picture = first if same_keyframes else noisy(120, 50)
            else:  # it is refined behind one that is the same, and repeated behind others
                picture = picture + np.uint8(same_keyframes)
            found.append(check.feed(picture, at / 5, is_keyframe))
        return found

    assert faults(same_keyframes=True).index("frozen") == FROZEN * 5
    assert not any(faults(same_keyframes=False))
    check, picture = PictureCheck(), noisy(120, 50)
    check.feed(picture, 0)
    assert not any(check.feed(picture, at, False) for at in range(1, 30))  # of one long group


def test_a_frozen_camera_is_found_in_coded_video(monkeypatch: pytest.MonkeyPatch) -> None:
    """x264 refines a picture that does not change, and begins again with each key frame."""
    monkeypatch.setattr(examiner, "FROZEN", 2.0)
    noise, still = Film(seconds=3.2, fps=20, seed=1), Film(seconds=3.2, fps=20, seed=1)
    picture = noise.picture(0)
    monkeypatch.setattr(still, "picture", lambda time: picture)
    for film, expected in ((still, {"frozen"}), (noise, set())):
        tested, packets = Examiner(MotionSettings()), packets_of(film, "h264")
        found = [tested.examine(packets[at : at + 4], at / 20) for at in range(0, 64, 4)]
        assert {each.fault for each in found if each is not None and each.fault} == expected


def test_what_is_drawn_here_neither_uncovers_nor_moves_a_picture() -> None:
    drawn: Polygon = ((0, 0), (1, 0), (1, 0.5), (0, 0.5))
    grey, still = PictureCheck([drawn]), PictureCheck([drawn])
    picture = noisy(120, 50)
    covered, frozen = [], []
    for second in range(12):
        one, other = noisy(90, 0), picture.copy()
        one[:15] = 0
        other[3, 3] = second
        covered.append(grey.feed(one, second))
        frozen.append(still.feed(other, second))
    assert covered.index("covered") == COVERED
    assert frozen.index("frozen") == FROZEN
    everything = PictureCheck([((0, 0), (1, 0), (1, 1), (0, 1))])
    assert not any(everything.feed(picture, second) for second in range(30))


def test_one_grey_for_five_seconds_is_covered() -> None:
    check = PictureCheck()
    assert check.feed(noisy(120, 50), 0) is None
    found = [check.feed(noisy(9, 0), 1 + time / 2) for time in range(12)]
    assert found.index("covered") == (COVERED - 1) * 2
    assert check.feed(noisy(120, 50), 8) is None


def test_a_dark_scene_with_something_in_it_is_none() -> None:
    check = PictureCheck()
    assert not any(check.feed(noisy(20, 6), time) for time in range(30))
