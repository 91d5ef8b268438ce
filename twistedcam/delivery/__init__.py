"""How a frame gets to those who watch: the newest, when they are ready for it, never a queue."""

from twistedcam.delivery.choose import make_outlet
from twistedcam.delivery.fps_limiter import Throttle
from twistedcam.delivery.local import Delivery, Hearing, LocalDelivery, Watching
from twistedcam.delivery.sender import Framing, Outlet
from twistedcam.delivery.sendfile_sender import SendfileOutlet
from twistedcam.delivery.subscription import Watcher
from twistedcam.delivery.tls_sender import SealedOutlet
from twistedcam.delivery.transport_sender import WriteOutlet

__all__ = [
    "Delivery",
    "Framing",
    "Hearing",
    "LocalDelivery",
    "Outlet",
    "SealedOutlet",
    "SendfileOutlet",
    "Throttle",
    "Watcher",
    "Watching",
    "WriteOutlet",
    "make_outlet",
]
