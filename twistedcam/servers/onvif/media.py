"""The media service of ONVIF (media.wsdl): profiles, and the addresses of their video."""

from __future__ import annotations

from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import Xml, element, joined
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

#: Seconds of a session of RTSP.
_SESSION = "PT60S"
#: The names of the codecs of sound.
_SOUNDS = {"aac": "AAC", "pcm_alaw": "G711", "pcm_mulaw": "G711"}


def _profile(request: OnvifRequest, each: StreamProfile, name: str = "trt:Profiles") -> Xml:
    return element(
        name,
        element("tt:Name", each.name),
        source_configuration(each, "tt:VideoSourceConfiguration"),
        _sound_source_configuration(each, "tt:AudioSourceConfiguration"),
        _encoder_configuration(each, "tt:VideoEncoderConfiguration"),
        _sound_encoder_configuration(each, "tt:AudioEncoderConfiguration"),
        ptz_configuration(request, each, "tt:PTZConfiguration"),
        token=each.token,
        fixed=True,
    )


def _sound_source_configuration(each: StreamProfile, name: str) -> Xml | None:
    return None if each.sound(_SOUNDS) is None else sound_source_configuration(each, name)


def _encoder_configuration(each: StreamProfile, name: str) -> Xml:
    return element(
        name,
        element("tt:Name", each.name),
        element("tt:UseCount", 1),
        element("tt:Encoding", "H264"),
        size_element("tt:Resolution", each.size),
        element("tt:Quality", 5),
        element(
            "tt:RateControl",
            element("tt:FrameRateLimit", each.rate),
            element("tt:EncodingInterval", 1),
            element("tt:BitrateLimit", kbits(each)),
        ),
        element(
            "tt:H264",
            element("tt:GovLength", each.rate * GROUP),
            element("tt:H264Profile", "Main"),
        ),
        multicast(),
        element("tt:SessionTimeout", _SESSION),
        token=ENCODER + each.token,
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
        element("tt:Bitrate", 64),
        element("tt:SampleRate", kilohertz),
        multicast(),
        element("tt:SessionTimeout", _SESSION),
        token=SOUND_ENCODER + each.source,
    )


def _get_profiles(request: OnvifRequest) -> Xml:
    found = (_profile(request, each) for each in request.profiles())
    return element("trt:GetProfilesResponse", joined(found))


def _get_profile(request: OnvifRequest) -> Xml:
    found = request.profile(request.argument("ProfileToken"))
    return element("trt:GetProfileResponse", _profile(request, found, "trt:Profile"))


def _get_stream_uri(request: OnvifRequest) -> Xml:
    profile = request.profile(request.argument("ProfileToken"))
    reason = ""
    if request.argument("StreamSetup", "Stream") == "RTP-Multicast":
        reason = "there is no multicast"
    elif request.argument("StreamSetup", "Transport", "Protocol") == "HTTP":
        reason = "there is no RTSP over HTTP: use the protocol RTSP or UDP"
    if reason:
        raise SoapFault(reason, "ter:InvalidArgVal", "ter:InvalidStreamSetup")
    return _uri("GetStreamUri", request.rtsp_address(profile))


def _get_snapshot_uri(request: OnvifRequest) -> Xml:
    profile = request.profile(request.argument("ProfileToken"))
    return _uri("GetSnapshotUri", request.snapshot_address(profile))


def _uri(action: str, address: str) -> Xml:
    return element(
        f"trt:{action}Response",
        element(
            "trt:MediaUri",
            element("tt:Uri", address),
            element("tt:InvalidAfterConnect", False),
            element("tt:InvalidAfterReboot", False),
            element("tt:Timeout", "PT0S"),
        ),
    )


def _get_video_sources(request: OnvifRequest) -> Xml:
    found = [
        element(
            "trt:VideoSources",
            element("tt:Framerate", each.rate),
            size_element("tt:Resolution", each.camera_size),
            token=each.source,
        )
        for each in request.main_profiles()
    ]
    return element("trt:GetVideoSourcesResponse", joined(found))


def _get_audio_sources(request: OnvifRequest) -> Xml:
    found = [
        element("trt:AudioSources", element("tt:Channels", 1), token=each.source)
        for each in request.main_profiles()
        if each.sound(_SOUNDS) is not None
    ]
    return element("trt:GetAudioSourcesResponse", joined(found))


def _list_of(name: str, describe: Describe, *, is_of_camera: bool) -> Action:
    """Return the action that lists configurations: ``GetVideoSourceConfigurations``."""

    def answer(request: OnvifRequest) -> Xml:
        profiles = request.main_profiles() if is_of_camera else request.profiles()
        found = (describe(each, "trt:Configurations") for each in profiles)
        return element(f"trt:{name}sResponse", joined(filter(None, found)))

    return answer


def _one_of(name: str, describe: Describe, start: str, *, is_of_camera: bool) -> Action:
    """Return the action that describes one configuration: ``GetVideoSourceConfiguration``."""

    def answer(request: OnvifRequest) -> Xml:
        token = request.argument("ConfigurationToken")
        for each in request.main_profiles() if is_of_camera else request.profiles():
            found = describe(each, "trt:Configuration")
            if token == start + (each.source if is_of_camera else each.token) and found is not None:
                return element(f"trt:{name}Response", found)
        raise no_configuration()

    return answer


def _compatible(name: str, describe: Describe) -> Action:
    """Return the action that lists the configurations that a profile can have: its own."""

    def answer(request: OnvifRequest) -> Xml:
        profile = request.profile(request.argument("ProfileToken"))
        found = describe(profile, "trt:Configurations")
        return element(f"trt:{name}Response", found)

    return answer


def _get_encoder_options(request: OnvifRequest) -> Xml:
    profile = _chosen(request)
    h264 = element(
        "tt:H264",
        size_element("tt:ResolutionsAvailable", profile.size),
        only_value("tt:GovLengthRange", profile.rate * GROUP),
        only_value("tt:FrameRateRange", profile.rate),
        only_value("tt:EncodingIntervalRange", 1),
        element("tt:H264ProfilesSupported", "Main"),
    )
    options = element("trt:Options", only_value("tt:QualityRange", 5), h264)
    return element("trt:GetVideoEncoderConfigurationOptionsResponse", options)


def _get_source_options(request: OnvifRequest) -> Xml:
    profile = _chosen(request)
    width, height = profile.camera_size
    bounds = element(
        "tt:BoundsRange",
        only_value("tt:XRange", 0),
        only_value("tt:YRange", 0),
        only_value("tt:WidthRange", width),
        only_value("tt:HeightRange", height),
    )
    options = element(
        "trt:Options", bounds, element("tt:VideoSourceTokensAvailable", profile.source)
    )
    return element("trt:GetVideoSourceConfigurationOptionsResponse", options)


def _chosen(request: OnvifRequest) -> StreamProfile:
    """Return the profile that a request for options means; without one the first."""
    token, configuration = request.argument("ProfileToken"), request.argument("ConfigurationToken")
    if token:
        return request.profile(token)
    for each in request.profiles():
        if configuration in ("", ENCODER + each.token, SOURCE + each.source):
            return each
    raise no_configuration()


def _get_sound_encoder_options(request: OnvifRequest) -> Xml:
    sounds = filter(None, (each.sound(_SOUNDS) for each in request.main_profiles()))
    found = [
        element(
            "tt:Options",
            element("tt:Encoding", codec),
            element("tt:BitrateList", element("tt:Items", 64)),
            element("tt:SampleRateList", element("tt:Items", kilohertz)),
        )
        for codec, kilohertz in dict.fromkeys(sounds)
    ]
    return element(
        "trt:GetAudioEncoderConfigurationOptionsResponse", element("trt:Options", joined(found))
    )


def _get_guaranteed_encoders(request: OnvifRequest) -> Xml:
    return element(
        "trt:GetGuaranteedNumberOfVideoEncoderInstancesResponse",
        element("trt:TotalNumber", 2),
        element("trt:H264", 2),
    )


def _get_service_capabilities(request: OnvifRequest) -> Xml:
    return element("trt:GetServiceCapabilitiesResponse", service_capabilities("trt"))


_CONFIGURATIONS: list[tuple[str, Describe, str, bool]] = [
    ("VideoSourceConfiguration", source_configuration, SOURCE, True),
    ("VideoEncoderConfiguration", _encoder_configuration, ENCODER, False),
    ("AudioSourceConfiguration", _sound_source_configuration, SOUND_SOURCE, True),
    ("AudioEncoderConfiguration", _sound_encoder_configuration, SOUND_ENCODER, True),
]
#: All actions; they need the right ``view``.
ACTIONS: dict[str, Action] = {
    "GetServiceCapabilities": _get_service_capabilities,
    "GetProfiles": _get_profiles,
    "GetProfile": _get_profile,
    "GetStreamUri": _get_stream_uri,
    "GetSnapshotUri": _get_snapshot_uri,
    "GetVideoSources": _get_video_sources,
    "GetAudioSources": _get_audio_sources,
    "GetVideoEncoderConfigurationOptions": _get_encoder_options,
    "GetVideoSourceConfigurationOptions": _get_source_options,
    "GetAudioEncoderConfigurationOptions": _get_sound_encoder_options,
    "GetGuaranteedNumberOfVideoEncoderInstances": _get_guaranteed_encoders,
    **{
        f"Get{name}s": _list_of(f"Get{name}", describe, is_of_camera=is_of_camera)
        for name, describe, _, is_of_camera in _CONFIGURATIONS
    },
    **{
        f"Get{name}": _one_of(f"Get{name}", describe, start, is_of_camera=is_of_camera)
        for name, describe, start, is_of_camera in _CONFIGURATIONS
    },
    **{
        f"GetCompatible{name}s": _compatible(f"GetCompatible{name}s", describe)
        for name, describe, _, _ in _CONFIGURATIONS
    },
    **{
        action: empty_answer(f"trt:{action}Response")
        for action in (
            "GetMetadataConfigurations",
            "GetVideoAnalyticsConfigurations",
            "GetAudioOutputs",
            "GetAudioOutputConfigurations",
            "GetAudioDecoderConfigurations",
        )
    },
}
