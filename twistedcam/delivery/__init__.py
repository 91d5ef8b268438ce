"""How a frame gets to those who watch: the newest, when they are ready for it, never a queue."""

from twistedcam.delivery.choose import make_outlet
from twistedcam.delivery.local import Delivery, Hearing, LocalDelivery, Watching
from twistedcam.delivery.outlet import Framing, Outlet
from twistedcam.delivery.sealed import SealedOutlet
from twistedcam.delivery.sendfile import SendfileOutlet
from twistedcam.delivery.throttle import Throttle
from twistedcam.delivery.watcher import Watcher
from twistedcam.delivery.write import WriteOutlet

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
