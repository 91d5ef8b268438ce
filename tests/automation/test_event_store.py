"""Events and their pictures are kept, found, and deleted with the recordings."""

from __future__ import annotations

import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from twistedcam.automation import event_store
from twistedcam.automation.database import Database
from twistedcam.automation.event_store import PICTURES, EventStore, StoredEvent
from twistedcam.recording.library.hidden_folder import HIDDEN


def event(id: str, start: float, camera: str | None = "door", **more: Any) -> StoredEvent:
    values = {"kind": "motion", "what": None, "end": start + 5} | more
    return StoredEvent(id=id, camera=camera, start=start, **values)


class EventStoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.faults: list[str] = []
        database = Database(self.folder, InlineThread, Clock(), self.faults.append)
        self.store = EventStore(self.folder, database, InlineThread)

    def tearDown(self) -> None:
        self.assertEqual(self.faults, [])

    def result(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def ids(self, **filters: Any) -> list[str]:
        return [each.id for each in self.result(self.store.find(100, **filters))]

    def pictures(self) -> set[str]:
        return {path.name for path in (self.folder / HIDDEN / PICTURES).glob("*.jpg")}

    def test_an_event_comes_back_as_it_was(self) -> None:
        kept = event("a", 100.0, score=12.5, zone="path", recording="x.mp4", reason="why")
        self.store.add(kept)
        self.assertEqual(self.result(self.store.get("a")), kept)
        self.assertIsNone(self.result(self.store.get("b")))

    def test_events_are_found_newest_first_by_camera_kind_and_time(self) -> None:
        self.store.add(event("a", 100.0))
        self.store.add(event("b", 200.0, "yard"))
        self.store.add(event("c", 300.0, None, kind="fault", what="disk"))
        self.store.add(event("d", 400.0, kind="state", what="live", end=None))
        self.assertEqual(self.ids(), ["d", "c", "b", "a"])
        self.assertEqual([each.id for each in self.result(self.store.find(2))], ["d", "c"])
        self.assertEqual(self.ids(covers=lambda camera: camera == "door"), ["d", "a"])
        self.assertEqual(self.ids(covers=lambda camera: False), [])
        self.assertEqual(self.ids(kinds=[("motion", None)]), ["b", "a"])
        self.assertEqual(self.ids(kinds=[("fault", "disk"), (None, "live")]), ["d", "c"])
        self.assertEqual(self.ids(kinds=[("fault", "process")]), [])
        self.assertEqual(self.ids(since=205.1), ["d", "c"])  # d lasts, b ended at 205
        self.assertEqual(self.ids(since=205.0, until=300.0), ["b"])

    def test_an_event_that_a_killed_server_left_ends_when_it_was_last_seen(self) -> None:
        self.store.add(event("a", 100.0, end=None))
        self.store.update("a", seen=130.0)
        self.store.end_unfinished()
        self.assertEqual(self.result(self.store.get("a")).end, 130.0)

    def test_a_picture_is_kept_replaced_and_deleted_with_its_event(self) -> None:
        self.store.add(event("a", 100.0, recording="x.mp4"))
        self.store.add_picture("a", b"first")
        self.store.add_picture("a", b"second")
        self.store.add_picture("gone", b"no event")
        self.assertTrue(self.result(self.store.get("a")).snapshot)
        self.assertEqual(self.result(self.store.picture("a")), b"second")
        self.assertEqual(self.pictures(), {"a.jpg"})
        self.store.forget_recording("x.mp4", "")
        self.assertEqual(self.ids(), [])
        self.assertEqual(self.pictures(), set())
        self.assertIsNone(self.result(self.store.picture("a")))

    def test_a_recording_deleted_because_of_a_limit_takes_older_events_of_its_camera(self) -> None:
        self.store.add(event("before", 50.0))
        self.store.add(event("of another", 50.0, "yard"))
        self.store.add(event("older", 60.0, recording="w.mp4"))
        self.store.add(event("in it", 100.0, recording="x.mp4"))
        self.store.add(event("after", 200.0))
        self.store.forget_recording("x.mp4", "door")
        self.assertEqual(self.ids(), ["after", "older", "of another"])

    def test_a_recording_that_somebody_deletes_takes_its_own_events_only(self) -> None:
        self.store.add(event("before", 50.0))
        self.store.add(event("in it", 100.0, recording="x.mp4"))
        self.store.forget_recording("x.mp4", "")
        self.assertEqual(self.ids(), ["before"])

    def test_old_events_are_deleted_by_camera(self) -> None:
        for camera in ("door", "yard", None):
            self.store.add(event(f"old {camera}", 100.0, camera))
            self.store.add(event(f"new {camera}", 200.0, camera))
        self.store.delete_before({"yard": 300.0}, 150.0)
        self.assertEqual(set(self.ids()), {"new door", "new None"})

    def test_old_events_of_a_recording_stay_as_long_as_that(self) -> None:
        (self.folder / "kept.mp4").touch()
        self.store.add(event("kept", 100.0, recording="kept.mp4"))
        self.store.add(event("gone", 100.0, recording="gone.mp4"))
        self.store.delete_before({}, 150.0)
        self.assertEqual(self.ids(), ["kept"])

    def test_a_recording_that_got_another_name_is_renamed(self) -> None:
        self.store.add(event("a", 100.0, recording="x.mp4"))
        self.store.rename_recording("x.mp4", "x-1.mp4")
        self.assertEqual(self.result(self.store.get("a")).recording, "x-1.mp4")

    def test_the_oldest_events_and_pictures_above_the_limits_are_deleted(self) -> None:
        self.patch(event_store, "MAX_EVENTS", 50)
        self.patch(event_store, "MAX_PICTURES", 20)
        for number in range(101):  # surplus events are deleted with every hundredth
            self.store.add(event(f"{number:03}", float(number)))
            if 70 <= number < 100:
                self.store.add_picture(f"{number:03}", b"jpeg")
        kept = [each.id for each in self.result(self.store.find(1000))]
        self.assertEqual((kept[0], kept[-1], len(kept)), ("100", "051", 50))
        self.assertEqual(min(self.pictures()), "080.jpg")
