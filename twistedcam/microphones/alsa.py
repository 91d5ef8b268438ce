"""ALSA as it is opened here: a configuration that nobody else can write, names, and reasons."""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent
#: The system's configuration, and what stands in for it.
_SYSTEM = Path("/usr/share/alsa/alsa.conf")
_CARDS, _ADDED = _HERE / "alsa_cards.conf", _HERE / "alsa.conf"
#: Places of ALSA's plugins, such as that for PulseAudio.
_PLUGINS = ("/usr/lib/*/alsa-lib", "/usr/lib64/alsa-lib", "/usr/lib/alsa-lib")
#: Parts of ALSA's reasons in lower case, and what they mean.
_MEANINGS = {
    "no such file": "there is no such microphone",
    "no such device": "it is not plugged in",
    "unknown pcm": "there is no such microphone",
    "no such entity": "there is no such microphone",
    "busy": "another program uses it",
    "permission denied": "this user may not use it: it has to be in the group 'audio'",
    "connection refused": "PulseAudio or PipeWire does not run for this user",
    "input/output error": "it gives no more sound: it was unplugged, or its server has ended",
    "connection terminated": "PulseAudio or PipeWire has ended",
}


def safe_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that ALSA needs before it is opened.

    The ALSA of PyAV's wheels would read its configuration from a folder in the folder of temporary
    files, and load plugins from there: every user of this machine could put them there.

    Arguments:
        environment: the present variables; those of ALSA that are set stay.
    """
    base = environment.get("ALSA_CONFIG_PATH")
    if base is None:
        base = str(_SYSTEM if _SYSTEM.exists() else _CARDS)
    plugins = environment.get("ALSA_PLUGIN_DIR")
    if plugins is None:
        root = Path("/")
        found = [str(each) for name in _PLUGINS for each in sorted(root.glob(name[1:]))]
        # Some systems have those of 32 bits, too, which cannot be loaded.
        own = sysconfig.get_config_var("MULTIARCH") or ""
        found.sort(key=lambda each: own not in each)
        plugins = next(iter(found), _PLUGINS[-1])
    return {
        "ALSA_CONFIG_PATH": f"{base}:{_ADDED}",
        "ALSA_CONFIG_DIR": environment.get("ALSA_CONFIG_DIR", str(_SYSTEM.parent)),
        "ALSA_PLUGIN_DIR": plugins,
    }


def device_of(microphone: str) -> tuple[str, str]:
    """Return FFmpeg's input format and its name of a microphone.

    Arguments:
        microphone: ``KIND:NAME`` (sources.sound_settings).
    """
    kind, _, name = microphone.partition(":")
    if kind == "pulse":
        if name == "default":
            return "alsa", "twistedcam_pulse_default"
        quoted = name.replace("\\", "\\\\").replace("'", "\\'")
        return "alsa", f"twistedcam_pulse:'{quoted}'"
    if kind == "avfoundation":
        return kind, f":{name}"
    if kind == "dshow":
        return kind, f"audio={name}"
    return kind, name


def reason_of(error: Exception) -> str:
    """Return the reason why a microphone cannot be opened or read, as the system gives it."""
    return getattr(error, "strerror", None) or str(error)


def reason_in(errors: str, reason: str) -> str:
    """Return a reason in words for people.

    Arguments:
        errors: what ALSA has written to standard error, which often says more.
        reason: the reason as FFmpeg gives it; empty if the process has ended without one.
    """
    for text in (errors, reason):
        lower = text.lower()
        known = next((each for part, each in _MEANINGS.items() if part in lower), None)
        if known is not None:
            return known
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return reason or (lines[-1][:240] if lines else "its process has ended")
