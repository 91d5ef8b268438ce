"""What a camera has done since the server began."""

from __future__ import annotations

from dataclasses import dataclass

from twistedcam.sources.encode import Picture


@dataclass
class CameraCounts:
    """Pictures by what was done to them, and how often the camera had to be opened again.

    Arguments:
        frames: all that were passed on.
        bytes: of those that came as JPEGs or were made into them at once.
        encoded: made into JPEGs here.
        passed: passed on as they came.
        turned: turned without loss.
        repaired: that lacked something which has been put in.
        corrupt: that were no good, and are not in ``frames``.
        restarts: openings after the first.
        from_camera: whether the newest picture is the camera's own JPEG, not one made here.
    """

    frames: int = 0
    bytes: int = 0
    encoded: int = 0
    passed: int = 0
    turned: int = 0
    repaired: int = 0
    corrupt: int = 0
    restarts: int = 0
    from_camera: bool = False

    def add(self, picture: Picture) -> None:
        """One more that was passed on."""
        self.frames += 1
        self.from_camera = isinstance(picture.jpeg, bytes) and not picture.encoded
        if isinstance(picture.jpeg, bytes):
            self.bytes += len(picture.jpeg)
            self.passed += not picture.encoded and not picture.turned
        self.encoded += picture.encoded
        self.turned += picture.turned
        self.repaired += picture.repaired
