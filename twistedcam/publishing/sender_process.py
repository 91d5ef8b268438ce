"""The server's side of a sender: its process, frames for it, and its reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.publishing.sender.protocol import (
    FRAME_HEADER,
    SOUND,
    SenderConfig,
    SoundConfig,
)
from twistedcam.publishing.target import PublishTarget
from twistedcam.runtime.child_process import ChildProcess, last_line, module_command

#: Seconds after which a sender that has to end is killed.
GRACE = 1.0
_MAX_LINE = 4096


class SenderProcess(ChildProcess):
    """The process of a sender. No callback is called after ``close``.

    Arguments:
        reactor: starts the process.
        codec: FFmpeg's name of the codec.
        sound: the track of the sound; None: it sends none.
        target: its target, sent through a pipe, because all users can see arguments.
        on_live: called when the target accepts video.
        on_progress: called with the time of the last sent frame, and the numbers of frames and
            bytes so far.
        on_end: called with the reason when the process has ended.
    """

    def __init__(
        self,
        reactor: Any,
        codec: str,
        sound: Track | None,
        target: PublishTarget,
        on_live: Callable[[], None],
        on_progress: Callable[[int, int, int], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._codec = codec
        self._sound = sound
        self._target = target
        self._on_live = on_live
        self._on_progress = on_progress
        self._report_end = on_end
        self._line = self._errors = b""
        self._reason = ""
        self._is_closing = False
        command = module_command("twistedcam.publishing.sender")
        super().__init__(reactor, command, on_end=self._ended)

    def connectionMade(self) -> None:
        target = self._target
        config: SenderConfig = {
            "codec": self._codec,
            "url": target.url,
            "muxer": target.muxer,
            "options": target.options(),
            "verify": target.verify,
            "ca": target.ca,
            "sound": None if self._sound is None else _sound_config(self._sound),
        }
        self.transport.write(json.dumps(config).encode() + b"\n")  # type: ignore[union-attr]

    def send(self, packet: Packet) -> None:
        """Send a frame, or a packet of sound."""
        reorder = packet.pts - packet.dts
        kind = SOUND if packet.track.kind == "audio" else packet.is_keyframe
        header = FRAME_HEADER.pack(packet.dts, reorder, kind, len(packet.data))
        self.transport.writeSequence([header, packet.data])  # type: ignore[union-attr]

    def close(self) -> Deferred[None]:
        """End the stream, and kill the process after ``GRACE``. Fires when it has ended."""
        self._is_closing = True
        self.transport.closeStdin()  # type: ignore[union-attr]
        return self.wait_or_kill(GRACE)

    def outReceived(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-_MAX_LINE:]
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "error":
                self._reason = self._target.without_secrets(rest)
            elif not self._is_closing and word == "live":
                self._on_live()
            elif not self._is_closing and word == "at":
                self._on_progress(*map(int, rest.split()))

    def errReceived(self, data: bytes) -> None:
        self._errors = (self._errors + data)[-_MAX_LINE:]

    def _ended(self, reason: Failure) -> None:
        if not self._is_closing:
            self._is_closing = True
            # Without a report of an error, the last line of a traceback is the reason.
            last = self._target.without_secrets(last_line(self._errors))
            self._report_end(self._reason or last or "the sender process has ended")


def _sound_config(track: Track) -> SoundConfig:
    rate = int(track.rate or 0)
    return {
        "codec": track.codec,
        "rate": rate,
        "channels": track.channels,
        "extradata": track.extradata.hex(),
    }
