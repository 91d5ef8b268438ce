"""MQTT: the state of the cameras on a broker, commands from it, and Home Assistant's discovery."""

from twistedcam.servers.mqtt.address import Broker, parse_broker

__all__ = ["Broker", "parse_broker"]
