"""A request for a recording, until it is released."""

from __future__ import annotations

from twisted.internet.defer import succeed

from twistedcam.recording.recording_request import RecordingRequest
from twistedcam.recording.writer.session import Progress


def test_a_request_is_released_by_the_recorder_that_made_it() -> None:
    released: list[RecordingRequest] = []
    progress = Progress("a.mp4")

    def release(request: RecordingRequest) -> object:
        released.append(request)
        return succeed(progress)

    request = RecordingRequest("motion", "a.mp4", release)  # type: ignore[arg-type]
    assert request.release().result is progress
    assert released == [request]


def test_requests_with_the_same_reason_are_several() -> None:
    one, two = (RecordingRequest("motion", "a.mp4", lambda it: succeed(None)) for _ in range(2))
    assert len({one, two}) == 2
