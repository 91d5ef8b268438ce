"""The settings of a camera's sound: where it comes from, its offset, and if it is muted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from twistedcam.errors import BadArgument
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.util.schema import ValueKind

#: The kinds of microphone that can be named, by FFmpeg's names of its input formats.
MICROPHONE_FORMATS = {
    "alsa": "alsa",
    "pulse": "alsa",
    "avfoundation": "avfoundation",
    "dshow": "dshow",
}
#: The offset that sound can have at most, in milliseconds.
MAX_OFFSET_MS = 10_000
#: Sources that have no sound of their own, and so none unless a microphone is named.
_SILENT_SCHEMES = frozenset({"webcam", "auto", "pattern", "folder"})
#: Webcams, whose microphone is found by their device.
_WEBCAMS = frozenset({"webcam", "auto"})
_DEVICE = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
#: Names of ALSA that can be meant. Others could write files or run programs, by its plugins
#: ``file`` and ``tee``: who may set a microphone need not be allowed that.
_ALSA_NAME = re.compile(r"(?!.*\b(?:file|tee)\b)[\w.:,=+-]{1,200}", re.ASCII | re.IGNORECASE)
_OFFSET = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]{1,3})?")


@dataclass(frozen=True)
class SoundSettings:
    """The settings of a camera's sound.

    Arguments:
        takes_own: True if the sound that the source itself sends is passed on.
        microphone: the microphone that is opened, such as ``alsa:default``; ``auto`` is that of
            the webcam; None: no microphone.
        offset_ms: milliseconds by which sound is later than it says.
        is_muted: True if silence takes the place of all sound.
    """

    takes_own: bool = True
    microphone: str | None = None
    offset_ms: float = 0.0
    is_muted: bool = False

    @classmethod
    def from_spec(cls, spec: SourceSpec) -> SoundSettings:
        """Read the settings of a source.

        Raises:
            BadArgument: one of them is not valid.
        """
        return cls.from_settings(spec, Settings(spec))

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> SoundSettings:
        """Read the settings of a source. Raises as ``from_spec``."""
        is_silent = spec.scheme in _SILENT_SCHEMES
        default = "off" if is_silent else "auto"
        own, microphone = _audio(spec, settings.text("audio", default, "audio"))
        return cls(own, microphone, _offset(settings), _muted(settings))

    @property
    def is_off(self) -> bool:
        """True if no sound is wanted."""
        return not self.takes_own and self.microphone is None


def check_audio(text: str) -> str:
    """Return the text of an ``audio`` setting.

    Raises:
        BadArgument: it names no source of sound.
    """
    if text in ("", "auto", "off"):
        return text
    kind, colon, device = text.partition(":")
    form = _ALSA_NAME if kind == "alsa" else _DEVICE
    if not colon or kind not in MICROPHONE_FORMATS or not form.fullmatch(device):
        kinds = ", ".join(f"{each}:NAME" for each in MICROPHONE_FORMATS)
        raise BadArgument(f"audio={text!r} is not valid: write auto, off, alsa:default or {kinds}")
    return text


def _audio(spec: SourceSpec, text: str) -> tuple[bool, str | None]:
    check_audio(text)
    if text == "off":
        return False, None
    if text == "":
        return spec.scheme not in _SILENT_SCHEMES, None
    if text == "auto":
        if spec.scheme in _WEBCAMS:
            return False, "auto"
        if spec.scheme in _SILENT_SCHEMES:
            raise BadArgument(
                f"audio='auto' is for webcams and for cameras that send sound: {spec.scheme}: has "
                "none; name a microphone, such as alsa:default"
            )
        return True, None
    return False, text


def _offset(settings: Settings) -> float:
    limits = ValueKind("number", -MAX_OFFSET_MS, MAX_OFFSET_MS, default="0")
    text = settings.value("audio_offset_ms", limits)
    if not text:
        return 0.0
    if not _OFFSET.fullmatch(text) or abs(float(text)) > MAX_OFFSET_MS:
        raise BadArgument(
            f"audio_offset_ms={text!r} is not valid: it is a number of milliseconds from "
            f"-{MAX_OFFSET_MS} to {MAX_OFFSET_MS}"
        )
    return float(text)


def _muted(settings: Settings) -> bool:
    text = settings.value("muted", ValueKind("switch", default="0"))
    if text not in ("", "0", "1"):
        raise BadArgument(f"muted={text!r} is not valid: it is 0 or 1")
    return text == "1"
