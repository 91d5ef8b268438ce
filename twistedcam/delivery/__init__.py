"""The delivery of frames to viewers: always the newest, without a queue."""

from twistedcam.delivery.choose import choose_sender
from twistedcam.delivery.gop_subscription import GopSubscription
from twistedcam.delivery.latest_subscription import LatestSubscription
from twistedcam.delivery.local import Delivery, InputHandle, SubscriptionHandle
from twistedcam.delivery.sender import Sender, Serializer
from twistedcam.delivery.sendfile_sender import SendfileSender
from twistedcam.delivery.sound_subscription import SoundSubscription
from twistedcam.delivery.stream_subscription import StreamSubscription
from twistedcam.delivery.subscription import FpsLimiter
from twistedcam.delivery.tls_sender import TlsSender
from twistedcam.delivery.transport_sender import TransportSender

__all__ = [
    "Delivery",
    "FpsLimiter",
    "GopSubscription",
    "InputHandle",
    "LatestSubscription",
    "Sender",
    "SendfileSender",
    "Serializer",
    "SoundSubscription",
    "StreamSubscription",
    "SubscriptionHandle",
    "TlsSender",
    "TransportSender",
    "choose_sender",
]
