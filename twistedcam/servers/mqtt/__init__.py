"""A server among many: its state on an MQTT broker, and Home Assistant's discovery."""

from twistedcam.servers.mqtt.address import Broker, parse_broker
from twistedcam.servers.mqtt.bridge import Bridge

__all__ = ["Bridge", "Broker", "parse_broker"]
