"""Packets: encoded media of one track, captured once and shared by all who want it."""

from __future__ import annotations

from typing import Any

from twistedcam.media.track import Track


class Packet:
    """One access unit of a track: a coded picture, or a piece of sound. It never changes.

    Arguments:
        track: the track that it belongs to.
        seq: sequence number, 1, 2, 3 … per track of a camera, never reset while the server runs.
        time_us: time of capture in microseconds since the UNIX epoch.
        pts: time of presentation in microseconds on the stream's timeline.
        data: the coded bytes. H.264 and H.265: Annex B with start codes of four bytes; a key frame
            begins with its parameter sets.
        is_keyframe: True if a decoder can begin here.
        dts: time of decoding in microseconds on the stream's timeline; it differs from ``pts``
            only in video whose pictures are sent in another order than they are shown.
    """

    __slots__ = (
        "__weakref__",
        "_shared",
        "data",
        "dts",
        "is_keyframe",
        "pts",
        "seq",
        "time_us",
        "track",
    )

    def __init__(
        self,
        track: Track,
        seq: int,
        time_us: int,
        pts: int,
        data: bytes,
        is_keyframe: bool = True,
        dts: int | None = None,
    ) -> None:
        self.track = track
        self.seq = seq
        self.time_us = time_us
        self.pts = pts
        self.dts = pts if dts is None else dts
        self.data = data
        self.is_keyframe = is_keyframe
        self._shared: dict[object, Any] | None = None

    @property
    def time(self) -> float:
        """Time of capture in seconds since the UNIX epoch."""
        return self.time_us / 1e6

    def shared(self, make: Any) -> Any:
        """The result of ``make(packet)``, made once and kept as long as the packet.

        All senders of a packet share its wire message and its memory file in this way.
        """
        if self._shared is None:
            self._shared = {}
        try:
            return self._shared[make]
        except KeyError:
            made = self._shared[make] = make(self)
            return made

    def share(self, make: Any, form: Any) -> None:
        """Keep ``form`` as the result of ``make``."""
        if self._shared is None:
            self._shared = {}
        self._shared[make] = form

    def keep_only(self, make: Any) -> None:
        """Forget all forms but the result of ``make``; senders keep what they are sending."""
        if self._shared is not None:
            self._shared = {key: form for key, form in self._shared.items() if key is make}

    @property
    def size(self) -> tuple[int, int]:
        """The (width, height) of the picture in pixels; (0, 0) for sound."""
        return self.track.width, self.track.height

    def bare(self, dts: int | None = None) -> Packet:
        """The same packet without the forms that it keeps for senders.

        What keeps packets for a while, such as a pre-roll, then keeps their bytes only.

        Arguments:
            dts: another time of decoding; ``pts`` changes by the same.
        """
        dts = self.dts if dts is None else dts
        pts = self.pts - self.dts + dts
        return Packet(self.track, self.seq, self.time_us, pts, self.data, self.is_keyframe, dts)

    def __repr__(self) -> str:
        key = " key" if self.is_keyframe else ""
        return f"<Packet {self.seq} {self.track.codec}{key} {len(self.data)} B at {self.time:.6f}>"
