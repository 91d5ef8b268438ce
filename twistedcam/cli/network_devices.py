"""Finds twistedcam servers and ONVIF cameras in the local network, for ``devices --network``."""

from __future__ import annotations

import argparse
import json
import re
import select
import socket
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote, urlsplit

from twistedcam.errors import CameraFailed, LoginRefused, TwistedcamError
from twistedcam.net.addresses import parse_ip
from twistedcam.net.interfaces import (
    InterfaceAddress,
    interface_addresses,
    missing_library,
    neighbour_of,
)
from twistedcam.onvif.ws_discovery import (
    GROUP,
    MAX_MESSAGE,
    PORT,
    TYPES,
    FoundDevice,
    new_id,
    parse_devices,
    probe,
)
from twistedcam.onvif.xml import XmlError
from twistedcam.sources.onvif.address import DEVICE_PATH, OnvifAddress
from twistedcam.sources.onvif.device import OnvifDevice
from twistedcam.sources.onvif.profiles import main_profiles

#: Seconds to wait for answers, and for the answers of one camera to further questions.
SECONDS, QUESTION_SECONDS = 3.0, 3.0
#: The most devices that are listed, and the most that are asked at the same time.
_MAX_DEVICES, _AT_ONCE = 200, 16
#: The most cameras of one recorder that are listed.
_MAX_CAMERAS = 20
_TYPE = "_twistedcam._tcp.local."
#: Characters of a device's text and of its address that are shown.
_MAX_TEXT, _MAX_URL = 100, 300


def run(arguments: argparse.Namespace) -> int:
    """List the servers and cameras.

    Raises:
        CameraFailed: none has answered.
    """
    found = find_network_devices()
    if find_spec("zeroconf") is None:
        print(f"twistedcam: {missing_library('finding other servers')}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    if not found:
        raise CameraFailed("no server and no camera has answered in the local network")
    print("\n\n".join(map(show_network_device, found)))
    return 0


def find_network_devices(seconds: float = SECONDS, port: int = PORT) -> list[dict[str, Any]]:
    """Return the servers and cameras that answer.

    Only multicast questions are sent, on the interfaces of this machine, and questions without a
    login to cameras that have answered from a network of one of these interfaces.

    Arguments:
        seconds: to wait for answers.
        port: UDP port of WS-Discovery.
    """
    found = [each for each in interface_addresses() if each.ip.version == 4]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        servers = pool.submit(_find_servers, found, seconds)
        devices = _probe(found, seconds, port)
        cameras = list(pool.map(lambda each: _ask(*each), devices))
        return [*servers.result(), *cameras]


def _find_servers(interfaces: Iterable[InterfaceAddress], seconds: float) -> list[dict[str, Any]]:
    """Find servers by DNS-SD; none without the extra ``discovery``."""
    try:
        import zeroconf as library
    except ImportError:
        return []
    addresses = [each.text for each in interfaces]
    if not addresses:
        return []
    names: set[str] = set()

    class Listener(library.ServiceListener):  # type: ignore[misc, name-defined, unused-ignore]
        def add_service(self, zc: Any, type_: str, name: str) -> None:
            names.add(name)

        def update_service(self, zc: Any, type_: str, name: str) -> None:
            names.add(name)

        def remove_service(self, zc: Any, type_: str, name: str) -> None:
            names.discard(name)

    try:
        zeroconf = library.Zeroconf(addresses, ip_version=library.IPVersion.V4Only)
    except OSError:
        return []  # no interface has multicast
    try:
        library.ServiceBrowser(zeroconf, _TYPE, Listener())
        time.sleep(seconds)
        found = []
        for name in sorted(names)[:_MAX_DEVICES]:
            info = zeroconf.get_service_info(_TYPE, name, 1000)
            if info is not None and info.parsed_addresses():
                found.append(_server(name.removesuffix(f".{_TYPE}"), info))
        return found
    finally:
        zeroconf.close()


def _server(name: str, info: Any) -> dict[str, Any]:
    properties = {
        key.decode(errors="replace"): (value or b"").decode(errors="replace")
        for key, value in info.properties.items()
    }
    address = info.parsed_addresses()[0]
    host = f"[{address}]" if ":" in address else address
    scheme = "twistedcams" if properties.get("tls") else "twistedcam"
    login = "x:TOKEN@" if properties.get("token") else ""
    cameras = [each for each in properties.get("cameras", "").split(",") if each] or ["CAMERA"]
    base = f"{scheme}://{login}{host}:{info.port}"
    return {
        "kind": "twistedcam",
        "name": clean(name),
        "address": clean(address),
        "sources": [f"{base}/{quote(clean(each))}" for each in cameras],
        "needs_login": bool(login),
        "problem": None,
    }


def _probe(
    found: list[InterfaceAddress], seconds: float, port: int
) -> list[tuple[FoundDevice, str]]:
    """Find cameras by WS-Discovery: each with the address at which it is reached."""
    sockets: list[socket.socket] = []
    ids: set[str] = set()
    devices: dict[str, tuple[FoundDevice, str]] = {}
    try:
        for each in found:
            with suppress(OSError):
                opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sockets.append(opened)
                opened.bind((each.text, 0))
                own = socket.inet_aton(each.text)
                opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
                opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
                for kind in TYPES:  # a device answers if it has all types of a question
                    message_id = new_id()
                    ids.add(message_id)
                    opened.sendto(probe(message_id, [kind]), (GROUP, port))
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and sockets:
            for ready in select.select(sockets, [], [], left)[0]:
                data, source = ready.recvfrom(MAX_MESSAGE)
                _note(data, source[0], ids, found, devices)
    finally:
        for opened in sockets:
            opened.close()
    return list(devices.values())


def _note(
    data: bytes,
    source: str,
    ids: set[str],
    found: list[InterfaceAddress],
    devices: dict[str, tuple[FoundDevice, str]],
) -> None:
    """Note a device that has answered from a network of this machine."""
    ip = parse_ip(source)
    if ip is None or neighbour_of(found, ip) is None:
        return
    with suppress(XmlError):
        for each in (device for message in ids for device in parse_devices(data, message)):
            address, key = _reachable(each, source), each.id or source
            # A server of this machine answers on the loopback interface, too.
            if (
                address
                and len(devices) < _MAX_DEVICES
                and (key not in devices or not ip.is_loopback)
            ):
                devices[key] = (each, address)


def _reachable(device: FoundDevice, source: str) -> str | None:
    """Return the address of the device's service that is at the source of its answer."""
    own = None
    for address in device.addresses[:20]:
        with suppress(ValueError):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
                continue
            # The text before the host may be anything, and is shown as a part of a command.
            netloc = f"{source}:{parts.port}" if parts.port else source
            reached = parts._replace(netloc=netloc).geturl()
            if parts.hostname == source:
                return reached
            if own is None:  # of another network of the device: the port and the path are right
                own = reached
    return own


def _ask(device: FoundDevice, address: str) -> dict[str, Any]:
    """Describe a camera, with what it says without a login."""
    parts = urlsplit(address)
    scheme = "onvifs" if parts.scheme == "https" else "onvif"
    path = parts.path or DEVICE_PATH
    end = "" if path == DEVICE_PATH else f"#path={quote(clean(path))}"
    name = device.scope("name") or device.scope("hardware") or parts.netloc
    item: dict[str, Any] = {
        "kind": "onvif",
        "name": clean(name),
        "address": clean(address, _MAX_URL),
        "sources": [f"{scheme}://USER:PASSWORD@{parts.netloc}{end}"],
        "needs_login": True,
        "problem": None,
    }
    onvif = OnvifDevice(
        OnvifAddress.parse(f"{scheme}://{parts.netloc}", path),
        verify=False,
        timeout=QUESTION_SECONDS,
    )
    try:
        cameras = main_profiles(onvif.profiles())[:_MAX_CAMERAS]
        for each in cameras[:1]:
            onvif.stream_url(each)  # fails if it has no address for video
        found = [onvif.address.source(each.token, {}).text for each in cameras]
        item["sources"] = [clean(each, _MAX_URL) for each in found] or item["sources"]
        item["needs_login"] = False
    except LoginRefused:
        pass
    except (TwistedcamError, ValueError) as error:
        item["problem"] = clean(str(error))
    finally:
        onvif.close()
    return item


def clean(text: str, most: int = _MAX_TEXT) -> str:
    """Return a device's text for a terminal and a command line: printable, and not too long.

    Arguments:
        most: the number of characters at most.
    """
    text = re.sub(r"['\"`$\\]", "", text)
    return "".join(each for each in text if each.isprintable())[:most].strip()


def show_network_device(device: dict[str, Any]) -> str:
    """Return the lines about a device."""
    kind = "twistedcam server" if device["kind"] == "twistedcam" else "ONVIF camera"
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", device["name"]).strip("-").lower()[:30] or "door"
    lines = [f"{device['name']}  {kind} at {device['address']}"]
    for number, source in enumerate(device["sources"], 1):
        name = word if number == 1 else f"{word}-{number}"
        lines.append(f"  --camera {name}='{source}'")
    if device["problem"]:
        lines.append(f"  problem  {device['problem']}")
    return "\n".join(lines)
