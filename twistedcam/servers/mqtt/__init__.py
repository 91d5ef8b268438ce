"""MQTT: the state of the cameras on a broker, commands from it, and Home Assistant's discovery."""

from twistedcam.servers.mqtt.address import Broker, parse_broker
from twistedcam.servers.mqtt.bridge import Bridge

__all__ = ["Bridge", "Broker", "parse_broker"]
