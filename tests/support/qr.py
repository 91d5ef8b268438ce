"""QR codes, read from pictures."""

from __future__ import annotations

import cv2
import numpy as np


def read_qr(png: bytes) -> str:
    """Return the text of the QR code in a PNG picture, or an empty text.

    Each of OpenCV's two readers cannot read some codes, about one in a thousand.
    """
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    image = cv2.resize(image, None, fx=3, fy=3)
    for reader in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco()):
        text: str = reader.detectAndDecode(image)[0]
        if text:
            return text
    return ""
