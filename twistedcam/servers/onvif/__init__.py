"""ONVIF: the server as a device of Profile S, so that recorders add its cameras."""

from twistedcam.servers.onvif.discovery import WsDiscovery as WsDiscovery
from twistedcam.servers.onvif.endpoint import add_onvif_routes as add_onvif_routes
