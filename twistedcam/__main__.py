"""``python -m twistedcam``."""

import sys

from twistedcam.cli import main

sys.exit(main())
