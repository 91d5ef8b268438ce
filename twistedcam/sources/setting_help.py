"""The help of the settings of sources, for forms."""

from __future__ import annotations

from twistedcam.util.schema import Option

_PAGE = "cameras.md"
_COMMON = "cameras.md#settings-of-all-sources"
_SOUND = "sound.md#settings"

#: The help of each setting by its name, or by its source and name where that differs.
HELP: dict[str, Option] = {
    "size": Option("width and height of the pictures", _PAGE, unit="pixels", example="1280x720"),
    "fps": Option("pictures a second that the camera is asked for", _PAGE, unit="frames/s"),
    "http:fps": Option("pictures a second, if the address gives snapshots", unit="frames/s"),
    "file:fps": Option("pictures a second, if not those of the file", unit="frames/s"),
    "folder:fps": Option("pictures a second", _PAGE, unit="frames/s"),
    "pattern:fps": Option("pictures a second", _PAGE, unit="frames/s"),
    "format": Option("the format that the camera is asked for", "cameras.md#how-webcams-are-read"),
    "bitrate": Option(
        "bits a second of the encoder; by default they suit size and rate",
        "cameras.md#raspberry-pi-cameras",
        unit="bit/s",
        example="4000000",
    ),
    "name": Option("words of the webcam's name that select it", "cameras.md#equal-webcams"),
    "serial": Option("the webcam's serial number that selects it", "cameras.md#equal-webcams"),
    "port": Option("the USB port that selects the webcam", "cameras.md#equal-webcams"),
    "settle": Option(
        "pictures that are left out after the camera was opened", _COMMON, unit="pictures"
    ),
    "reader": Option("the way in which the camera is read", "cameras.md#how-webcams-are-read"),
    "rtsp:reader": Option("`ffmpeg` opens the camera with FFmpeg", "cameras.md#cameras-over-rtsp"),
    "loop": Option("begin again at the end", _PAGE),
    "verify": Option("check the camera's certificate (TLS)", "cameras.md#cameras-over-http"),
    "transport": Option("the way of the video through the network", "cameras.md#cameras-over-rtsp"),
    "ptz": Option(
        "how the camera is moved: `1` by ONVIF at the same host, or its address",
        "cameras.md#pan-tilt-zoom",
        example="onvif://USER:PASSWORD@HOST",
    ),
    "onvif:ptz": Option(
        "move the camera by ONVIF; `0` switches it off", "cameras.md#pan-tilt-zoom"
    ),
    "path": Option("the path of the camera's device service", _PAGE),
    "title": Option("shown instead of the name", _COMMON, example="Front door"),
    "quality": Option("quality of the JPEGs that the server encodes", _COMMON, unit="%"),
    "rotate": Option("degrees by which pictures are rotated clockwise", _COMMON, unit="°"),
    "flip": Option("`h` flips left and right, `v` up and down", _COMMON),
    "timestamp": Option("write the time of capture into the picture", _COMMON),
    "privacy": Option(
        "areas that are black in every picture",
        "cameras.md#privacy-masks",
        example="0,0 0.3,0 0.3,0.4 0,0.4",
    ),
    "audio": Option(
        "where the sound comes from: `auto`, `off` or a microphone", _SOUND, example="alsa:default"
    ),
    "audio_offset_ms": Option("time by which the sound is later than it says", _SOUND, unit="ms"),
    "muted": Option("begin muted", _SOUND),
    "idle": Option("`close` closes the device while nobody watches or records", _COMMON),
}


def setting_help(scheme: str, name: str) -> Option:
    """Return the help of a setting; it is empty for a control of a webcam."""
    scheme = {"https": "http", "rtsps": "rtsp", "onvifs": "onvif"}.get(scheme, scheme)
    return HELP.get(f"{scheme}:{name}") or HELP.get(name) or Option()
