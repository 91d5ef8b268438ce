"""Deleting to make room, with protected recordings among the others."""

from __future__ import annotations

import os

from tests.support.recordings import LibraryCase
from twistedcam.errors import BadArgument
from twistedcam.events import Event, Fault
from twistedcam.recording import RetentionLimits


class ProtectedTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        self.make_five()
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)
        self.get(self.library.protect("0.mkv", True))

    def faults(self) -> list[str]:
        return [each.reason for each in self.events if isinstance(each, Fault)]

    def test_a_protected_recording_is_never_deleted_to_make_room(self) -> None:
        limits = RetentionLimits(keep=3 * self.size)
        self.assertEqual(self.get(self.library.make_room(limits)), ["1.mkv", "2.mkv"])
        self.assertIn("0.mkv", os.listdir(self.folder))
        self.assertEqual(self.faults(), [])

    def test_it_is_reported_once_that_no_room_can_be_made(self) -> None:
        limits = RetentionLimits(keep=self.size // 2)
        gone = self.get(self.library.make_room(limits))
        self.assertEqual(gone, ["1.mkv", "2.mkv", "3.mkv", "4.mkv"])
        self.get(self.library.make_room(limits))
        (reason,) = self.faults()
        self.assertIn("1 protected recordings have", reason)
        self.get(self.library.protect("0.mkv", False))
        self.assertEqual(self.get(self.library.make_room(limits)), ["0.mkv"])

    def test_age_and_a_full_disk_do_not_take_it_either(self) -> None:
        self.get(self.library.make_room(RetentionLimits(keep_days=0.001, keep_free=1 << 60)))
        self.assertIn("0.mkv", os.listdir(self.folder))
        self.assertIn("keep_free", self.faults()[0])

    def test_it_is_deleted_on_request_only_if_unprotected(self) -> None:
        with self.assertRaisesRegex(BadArgument, "unprotect it first"):
            self.get(self.library.delete("0.mkv"))
        self.get(self.library.protect("0.mkv", False))
        self.get(self.library.delete("0.mkv"))
        self.assertNotIn("0.mkv", self.names())

    def test_the_list_says_what_is_protected(self) -> None:
        found = {item.recording: item.protected for item in self.get(self.library.list())}
        self.assertEqual([name for name, is_so in found.items() if is_so], ["0.mkv"])
