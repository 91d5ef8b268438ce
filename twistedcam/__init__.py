"""An event-driven camera server: capture once, show to any number of viewers.

This package is the library; the program is ``twistedcam`` on the command line.
"""

from twistedcam.barcode import Stamp
from twistedcam.errors import TwistedcamError
from twistedcam.frame import Frame
from twistedcam.version import __version__

__all__ = ["Frame", "Stamp", "TwistedcamError", "__version__"]
