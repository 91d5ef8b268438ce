"""Parts of configurations, and their faults, for both media services of ONVIF."""

from __future__ import annotations

from collections.abc import Callable

from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import Xml, element
from twistedcam.servers.onvif.request import Action, StreamProfile

#: Returns a profile's configuration as an element of that name; None if it has no such.
Describe = Callable[[StreamProfile, str], Xml | None]

#: Bits a second for each pixel a second: a limit in the description, not of the encoder.
_BITS_PER_PIXEL = 0.15
#: Seconds of a group of pictures that is encoded here.
GROUP = 2
#: The beginnings of the tokens of configurations, before that of the camera or the profile.
SOURCE, ENCODER, SOUND_SOURCE, SOUND_ENCODER = "source.", "encoder.", "sound.", "sound-encoder."


def kbits(each: StreamProfile) -> int:
    """Return the most kbit/s of a profile's video."""
    width, height = each.size
    return max(64, round(width * height * each.rate * _BITS_PER_PIXEL / 1000))


def size_element(name: str, size: tuple[int, int]) -> Xml:
    """Return an element with a width and a height in pixels."""
    return element(name, element("tt:Width", size[0]), element("tt:Height", size[1]))


def only_value(name: str, value: int) -> Xml:
    """Return the element of a range of numbers in which one is possible."""
    return element(name, element("tt:Min", value), element("tt:Max", value))


def no_configuration() -> SoapFault:
    """Return the fault that a client's token is that of no configuration."""
    return SoapFault("there is no such configuration", "ter:InvalidArgVal", "ter:NoConfig")


def empty_answer(name: str) -> Action:
    """Return the action that answers that there is nothing.

    Arguments:
        name: the name of the answer's element.
    """
    return lambda request: element(name)


def source_configuration(each: StreamProfile, name: str) -> Xml:
    """Return the configuration of a camera's video source.

    Arguments:
        name: the name of the element.
    """
    width, height = each.camera_size
    return element(
        name,
        element("tt:Name", each.camera.name),
        element("tt:UseCount", 2),
        element("tt:SourceToken", each.source),
        element("tt:Bounds", x=0, y=0, width=width, height=height),
        token=SOURCE + each.source,
    )


def multicast() -> Xml:
    """Return the element Multicast: there is none."""
    return element(
        "tt:Multicast",
        element("tt:Address", element("tt:Type", "IPv4"), element("tt:IPv4Address", "0.0.0.0")),
        element("tt:Port", 0),
        element("tt:TTL", 0),
        element("tt:AutoStart", False),
    )


def sound_source_configuration(each: StreamProfile, name: str) -> Xml | None:
    """Return the configuration of a camera's microphone; None if it has no sound.

    Arguments:
        name: the name of the element.
    """
    if each.audio is None:
        return None
    return element(
        name,
        element("tt:Name", each.camera.name),
        element("tt:UseCount", 2),
        element("tt:SourceToken", each.source),
        token=SOUND_SOURCE + each.source,
    )
