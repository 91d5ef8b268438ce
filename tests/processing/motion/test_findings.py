"""The results of motion detection are values."""

from __future__ import annotations

from twistedcam.processing.motion.findings import Examined, Moving


def test_a_finding_without_zones_and_faults_has_none() -> None:
    moving = Moving(3.0, (0.1, 0.2, 0.3, 0.4), 50.0)
    assert moving.zone is None
    assert Examined([moving]).fault is None
    assert Examined([moving]) == Examined([Moving(3.0, (0.1, 0.2, 0.3, 0.4), 50.0, None)], None)
