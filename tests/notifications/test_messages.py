"""The events that become notifications, and what devices get of them."""

from __future__ import annotations

import json

from twistedcam.events import (
    CameraChanged,
    DetectionChanged,
    Fault,
    MotionChanged,
    RecordingChanged,
)
from twistedcam.notifications.messages import PushMessage, message_of


def test_beginnings_and_faults_become_messages() -> None:
    motion = message_of(MotionChanged("door", "begin", "5f", 40.0, zone="path"), "Front", 7.0)
    assert motion == PushMessage("motion", "door", "Front", 7.0, zone="path", event="5f")
    assert (motion.group, motion.ttl) == ("motion", 600)
    found = message_of(DetectionChanged("door", "cat", "begin", "60"), None, 7.0)
    assert found is not None
    assert (found.kind, found.what, found.group, found.event) == (
        "detection",
        "cat",
        "motion",
        "60",
    )
    failed = message_of(RecordingChanged("door", "failed", "x.mp4", reason="disk full"), None, 7.0)
    fault = message_of(Fault(None, "disk", "disk full"), None, 7.0)
    assert failed is not None
    assert fault is not None
    assert (failed.kind, fault.kind, failed.group, fault.group) == (
        "recording",
        "fault",
        "faults",
        "faults",
    )
    assert fault.ttl == 86400
    for event in (
        MotionChanged("door", "end", "5f"),
        DetectionChanged("door", "cat", "end", "60"),
        RecordingChanged("door", "finished", "x.mp4"),
        CameraChanged("door", "recovering"),
    ):
        assert message_of(event, None, 7.0) is None


def test_messages_have_relative_addresses_and_no_secrets() -> None:
    reason = "rtsp://user:very-secret@10.0.0.5/x: refused " + "x" * 5000
    message = PushMessage("motion", "Küche 1", None, 7.1234567, reason=reason, event="5f")
    data = message.data("de")
    assert len(data) < 1000
    told = json.loads(data)
    assert (told["title"], told["language"], told["time"]) == ("Küche 1", "de", 7.123)
    assert told["url"] == "./#K%C3%BCche%201"
    assert told["image"] == "api/v1/events/5f/snapshot"
    assert "very-secret" not in data.decode()
    about_all = json.loads(PushMessage("fault", None, None, 7.0, "disk").data("en"))
    assert about_all["url"] == "./"
    assert "image" not in about_all
    assert message.topic == "motion Küche 1"
