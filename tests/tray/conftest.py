"""Without a display pystray has one back end that can be imported; it chooses on import."""

import os

os.environ["PYSTRAY_BACKEND"] = "dummy"
