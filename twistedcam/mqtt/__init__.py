"""A server among many: its state on an MQTT broker, and Home Assistant's discovery."""

from twistedcam.mqtt.address import Broker, parse_broker
from twistedcam.mqtt.bridge import Bridge

__all__ = ["Bridge", "Broker", "parse_broker"]
