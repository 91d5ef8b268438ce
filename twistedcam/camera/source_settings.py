"""All settings that a camera's source can have: its own, and those that every camera has."""

from __future__ import annotations

from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.sources.onvif.address import find_onvif_address
from twistedcam.sources.registry import make_source, read_source_settings
from twistedcam.sources.sound_settings import SoundSettings
from twistedcam.sources.spec import Settings, SourceSpec, title_of


def check_source(spec: SourceSpec) -> JpegEncoder:
    """Check that a camera can use this source with its settings; return the encoder for it.

    Raises:
        BadArgument: the source or one of its settings is unknown or wrong.
    """
    make_source(spec)
    find_onvif_address(spec)
    may_suspend(spec)
    title_of(spec)
    SoundSettings.from_spec(spec)
    return JpegEncoder.from_spec(spec)


def source_settings(spec: SourceSpec) -> Settings:
    """Return the settings that a camera of this source has, with their kinds.

    Raises:
        BadArgument: as ``check_source``.
    """
    settings = read_source_settings(spec)
    read_idle(settings)
    settings.text("title")
    SoundSettings.from_settings(spec, settings)
    JpegEncoder.from_settings(settings)
    return settings


def may_suspend(spec: SourceSpec) -> bool:
    """True if the source's setting ``idle`` is ``close``; BadArgument if its value is unknown."""
    return read_idle(Settings(spec)) == "close"


def read_idle(settings: Settings) -> str:
    """Return the setting ``idle``, ``keep`` or ``close``; BadArgument if its value is unknown."""
    return settings.choice("idle", ("keep", "close"), "keep")
