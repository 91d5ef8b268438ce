"""The process of user code: its exit codes, and its messages over the connection."""

from __future__ import annotations

from multiprocessing import Pipe

import numpy as np
import pytest

from twistedcam.media.frame import Frame
from twistedcam.processing.child_process import ConnectionReports, main
from twistedcam.processing.results import Result
from twistedcam.processing.user_code import LOADED, REFUSED

FRAME = Frame(3, 5, 32, 24, b"jpeg")


def test_a_check_tells_by_its_exit_code_whether_code_can_be_imported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--check", "json:dumps"]) == LOADED
    assert main(["--check", "json:nothing"]) == REFUSED
    assert capsys.readouterr().err == "json:nothing: json has no 'nothing'\n"


def test_reports_are_messages_and_pictures_have_the_quality_that_came_with_the_frame() -> None:
    server, child = Pipe()
    reports = ConnectionReports(child)
    sizes = []
    image = np.random.default_rng(1).integers(0, 255, (24, 32, 3), np.uint8)
    for quality in (95, 10):
        server.send((quality, 3, 5, 32, 24, b"jpeg"))
        frame = reports.take()
        assert frame is not None and (frame.seq, frame.jpeg) == (3, b"jpeg")
        assert server.recv() == ("take",)
        reports.on_result(Result(FRAME, image, {"a": 1}))
        kind, jpeg, data = server.recv()
        assert (kind, data) == ("result", {"a": 1})
        sizes.append(len(jpeg))
    assert sizes[0] > sizes[1]
    reports.on_frame_done(0.5)
    reports.on_undecodable("broken")
    assert (server.recv(), server.recv()) == (("done", 0.5), ("undecodable", "broken"))


def test_there_are_no_more_frames_once_the_server_says_so_or_has_ended() -> None:
    server, child = Pipe()
    reports = ConnectionReports(child)
    server.send(None)
    assert reports.take() is None
    server.close()
    with pytest.raises(BrokenPipeError):
        reports.take()
