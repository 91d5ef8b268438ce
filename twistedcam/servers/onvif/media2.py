"""The second media service of ONVIF (ver20/media/wsdl), which has H.265 (Profile T)."""

from __future__ import annotations

from collections.abc import Iterable

from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import Xml, children, element, joined
from twistedcam.servers.onvif.configurations import (
    ENCODER,
    GROUP,
    SOUND_ENCODER,
    SOUND_SOURCE,
    SOURCE,
    Describe,
    empty_answer,
    kbits,
    multicast,
    no_configuration,
    only_value,
    size_element,
    sound_source_configuration,
    source_configuration,
)
from twistedcam.servers.onvif.device import service_capabilities
from twistedcam.servers.onvif.ptz import ptz_configuration
from twistedcam.servers.onvif.request import Action, OnvifRequest, StreamProfile

#: The protocols of GetStreamUri that are possible here.
_PROTOCOLS = ("", "RtspUnicast", "RTSP", "RtspsUnicast")
#: The names of the codecs of sound: media types of the IANA.
_SOUNDS = {"aac": "MP4A-LATM", "pcm_alaw": "PCMA", "pcm_mulaw": "PCMU", "opus": "opus"}


def _encoder_configuration(each: StreamProfile, name: str) -> Xml:
    return element(
        name,
        element("tt:Name", each.name),
        element("tt:UseCount", 1),
        element("tt:Encoding", "H265" if each.is_h265 else "H264"),
        size_element("tt:Resolution", each.size),
        element(
            "tt:RateControl",
            element("tt:FrameRateLimit", each.rate),
            element("tt:BitrateLimit", kbits(each)),
            ConstantBitRate=False,
        ),
        multicast(),
        element("tt:Quality", 5),
        token=ENCODER + each.token,
        GovLength=each.rate * GROUP,
        Profile="Main",
    )


def _sound_encoder_configuration(each: StreamProfile, name: str) -> Xml | None:
    sound = each.sound(_SOUNDS)
    if sound is None:
        return None
    codec, kilohertz = sound
    return element(
        name,
        element("tt:Name", each.camera.name),
        element("tt:UseCount", 2),
        element("tt:Encoding", codec),
        multicast(),
        element("tt:Bitrate", 64),
        element("tt:SampleRate", kilohertz),
        token=SOUND_ENCODER + each.source,
    )


#: The kinds of configurations with their description, the beginning of their tokens, and True if
#: both profiles of a camera have the same.
_CONFIGURATIONS: dict[str, tuple[Describe, str, bool]] = {
    "VideoSource": (source_configuration, SOURCE, True),
    "AudioSource": (sound_source_configuration, SOUND_SOURCE, True),
    "VideoEncoder": (_encoder_configuration, ENCODER, False),
    "AudioEncoder": (_sound_encoder_configuration, SOUND_ENCODER, True),
}


def _get_profiles(request: OnvifRequest) -> Xml:
    token = request.argument("Token")
    kinds = {(each.text or "").strip() for each in children(request.body, "Type")}
    profiles = [request.profile(token)] if token else request.profiles()
    return element(
        "tr2:GetProfilesResponse", joined(_profile(request, each, kinds) for each in profiles)
    )


def _profile(request: OnvifRequest, each: StreamProfile, kinds: set[str]) -> Xml:
    """Return a profile with its configurations of the kinds that the client has asked for."""
    parts = [
        describe(each, f"tr2:{kind}")
        for kind, (describe, _, _) in _CONFIGURATIONS.items()
        if kinds & {kind, "All"}
    ]
    if kinds & {"PTZ", "All"}:
        parts.append(ptz_configuration(request, each, "tr2:PTZ"))
    found = element("tr2:Configurations", joined(filter(None, parts))) if kinds else None
    name = element("tr2:Name", each.name)
    return element("tr2:Profiles", name, found, token=each.token, fixed=True)


def _get_stream_uri(request: OnvifRequest) -> Xml:
    profile = request.profile(request.argument("ProfileToken"))
    protocol = request.argument("Protocol")
    if protocol not in _PROTOCOLS:
        raise SoapFault(
            f"{protocol[:40]} is not possible here: use RtspUnicast or RTSP",
            "ter:InvalidArgVal",
            "ter:InvalidStreamSetup",
        )
    address = request.rtsp_address(profile, is_native=True)
    return element("tr2:GetStreamUriResponse", element("tr2:Uri", address))


def _get_snapshot_uri(request: OnvifRequest) -> Xml:
    profile = request.profile(request.argument("ProfileToken"))
    address = request.snapshot_address(profile)
    return element("tr2:GetSnapshotUriResponse", element("tr2:Uri", address))


def _configurations(kind: str) -> Action:
    """Return the action that lists the configurations of a kind, those of a profile, or one."""
    describe, start, is_of_camera = _CONFIGURATIONS[kind]

    def answer(request: OnvifRequest) -> Xml:
        token, wanted = (request.argument(f"{name}Token") for name in ("Profile", "Configuration"))
        profiles = [request.profile(token)] if token else request.profiles()
        found: dict[str, Xml | None] = {}
        for each in profiles:
            number = start + (each.source if is_of_camera else each.token)
            if wanted in ("", number) and number not in found:
                found[number] = describe(each, "tr2:Configurations")
        shown = list(filter(None, found.values()))
        if wanted and not shown:
            raise no_configuration()
        return element(f"tr2:Get{kind}ConfigurationsResponse", joined(shown))

    return answer


def _chosen(request: OnvifRequest, start: str) -> list[StreamProfile]:
    """Return the profiles that a request for options means."""
    token, wanted = (request.argument(f"{name}Token") for name in ("Profile", "Configuration"))
    profiles = [request.profile(token)] if token else request.profiles()
    found = [each for each in profiles if wanted in ("", start + each.token, start + each.source)]
    if not found:
        raise no_configuration()
    return found


def _get_encoder_options(request: OnvifRequest) -> Xml:
    return _options("VideoEncoder", map(_encoder_options, _chosen(request, ENCODER)))


def _encoder_options(each: StreamProfile) -> Xml:
    return element(
        "tr2:Options",
        element("tt:Encoding", "H265" if each.is_h265 else "H264"),
        only_value("tt:QualityRange", 5),
        size_element("tt:ResolutionsAvailable", each.size),
        only_value("tt:BitrateRange", kbits(each)),
        GovLengthRange=f"{each.rate * GROUP} {each.rate * GROUP}",
        FrameRatesSupported=each.rate,
        ProfilesSupported="Main",
        ConstantBitRateSupported=False,
    )


def _get_sound_encoder_options(request: OnvifRequest) -> Xml:
    profiles = _chosen(request, SOUND_ENCODER)
    sounds = filter(None, (each.sound(_SOUNDS) for each in profiles))
    found = (
        element(
            "tr2:Options",
            element("tt:Encoding", codec),
            element("tt:BitrateList", element("tt:Items", 64)),
            element("tt:SampleRateList", element("tt:Items", kilohertz)),
        )
        for codec, kilohertz in dict.fromkeys(sounds)
    )
    return _options("AudioEncoder", found)


def _options(kind: str, found: Iterable[Xml]) -> Xml:
    """Return the answer of ``Get…ConfigurationOptions``, in which nothing is twice."""
    return element(f"tr2:Get{kind}ConfigurationOptionsResponse", joined(dict.fromkeys(found)))


def _get_encoder_instances(request: OnvifRequest) -> Xml:
    found = [
        each
        for each in request.profiles()
        if request.argument("ConfigurationToken") == SOURCE + each.source
    ]
    if not found:
        raise no_configuration()
    codecs = ["H265" if each.is_h265 else "H264" for each in found]
    parts = [
        element(
            "tr2:Codec",
            element("tr2:Encoding", codec),
            element("tr2:Number", codecs.count(codec)),
        )
        for codec in dict.fromkeys(codecs)
    ]
    total = element("tr2:Total", len(codecs))
    return element(
        "tr2:GetVideoEncoderInstancesResponse", element("tr2:Info", joined(parts), total)
    )


def _get_service_capabilities(request: OnvifRequest) -> Xml:
    return element("tr2:GetServiceCapabilitiesResponse", service_capabilities("tr2"))


#: All actions; they need the right ``view``.
ACTIONS: dict[str, Action] = {
    "GetServiceCapabilities": _get_service_capabilities,
    "GetProfiles": _get_profiles,
    "GetStreamUri": _get_stream_uri,
    "GetSnapshotUri": _get_snapshot_uri,
    "GetVideoEncoderConfigurationOptions": _get_encoder_options,
    "GetAudioEncoderConfigurationOptions": _get_sound_encoder_options,
    "GetVideoEncoderInstances": _get_encoder_instances,
    **{f"Get{kind}Configurations": _configurations(kind) for kind in _CONFIGURATIONS},
    **{
        action: empty_answer(f"tr2:{action}Response")
        for action in (
            "GetAnalyticsConfigurations",
            "GetMetadataConfigurations",
            "GetAudioOutputConfigurations",
            "GetAudioDecoderConfigurations",
            "GetMasks",
            "GetOSDs",
        )
    },
}
