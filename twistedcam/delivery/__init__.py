"""How a frame gets to those who watch: the newest, when they are ready for it, never a queue."""

from twistedcam.delivery.outlet import Outlet, WriteOutlet
from twistedcam.delivery.throttle import Throttle
from twistedcam.delivery.watcher import Watcher

__all__ = ["Outlet", "Throttle", "Watcher", "WriteOutlet"]
