"""``twistd twistedcam``."""

from twisted.application.service import ServiceMaker

twistedcam = ServiceMaker(
    "twistedcam",
    "twistedcam.app.twistd",
    "A camera server for any number of viewers.",
    "twistedcam",
)
