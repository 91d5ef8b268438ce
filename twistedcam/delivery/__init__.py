"""How a frame gets to those who watch: the newest, when they are ready for it, never a queue."""

from twistedcam.delivery.choose import choose_sender
from twistedcam.delivery.fps_limiter import FpsLimiter
from twistedcam.delivery.local import Delivery, InputHandle, LocalDelivery, SubscriptionHandle
from twistedcam.delivery.sender import Sender, Serializer
from twistedcam.delivery.sendfile_sender import SendfileSender
from twistedcam.delivery.subscription import Subscription
from twistedcam.delivery.tls_sender import TlsSender
from twistedcam.delivery.transport_sender import TransportSender

__all__ = [
    "Delivery",
    "FpsLimiter",
    "InputHandle",
    "LocalDelivery",
    "Sender",
    "SendfileSender",
    "Serializer",
    "Subscription",
    "SubscriptionHandle",
    "TlsSender",
    "TransportSender",
    "choose_sender",
]
