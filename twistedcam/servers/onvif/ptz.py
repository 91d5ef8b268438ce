"""The PTZ service of ONVIF (ptz.wsdl): moves cameras of this server."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from twistedcam.camera.ptz.controller import MAX_MOVE_SECONDS, PtzController
from twistedcam.camera.ptz.motors import Velocity
from twistedcam.errors import BadArgument
from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import Xml, child, element, joined
from twistedcam.servers.onvif.device import service_capabilities
from twistedcam.servers.onvif.request import Action, OnvifRequest, StreamProfile

#: Seconds of a movement for which the client says nothing else.
_USUAL_SECONDS = 5.0
_DURATION = re.compile(r"PT(?:([0-9]{1,4})M)?(?:([0-9]{1,4}(?:\.[0-9]{1,6})?)S)?")
_SPACES = "http://www.onvif.org/ver10/tptz"
_PAN_TILT = f"{_SPACES}/PanTiltSpaces/VelocityGenericSpace"
_ZOOM = f"{_SPACES}/ZoomSpaces/VelocityGenericSpace"


def controller_of(request: OnvifRequest, profile: StreamProfile) -> PtzController:
    """Return what moves the camera of a profile."""
    return request.server.channels[profile.camera.name].ptz


def ptz_configuration(request: OnvifRequest, each: StreamProfile, name: str) -> Xml | None:
    """Return the element of a profile that says that its camera can be moved, or None."""
    ptz = controller_of(request, each)
    if not ptz.is_available:
        return None
    return element(
        name,
        element("tt:Name", each.camera.name),
        element("tt:UseCount", 2),
        element("tt:NodeToken", each.source),
        element("tt:DefaultContinuousPanTiltVelocitySpace", _PAN_TILT) if _turns(ptz) else None,
        element("tt:DefaultContinuousZoomVelocitySpace", _ZOOM) if "zoom" in ptz.axes else None,
        element("tt:DefaultPTZTimeout", f"PT{_USUAL_SECONDS:g}S"),
        token=each.source,
    )


def _turns(ptz: PtzController) -> bool:
    return "pan" in ptz.axes or "tilt" in ptz.axes


def _node(request: OnvifRequest, each: StreamProfile, name: str) -> Xml:
    return element(
        name,
        element("tt:Name", each.camera.name),
        element("tt:SupportedPTZSpaces", _spaces(controller_of(request, each))),
        element("tt:MaximumNumberOfPresets", 100),
        element("tt:HomeSupported", True),
        token=each.source,
        FixedHomePosition=True,
    )


def _spaces(ptz: PtzController) -> Xml:
    """Return the ranges of velocities."""
    spaces = []
    if _turns(ptz):
        ranges = (_range("tt:XRange"), _range("tt:YRange"))
        spaces.append(
            element("tt:ContinuousPanTiltVelocitySpace", element("tt:URI", _PAN_TILT), *ranges)
        )
    if "zoom" in ptz.axes:
        spaces.append(
            element("tt:ContinuousZoomVelocitySpace", element("tt:URI", _ZOOM), _range("tt:XRange"))
        )
    return joined(spaces)


def _range(name: str) -> Xml:
    return element(name, element("tt:Min", -1), element("tt:Max", 1))


def _movable(request: OnvifRequest) -> list[StreamProfile]:
    """Return the first profile of each camera that can be moved."""
    return [each for each in request.main_profiles() if controller_of(request, each).is_available]


def _chosen(request: OnvifRequest, argument: str) -> StreamProfile:
    """Return the camera whose node or configuration is meant.

    Raises:
        SoapFault: there is none.
    """
    token = request.argument(argument)
    for each in _movable(request):
        if each.source == token:
            return each
    raise SoapFault("there is no such entity", "ter:InvalidArgVal", "ter:NoEntity")


def _get_nodes(request: OnvifRequest) -> Xml:
    found = (_node(request, each, "tptz:PTZNode") for each in _movable(request))
    return element("tptz:GetNodesResponse", joined(found))


def _get_node(request: OnvifRequest) -> Xml:
    return element(
        "tptz:GetNodeResponse", _node(request, _chosen(request, "NodeToken"), "tptz:PTZNode")
    )


def _get_configurations(request: OnvifRequest) -> Xml:
    found = (
        ptz_configuration(request, each, "tptz:PTZConfiguration") for each in _movable(request)
    )
    return element("tptz:GetConfigurationsResponse", joined(filter(None, found)))


def _get_configuration(request: OnvifRequest) -> Xml:
    each = _chosen(request, "PTZConfigurationToken")
    found = ptz_configuration(request, each, "tptz:PTZConfiguration")
    return element("tptz:GetConfigurationResponse", found)


def _get_configuration_options(request: OnvifRequest) -> Xml:
    each = _chosen(request, "ConfigurationToken")
    spaces = element("tt:Spaces", _spaces(controller_of(request, each)))
    longest = f"PT{MAX_MOVE_SECONDS:g}S"
    timeout = element("tt:PTZTimeout", element("tt:Min", "PT0.1S"), element("tt:Max", longest))
    return element(
        "tptz:GetConfigurationOptionsResponse",
        element("tptz:PTZConfigurationOptions", spaces, timeout),
    )


def _get_status(request: OnvifRequest) -> Xml:
    ptz = controller_of(request, _profile(request))
    state = "MOVING" if ptz.is_moving else "IDLE"
    moving = element("tt:MoveStatus", element("tt:PanTilt", state), element("tt:Zoom", state))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return element(
        "tptz:GetStatusResponse", element("tptz:PTZStatus", moving, element("tt:UtcTime", now))
    )


def _profile(request: OnvifRequest, *, controls: bool = False) -> StreamProfile:
    """Return the profile of a request.

    Arguments:
        controls: True if the camera is to be moved.

    Raises:
        SoapFault: there is no such profile, or its camera cannot be moved.
        Forbidden: the token does not have the right.
    """
    if controls:
        request.grant.require_right("control")
    found = request.profile(request.argument("ProfileToken"))
    if not controller_of(request, found).is_available:
        raise SoapFault("this camera cannot be moved", "ter:InvalidArgVal", "ter:NoPTZProfile")
    return found


def _to_move(request: OnvifRequest) -> PtzController:
    return controller_of(request, _profile(request, controls=True))


async def _continuous_move(request: OnvifRequest) -> Xml:
    pan_tilt = child(request.body, "Velocity", "PanTilt")
    pan, tilt = _share(pan_tilt, "x"), _share(pan_tilt, "y")
    zoom = _share(child(request.body, "Velocity", "Zoom"), "x")
    ptz = _to_move(request)
    if not (pan or tilt or zoom):
        await ptz.stop()
    else:
        await ptz.move(Velocity(pan, tilt, zoom), _seconds(request.argument("Timeout")))
    return element("tptz:ContinuousMoveResponse")


def _share(found: Element | None, name: str) -> float:
    try:
        value = 0.0 if found is None else float(found.get(name, "0"))
    except ValueError:
        value = 2.0
    if not -1 <= value <= 1:
        raise SoapFault("a velocity is from -1 to 1", "ter:InvalidArgVal", "ter:InvalidVelocity")
    return value


def _seconds(text: str) -> float:
    found = _DURATION.fullmatch(text)
    if found is None:
        return _USUAL_SECONDS
    seconds = 60 * int(found[1] or 0) + float(found[2] or 0)
    return min(seconds or _USUAL_SECONDS, MAX_MOVE_SECONDS)


async def _stop(request: OnvifRequest) -> Xml:
    await _to_move(request).stop()
    return element("tptz:StopResponse")


async def _go_home(request: OnvifRequest) -> Xml:
    await _to_move(request).home()
    return element("tptz:GotoHomePositionResponse")


async def _get_presets(request: OnvifRequest) -> Xml:
    names = await controller_of(request, _profile(request)).presets()
    found = (element("tptz:Preset", element("tt:Name", name), token=name) for name in names)
    return element("tptz:GetPresetsResponse", joined(found))


async def _go_to_preset(request: OnvifRequest) -> Xml:
    try:
        await _to_move(request).go_to(request.argument("PresetToken"))
    except BadArgument as error:
        raise SoapFault(str(error), "ter:InvalidArgVal", "ter:NoToken") from None
    return element("tptz:GotoPresetResponse")


async def _set_preset(request: OnvifRequest) -> Xml:
    ptz = _to_move(request)
    name = request.argument("PresetName") or request.argument("PresetToken")
    if not name:
        taken = set(await ptz.presets())
        name = next(f"Preset {n}" for n in range(1, 1000) if f"Preset {n}" not in taken)
    await ptz.save(name)
    return element("tptz:SetPresetResponse", element("tptz:PresetToken", name))


async def _remove_preset(request: OnvifRequest) -> Xml:
    try:
        await _to_move(request).delete(request.argument("PresetToken"))
    except BadArgument as error:
        raise SoapFault(str(error), "ter:InvalidArgVal", "ter:NoToken") from None
    return element("tptz:RemovePresetResponse")


def _get_service_capabilities(request: OnvifRequest) -> Xml:
    return element("tptz:GetServiceCapabilitiesResponse", service_capabilities("tptz"))


#: All actions; they need the right ``view``, and those that move the right ``control``.
ACTIONS: dict[str, Action] = {
    "GetServiceCapabilities": _get_service_capabilities,
    "GetNodes": _get_nodes,
    "GetNode": _get_node,
    "GetConfigurations": _get_configurations,
    "GetConfiguration": _get_configuration,
    "GetConfigurationOptions": _get_configuration_options,
    "GetStatus": _get_status,
    "ContinuousMove": _continuous_move,
    "Stop": _stop,
    "GotoHomePosition": _go_home,
    "GetPresets": _get_presets,
    "GotoPreset": _go_to_preset,
    "SetPreset": _set_preset,
    "RemovePreset": _remove_preset,
}
