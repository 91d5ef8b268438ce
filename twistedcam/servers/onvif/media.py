"""The media service of ONVIF (media.wsdl): profiles, and the addresses of their video."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import Xml, element, joined
from twistedcam.servers.onvif.configurations import (
    ENCODER,
    GROUP,
    SOUND_ENCODER,
    SOUND_SOURCE,
    SOURCE,
    kbits,
    multicast,
    sound_source_configuration,
    source_configuration,
)
from twistedcam.servers.onvif.device import service_capabilities
from twistedcam.servers.onvif.ptz import ptz_configuration
from twistedcam.servers.onvif.request import Action, OnvifRequest, StreamProfile

#: Seconds of a session of RTSP.
_SESSION = "PT60S"


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
    return None if each.sound is None else sound_source_configuration(each, name)


def _encoder_configuration(each: StreamProfile, name: str) -> Xml:
    width, height = each.size
    return element(
        name,
        element("tt:Name", each.name),
        element("tt:UseCount", 1),
        element("tt:Encoding", "H264"),
        element("tt:Resolution", element("tt:Width", width), element("tt:Height", height)),
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
    if each.sound is None:
        return None
    codec, rate = each.sound
    return element(
        name,
        element("tt:Name", each.camera.name),
        element("tt:UseCount", 2),
        element("tt:Encoding", codec),
        element("tt:Bitrate", 64),
        element("tt:SampleRate", max(1, rate // 1000)),
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
    return _uri("GetSnapshotUri", f"{request.base}/snapshot/{quote(profile.source)}")


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
    found = []
    for each in request.main_profiles():
        width, height = each.camera_size
        found.append(
            element(
                "trt:VideoSources",
                element("tt:Framerate", each.rate),
                element("tt:Resolution", element("tt:Width", width), element("tt:Height", height)),
                token=each.source,
            )
        )
    return element("trt:GetVideoSourcesResponse", joined(found))


def _get_audio_sources(request: OnvifRequest) -> Xml:
    found = [
        element("trt:AudioSources", element("tt:Channels", 1), token=each.source)
        for each in request.main_profiles()
        if each.sound is not None
    ]
    return element("trt:GetAudioSourcesResponse", joined(found))


Describe = Callable[[StreamProfile, str], Xml | None]


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
        raise SoapFault("there is no such configuration", "ter:InvalidArgVal", "ter:NoConfig")

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
    width, height = profile.size
    one = joined([element("tt:Min", 1), element("tt:Max", 1)])
    rates = joined([element("tt:Min", profile.rate), element("tt:Max", profile.rate)])
    group = profile.rate * GROUP
    h264 = element(
        "tt:H264",
        element(
            "tt:ResolutionsAvailable", element("tt:Width", width), element("tt:Height", height)
        ),
        element("tt:GovLengthRange", element("tt:Min", group), element("tt:Max", group)),
        element("tt:FrameRateRange", rates),
        element("tt:EncodingIntervalRange", one),
        element("tt:H264ProfilesSupported", "Main"),
    )
    quality = element("tt:QualityRange", element("tt:Min", 5), element("tt:Max", 5))
    return element(
        "trt:GetVideoEncoderConfigurationOptionsResponse", element("trt:Options", quality, h264)
    )


def _get_source_options(request: OnvifRequest) -> Xml:
    profile = _chosen(request)
    width, height = profile.camera_size
    zero = joined([element("tt:Min", 0), element("tt:Max", 0)])
    bounds = element(
        "tt:BoundsRange",
        element("tt:XRange", zero),
        element("tt:YRange", zero),
        element("tt:WidthRange", element("tt:Min", width), element("tt:Max", width)),
        element("tt:HeightRange", element("tt:Min", height), element("tt:Max", height)),
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
    raise SoapFault("there is no such configuration", "ter:InvalidArgVal", "ter:NoConfig")


def _get_sound_encoder_options(request: OnvifRequest) -> Xml:
    sounds = [each.sound for each in request.main_profiles() if each.sound is not None]
    found = [
        element(
            "tt:Options",
            element("tt:Encoding", codec),
            element("tt:BitrateList", element("tt:Items", 64)),
            element("tt:SampleRateList", element("tt:Items", max(1, rate // 1000))),
        )
        for codec, rate in dict.fromkeys(sounds)
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


def _nothing(action: str) -> Action:
    return lambda request: element(f"trt:{action}Response")


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
        action: _nothing(action)
        for action in (
            "GetMetadataConfigurations",
            "GetVideoAnalyticsConfigurations",
            "GetAudioOutputs",
            "GetAudioOutputConfigurations",
            "GetAudioDecoderConfigurations",
        )
    },
}
