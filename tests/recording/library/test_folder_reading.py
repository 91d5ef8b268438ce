"""The folder is read once after the start; until then, what is known is enough for most callers."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.support.fakes import InlineReader, ManualThread
from tests.support.movies import make_numbered, names
from tests.support.recordings import LibraryCase
from twistedcam.recording.library.catalogue import Catalogue
from twistedcam.recording.library.folder_reading import FolderReading
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.library.index import Index
from twistedcam.recording.library.protection import Protection


class FolderReadingTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        make_numbered(self.folder / "a.mp4", 0, 10)
        index = Index(self.folder, HiddenFolder(self.folder), InlineReader())
        catalogue = Catalogue(self.folder, Protection(self.folder))
        self.thread = ManualThread()
        self.reading = FolderReading(index, catalogue, self.thread.run)

    def listing(self, waits: bool, *later: str) -> list[Any]:
        """A list that gets the names when they are known."""
        found: list[Any] = []
        listing = Deferred.fromCoroutine(self.reading.listing(waits, frozenset(later)))
        listing.addCallback(lambda it: found.append(names(it.newest_first)))
        return found

    def test_before_the_first_reading_what_is_known_is_given_at_once(self) -> None:
        self.reading.announce()
        self.assertEqual(self.reading.progress, (0, 0))
        found = self.listing(waits=False)
        self.thread.step()
        self.assertEqual(found, [[]])
        self.assertEqual(self.reading.progress, (0, 0))

    def test_who_waits_before_the_first_reading_reads_and_shows_the_progress(self) -> None:
        self.reading.announce()
        found = self.listing(waits=True)
        self.thread.step()
        self.assertEqual(found, [["a.mp4"]])
        self.assertEqual(self.reading.progress, (0, 1))

    def test_during_the_first_reading_one_gets_what_is_known_and_another_waits(self) -> None:
        Deferred.fromCoroutine(self.reading.read_all())
        known, waiting = self.listing(waits=False), self.listing(waits=True)
        self.thread.waiting[1], self.thread.waiting[0] = self.thread.waiting
        self.thread.step()
        self.assertEqual((known, waiting), ([[]], []))
        self.thread.step()
        self.thread.step()
        self.assertEqual(waiting, [["a.mp4"]])
        self.assertIsNone(self.reading.progress)

    def test_a_file_to_be_read_later_keeps_nobody_waiting(self) -> None:
        found = self.listing(False, "a.mp4")
        self.thread.step()
        self.assertEqual(found, [[]])
        meanwhile = self.listing(False, "a.mp4")  # the file is being read
        self.thread.waiting[1], self.thread.waiting[0] = self.thread.waiting
        self.thread.step()
        self.assertEqual(meanwhile, [[]])
        self.thread.step()
        again = self.listing(False, "a.mp4")
        self.thread.step()
        self.assertEqual(again, [["a.mp4"]])

    def test_a_file_that_others_put_there_meanwhile_is_waited_for(self) -> None:
        self.listing(False, "a.mp4")
        self.thread.step()  # a.mp4 is read after the answer
        make_numbered(self.folder / "b.mp4", 10, 10)
        found = self.listing(False, "a.mp4")
        while self.thread.waiting:
            self.thread.step()
        self.assertEqual(found, [["b.mp4", "a.mp4"]])
