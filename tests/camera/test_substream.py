"""The smaller stream of a camera: its settings, and when it runs."""

from __future__ import annotations

from tests.support.server_case import ServerCase
from twistedcam.camera.substream import Substream, for_viewers
from twistedcam.sources.spec import SourceSpec, parse


def test_its_pictures_are_changed_as_those_of_the_camera() -> None:
    camera = parse("rtsp://host/a?subtype=0#rotate=90&title=Door&audio=auto&privacy=0,0 1,0 1,1")
    made = for_viewers(parse("rtsp://user:secret@host/a?subtype=1#transport=udp&flip=h"), camera)
    assert (made.scheme, made.target) == ("rtsp", "//user:secret@host/a?subtype=1")
    assert made.settings == {
        "transport": "udp",
        "rotate": "90",
        "privacy": "0,0 1,0 1,1",
        "idle": "close",
        "audio": "off",
    }
    assert parse(made.text) == made
    plain = for_viewers(parse("file:a.mp4?loop=0"), parse("pattern:"))
    assert plain.settings == {"loop": "0", "idle": "close", "audio": "off"}
    assert parse(plain.text) == plain


class SubstreamTests(ServerCase):
    def open(self) -> Substream:
        spec = SourceSpec("fake", "small", {}, "fake:small")
        return Substream(self.door, spec, "test", self.server.events)

    def test_it_runs_while_its_camera_does(self) -> None:
        small = self.open()
        self.assertEqual((small.state, small.own.name), ("stopped", "door (test)"))
        self.door.start()
        self.assertEqual(small.state, "live")
        self.door.stop()
        self.assertEqual(small.state, "stopped")
        self.door.start()
        late = self.open()
        self.assertEqual((small.state, late.state), ("live", "live"))
        late.close()
        self.door.stop()
        self.door.start()
        self.assertEqual((small.state, late.state), ("live", "stopped"))

    def test_it_is_not_among_the_cameras_and_has_no_events(self) -> None:
        seen: list[str] = []
        self.server.events.subscribe(lambda event: seen.append(getattr(event, "camera", "")))
        self.open()
        self.door.start()
        self.assertEqual((set(seen), list(self.server.cameras)), ({"door"}, ["door", "yard"]))
