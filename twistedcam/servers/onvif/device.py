"""The device service of ONVIF (devicemgmt.wsdl): the server itself."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from twistedcam.onvif.soap import NAMESPACES, SoapFault
from twistedcam.onvif.ws_discovery import scope
from twistedcam.onvif.xml import Xml, element, joined
from twistedcam.servers.onvif.pull_points import MAX_SUBSCRIPTIONS
from twistedcam.servers.onvif.request import Action, OnvifRequest
from twistedcam.version import __version__

#: The version of ONVIF that the services follow.
_MAJOR, _MINOR = 2, 60
#: The services, by the prefix of their namespace: the first part of their path.
SERVICES = {
    "tds": "device",
    "trt": "media",
    "tr2": "media2",
    "tev": "events",
    "tptz": "ptz",
}


def scopes(host: str, *, has_ptz: bool) -> tuple[str, ...]:
    """Return the scopes of this server, which everybody in the network may see."""
    types = [scope("type", "video_encoder"), scope("type", "audio_encoder")]
    if has_ptz:
        types.append(scope("type", "ptz"))
    return (
        *types,
        scope("Profile", "Streaming"),
        scope("hardware", "twistedcam"),
        scope("name", f"twistedcam on {host}"),
    )


def _host() -> str:
    return socket.gethostname().partition(".")[0] or "localhost"


def _get_system_date_and_time(request: OnvifRequest) -> Xml:
    now = datetime.now(UTC)
    zone = time.strftime("%Z") or "UTC"
    parts = (
        element(
            "tt:Time",
            element("tt:Hour", now.hour),
            element("tt:Minute", now.minute),
            element("tt:Second", now.second),
        ),
        element(
            "tt:Date",
            element("tt:Year", now.year),
            element("tt:Month", now.month),
            element("tt:Day", now.day),
        ),
    )
    return element(
        "tds:GetSystemDateAndTimeResponse",
        element(
            "tds:SystemDateAndTime",
            element("tt:DateTimeType", "NTP"),
            element("tt:DaylightSavings", False),
            element("tt:TimeZone", element("tt:TZ", zone)),
            element("tt:UTCDateTime", *parts),
        ),
    )


def _get_device_information(request: OnvifRequest) -> Xml:
    return element(
        "tds:GetDeviceInformationResponse",
        element("tds:Manufacturer", "twistedcam"),
        element("tds:Model", "twistedcam"),
        element("tds:FirmwareVersion", __version__),
        element("tds:SerialNumber", request.device_id),
        element("tds:HardwareId", "twistedcam"),
    )


def _get_capabilities(request: OnvifRequest) -> Xml:
    wanted = request.argument("Category") or "All"
    found = {
        "Device": element(
            "tt:Device",
            element("tt:XAddr", request.service("device")),
            element("tt:Network", *_flags("IPFilter ZeroConfiguration IPVersion6 DynDNS")),
            element(
                "tt:System",
                *_flags(
                    "DiscoveryResolve DiscoveryBye RemoteDiscovery SystemBackup SystemLogging "
                    "FirmwareUpgrade",
                    {"DiscoveryResolve", "DiscoveryBye"},
                ),
                element(
                    "tt:SupportedVersions",
                    element("tt:Major", _MAJOR),
                    element("tt:Minor", _MINOR),
                ),
            ),
            element("tt:IO", element("tt:InputConnectors", 0), element("tt:RelayOutputs", 0)),
            element(
                "tt:Security",
                *_flags(
                    "TLS1.1 TLS1.2 OnboardKeyGeneration AccessPolicyConfig X.509Token SAMLToken "
                    "KerberosToken RELToken",
                    {"TLS1.2"} if request.http.isSecure() else set(),
                ),
            ),
        ),
        "Events": element(
            "tt:Events",
            element("tt:XAddr", request.service("events")),
            *_flags(
                "WSSubscriptionPolicySupport WSPullPointSupport "
                "WSPausableSubscriptionManagerInterfaceSupport",
                {"WSPullPointSupport"},
            ),
        ),
        "Media": element(
            "tt:Media",
            element("tt:XAddr", request.service("media")),
            element(
                "tt:StreamingCapabilities",
                *_flags("RTPMulticast RTP_TCP RTP_RTSP_TCP", {"RTP_TCP", "RTP_RTSP_TCP"}),
            ),
        ),
    }
    if request.has_ptz:
        found["PTZ"] = element("tt:PTZ", element("tt:XAddr", request.service("ptz")))
    if wanted not in ("All", *found):
        raise SoapFault(
            f"this server has no {wanted[:40]} service",
            "ter:ActionNotSupported",
            "ter:NoSuchService",
        )
    chosen = found.values() if wanted == "All" else [found[wanted]]
    return element("tds:GetCapabilitiesResponse", element("tds:Capabilities", joined(chosen)))


def _flags(names: str, true: Iterable[str] = ()) -> list[Xml]:
    return [element(f"tt:{name}", name in true) for name in names.split()]


def _get_services(request: OnvifRequest) -> Xml:
    with_capabilities = request.argument("IncludeCapability").lower() in ("true", "1")
    found = []
    for prefix, name in available_services(request):
        capabilities = (
            element("tds:Capabilities", service_capabilities(prefix)) if with_capabilities else None
        )
        found.append(
            element(
                "tds:Service",
                element("tds:Namespace", NAMESPACES[prefix]),
                element("tds:XAddr", request.service(name)),
                capabilities,
                element("tds:Version", element("tt:Major", _MAJOR), element("tt:Minor", _MINOR)),
            )
        )
    return element("tds:GetServicesResponse", joined(found))


def available_services(request: OnvifRequest) -> list[tuple[str, str]]:
    """Return prefix and name of the services that the server has for the client."""
    return [each for each in SERVICES.items() if each[0] != "tptz" or request.has_ptz]


def service_capabilities(prefix: str) -> Xml:
    """Return the element Capabilities of a service."""
    if prefix == "tds":
        return element(
            "tds:Capabilities",
            element(
                "tds:Network",
                IPFilter=False,
                ZeroConfiguration=False,
                IPVersion6=False,
                DynDNS=False,
                NTP=0,
            ),
            element("tds:Security", UsernameToken=True, HttpDigest=True, RELToken=False),
            element(
                "tds:System",
                DiscoveryResolve=True,
                DiscoveryBye=True,
                RemoteDiscovery=False,
                SystemBackup=False,
                FirmwareUpgrade=False,
            ),
        )
    if prefix == "trt":
        return element(
            "trt:Capabilities",
            element("trt:ProfileCapabilities", MaximumNumberOfProfiles=0),
            element(
                "trt:StreamingCapabilities", RTPMulticast=False, RTP_TCP=True, RTP_RTSP_TCP=True
            ),
            SnapshotUri=True,
            Rotation=False,
        )
    if prefix == "tr2":
        return element(
            "tr2:Capabilities",
            element(
                "tr2:ProfileCapabilities",
                MaximumNumberOfProfiles=0,
                ConfigurationsSupported="VideoSource VideoEncoder AudioSource AudioEncoder PTZ",
            ),
            element(
                "tr2:StreamingCapabilities",
                RTSPStreaming=True,
                RTPMulticast=False,
                RTP_RTSP_TCP=True,
                NonAggregateControl=False,
            ),
            SnapshotUri=True,
            Rotation=False,
        )
    if prefix == "tev":
        return element(
            "tev:Capabilities",
            WSSubscriptionPolicySupport=False,
            WSPullPointSupport=True,
            WSPausableSubscriptionManagerInterfaceSupport=False,
            MaxNotificationProducers=0,
            MaxPullPoints=MAX_SUBSCRIPTIONS,
            PersistentNotificationStorage=False,
        )
    return element("tptz:Capabilities", MoveStatus=False, StatusPosition=False)


def _get_service_capabilities(request: OnvifRequest) -> Xml:
    return element("tds:GetServiceCapabilitiesResponse", service_capabilities("tds"))


def _get_scopes(request: OnvifRequest) -> Xml:
    found = [
        element("tds:Scopes", element("tt:ScopeDef", "Fixed"), element("tt:ScopeItem", each))
        for each in scopes(_host(), has_ptz=request.has_ptz)
    ]
    return element("tds:GetScopesResponse", joined(found))


def _get_hostname(request: OnvifRequest) -> Xml:
    information = element(
        "tds:HostnameInformation", element("tt:FromDHCP", False), element("tt:Name", _host())
    )
    return element("tds:GetHostnameResponse", information)


def _get_network_interfaces(request: OnvifRequest) -> Xml:
    hardware = uuid.getnode()
    address = request.local_address
    if hardware >> 40 & 1 or address is None:
        return element("tds:GetNetworkInterfacesResponse")  # a random number is no address
    shown = ":".join(f"{byte:02x}" for byte in hardware.to_bytes(6, "big"))
    own = (
        element("tt:Manual", element("tt:Address", address), element("tt:PrefixLength", 32))
        if address.version == 4
        else None
    )
    ipv4 = element(
        "tt:IPv4",
        element("tt:Enabled", address.version == 4),
        element("tt:Config", own, element("tt:DHCP", False)),
    )
    found = element(
        "tds:NetworkInterfaces",
        element("tt:Enabled", True),
        element("tt:Info", element("tt:Name", "network"), element("tt:HwAddress", shown)),
        ipv4,
        token="network",
    )
    return element("tds:GetNetworkInterfacesResponse", found)


def _get_network_protocols(request: OnvifRequest) -> Xml:
    found = []
    port = getattr(request.http.channel.transport.getHost(), "port", 80)
    ports = [("HTTPS" if request.http.isSecure() else "HTTP", port)]
    ports += [("RTSP", each.bound_to[1]) for each in request.rtsp if each.bound_to is not None]
    for name, number in ports:
        found.append(
            element(
                "tds:NetworkProtocols",
                element("tt:Name", name),
                element("tt:Enabled", True),
                element("tt:Port", number),
            )
        )
    return element("tds:GetNetworkProtocolsResponse", joined(found))


def _get_dns(request: OnvifRequest) -> Xml:
    information = element("tds:DNSInformation", element("tt:FromDHCP", False))
    return element("tds:GetDNSResponse", information)


def _get_ntp(request: OnvifRequest) -> Xml:
    information = element("tds:NTPInformation", element("tt:FromDHCP", False))
    return element("tds:GetNTPResponse", information)


def _get_wsdl_url(request: OnvifRequest) -> Xml:
    return element("tds:GetWsdlUrlResponse", element("tds:WsdlUrl", "http://www.onvif.org/"))


def _get_endpoint_reference(request: OnvifRequest) -> Xml:
    return element(
        "tds:GetEndpointReferenceResponse", element("tds:GUID", f"urn:uuid:{request.device_id}")
    )


def _get_users(request: OnvifRequest) -> Xml:
    user = element(
        "tds:User",
        element("tt:Username", request.grant.name),
        element("tt:UserLevel", "Operator" if "control" in request.grant.rights else "User"),
    )
    return element("tds:GetUsersResponse", user)


#: The actions that need no login (ONVIF Core, access class PRE_AUTH). They tell nothing of cameras.
OPEN_ACTIONS: dict[str, Action] = {
    "GetSystemDateAndTime": _get_system_date_and_time,
    "GetCapabilities": _get_capabilities,
    "GetServices": _get_services,
    "GetServiceCapabilities": _get_service_capabilities,
    "GetWsdlUrl": _get_wsdl_url,
    "GetEndpointReference": _get_endpoint_reference,
    "GetHostname": _get_hostname,
}
#: The actions that need the right ``view``.
ACTIONS: dict[str, Action] = {
    "GetDeviceInformation": _get_device_information,
    "GetScopes": _get_scopes,
    "GetNetworkInterfaces": _get_network_interfaces,
    "GetNetworkProtocols": _get_network_protocols,
    "GetDNS": _get_dns,
    "GetNTP": _get_ntp,
    "GetUsers": _get_users,
}
