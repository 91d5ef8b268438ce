"""QR codes are reported when they come and when they go."""

from __future__ import annotations

import cv2
import numpy as np

from tests.support.example_frames import all_of
from twistedcam.examples import qr


def test_a_qr_code_is_told_once_when_it_comes_and_once_when_it_goes() -> None:
    code = cv2.QRCodeEncoder.create().encode("https://example.org/door")
    shown = np.full((300, 300, 3), 255, np.uint8)
    large = cv2.resize(code, (200, 200), interpolation=cv2.INTER_NEAREST)
    shown[50:250, 50:250] = large[:, :, None]
    empty = np.full_like(shown, 255)
    values = all_of(qr.qr, [empty, shown, shown, *[empty] * (qr.PATIENCE + 2)])
    told = [value for value in values if isinstance(value, dict)]
    assert [next(iter(each.items())) for each in told] == [
        ("seen", "https://example.org/door"),
        ("gone", "https://example.org/door"),
    ]
    assert np.asarray(told[0]["corners"]).shape == (4, 2)
