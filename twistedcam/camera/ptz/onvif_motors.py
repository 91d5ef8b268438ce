"""Moves a camera by its PTZ service of ONVIF (ptz.wsdl)."""

from __future__ import annotations

from twistedcam.camera.ptz.motors import Velocity, no_preset
from twistedcam.errors import BadArgument
from twistedcam.onvif.xml import children, element, text
from twistedcam.sources.onvif.address import OnvifAddress
from twistedcam.sources.onvif.device import OnvifDevice
from twistedcam.sources.onvif.profiles import OnvifProfile


class OnvifMotors:
    """Moves a camera (motors.Motors).

    Arguments:
        device: the camera.
        profile: the token of one of its profiles.
    """

    is_stepwise = False
    axes = ("pan", "tilt", "zoom")

    def __init__(self, device: OnvifDevice, profile: str) -> None:
        self._device = device
        self._profile = element("tptz:ProfileToken", profile)

    @classmethod
    def find(cls, address: OnvifAddress, verify: bool) -> OnvifMotors | None:
        """Return the motors of a camera, or None if it has none.

        Raises:
            CameraFailed, LoginRefused: it does not answer, or refuses.
        """
        device = OnvifDevice(address, verify)
        found: list[OnvifProfile] = []
        try:
            if device.has_service("PTZ"):
                found = [each for each in (device.profile(), *device.profiles()) if each.has_ptz]
        finally:
            if not found:
                device.close()
        return cls(device, found[0].token) if found else None

    def move(self, velocity: Velocity, seconds: float) -> None:
        """Begin to move; the camera stops by itself after these seconds."""
        pan = tilt = zoom = None
        if velocity.pan or velocity.tilt:
            pan, tilt = velocity.pan, velocity.tilt
        if velocity.zoom:
            zoom = velocity.zoom
        speeds = (
            None if pan is None else element("tt:PanTilt", x=pan, y=tilt),
            None if zoom is None else element("tt:Zoom", x=zoom),
        )
        timeout = element("tptz:Timeout", f"PT{seconds:g}S")
        self._call("ContinuousMove", element("tptz:Velocity", *speeds), timeout)

    def stop(self) -> None:
        """Stop all movement."""
        self._call("Stop", element("tptz:PanTilt", True), element("tptz:Zoom", True))

    def home(self) -> None:
        """Move to the camera's home position."""
        self._call("GotoHomePosition")

    def presets(self) -> list[str]:
        """Return the names of the saved positions."""
        return list(self._presets())

    def go_to(self, name: str) -> None:
        """Move to a saved position."""
        self._call("GotoPreset", element("tptz:PresetToken", self._token(name)))

    def save(self, name: str) -> None:
        """Save the current position; one of the same name is replaced."""
        token = self._presets().get(name)
        replaced = None if token is None else element("tptz:PresetToken", token)
        self._call("SetPreset", element("tptz:PresetName", name), replaced)

    def delete(self, name: str) -> None:
        """Delete a saved position."""
        self._call("RemovePreset", element("tptz:PresetToken", self._token(name)))

    def close(self) -> None:
        """Close the connection."""
        self._device.close()

    def _presets(self) -> dict[str, str]:
        """Return the tokens of the presets by name. One without a name has its token as name."""
        answer = self._device.call("PTZ", element("tptz:GetPresets", self._profile))
        found: dict[str, str] = {}
        for each in children(answer, "Preset"):
            token = each.get("token") or ""
            if token:
                found.setdefault(text(each, "Name") or token, token)
        return found

    def _token(self, name: str) -> str:
        found = self._presets()
        token = found.get(name) or next((each for each in found.values() if each == name), None)
        if token is None:
            raise BadArgument(no_preset(name, list(found)))
        return token

    def _call(self, action: str, *content: object) -> None:
        self._device.call("PTZ", element(f"tptz:{action}", self._profile, *content))
