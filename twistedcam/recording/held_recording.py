"""A recording that several events hold, each for some seconds after its end."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import BadArgument, CommandError, DiskError
from twistedcam.recording.recorder import Recorder
from twistedcam.recording.recording_request import RecordingRequest
from twistedcam.runtime.timer import Timer

#: Seconds until another attempt: while the recording before is finished, and on a full disk.
FINISHING = 0.5
FULL = 10.0


class HeldRecording:
    """Requests one recording while at least one event holds it.

    A recording that a person has stopped begins again with the next event only.

    Arguments:
        recorder: the camera's recorder.
        reason: what asks for the recording (Recorder.request); no other part uses the same.
        clock: measures the time.
        on_error: called when the recording cannot begin; it is tried again.
    """

    def __init__(
        self,
        recorder: Recorder,
        reason: str,
        clock: IReactorTime,
        on_error: Callable[[CommandError], None] = lambda error: None,
    ) -> None:
        self.recorder = recorder
        self._reason = reason
        self._on_error = on_error
        self._holders: set[str] = set()
        self._request: RecordingRequest | None = None
        self._clock = clock
        self._timer = Timer(clock)
        #: The time from which a new recording has frames, as far as they are kept.
        self._from = 0.0

    def hold(self, holder: str, before: float = 0.0) -> None:
        """Record until ``holder`` has released the recording; now, or as soon as possible.

        Arguments:
            before: seconds before now that are recorded too, as far as the recorder keeps them
                (Recorder.keep_before).
        """
        self._holders.add(holder)
        self._from = self._clock.seconds() - before
        self._timer.cancel()
        self._begin()

    def release_later(self, holder: str, seconds: float) -> None:
        """Release the recording after some seconds, unless it is held again until then."""
        self._holders.discard(holder)
        if not self._holders:
            self._timer.start(seconds, self.release)

    def release(self) -> None:
        """Release the recording now, whatever holds it."""
        self._timer.cancel()
        self._holders.clear()
        request, self._request = self._request, None
        if request is not None:
            request.release()

    def _begin(self) -> None:
        if self._request is not None and self._reason in self.recorder.reasons:
            return
        try:
            before = self._clock.seconds() - self._from
            self._request = self.recorder.request(self._reason, before=before)
        except BadArgument:  # the recording before is still being finished
            self._timer.start(FINISHING, self._begin)
        except DiskError as error:
            self._timer.start(FULL, self._begin)
            self._on_error(error)
