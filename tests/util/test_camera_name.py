"""Names that cameras can have, their URL-safe form, and which camera a word means."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from twistedcam.auth import Grant
from twistedcam.config.arguments import options_from
from twistedcam.errors import BadArgument
from twistedcam.util.camera_name import check_distinct, check_name, file_stem, find_name, url_safe

GARDEN = "حديقة"
NAMES = ["door", "Küche", GARDEN, "front door", "Küche.motion"]


@pytest.mark.parametrize(
    ("name", "form", "stem"),
    [
        ("door", "door", "door"),
        ("cam-", "cam-", "cam-"),  # as it has always been
        ("a.b_c-2", "a.b_c-2", "a.b_c-2"),
        ("front door", "front-door", "front_door"),
        ("Küche", "Kuche", "Küche"),
        ("Küche.motion", "Kuche.motion", "Küche.motion"),
        ("Straße", "Strasse", "Straße"),
        ("Łódź – Møn", "Lodz-Mon", "Łódź_–_Møn"),
        (GARDEN, "camera-c6bd75e2", GARDEN),
        (f"{GARDEN}.motion", "camera-c6bd75e2.motion", f"{GARDEN}.motion"),
        ("Garten 花", "Garten-372f5ffe", "Garten_花"),
        ("Tor (Nord) + Hof", "Tor-Nord-Hof", "Tor__Nord____Hof"),
        ("é" * 60, "e" * 60, "é" * 60),
    ],
)
def test_a_name_its_url_safe_form_and_how_its_files_begin(name: str, form: str, stem: str) -> None:
    assert check_name(name) == name
    assert (url_safe(name), file_stem(name)) == (form, stem)
    assert url_safe(form) == form


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("a" * 65, "65 characters"),
        ("é" * 61, "120 bytes"),
        *((f"a{sign}b", "means something else") for sign in "/\\:?#&=%,;\"'`<>|"),
        *((f"a{sign}b", "invisible") for sign in "\0\n\t\x7f\u200b\u200d\u202e\u2066\u00a0\u3164"),
        *((name, "begins or ends") for name in (" a", "a ", "-ä", "ä-", ".a", "ä.", ".", "..")),
        ("a  b", "two spaces"),
        ("\u0301a", "a mark"),
        ("\ud800", "invisible"),
    ],
)
def test_what_can_be_no_name_is_refused_in_plain_words(name: str, why: str) -> None:
    with pytest.raises(
        BadArgument, match=r"is not a valid name for a camera: .*letters"
    ) as refused:
        check_name(name)
    assert why in str(refused.value)
    assert str(refused.value).isprintable()


def test_both_unicode_forms_of_a_name_are_one() -> None:
    apart = unicodedata.normalize("NFD", "Küche")
    assert check_name(apart) == "Küche" != apart
    with pytest.raises(BadArgument, match="two cameras are named 'Küche'"):
        options_from(["--camera", f"{apart}=pattern:", "--camera", "Küche=pattern:"])


def test_a_word_means_the_camera_of_that_name_or_url_safe_form() -> None:
    for name in NAMES:
        assert find_name(NAMES, name) == find_name(NAMES, url_safe(name)) == name
        assert find_name(NAMES, unicodedata.normalize("NFD", name)) == name
    for word in ("", "Door", "kuche", "front_door", "front%20door", "x" * 100_000):
        assert find_name(NAMES, word) is None


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("front door", "front-door"),
        ("front door", "front_door"),
        ("Küche", "Kuche"),
        ("Küche", "küche"),
        ("САД", "сад"),
        ("Straße", "STRASSE"),
        (GARDEN, "camera-c6bd75e2"),
    ],
)
def test_two_names_that_would_be_taken_for_each_other_are_refused(
    one: str, two: str, tmp_path: Path
) -> None:
    cameras = ["--camera", f"{one}=pattern:", "--camera", f"{two}=pattern:"]
    file = tmp_path / "twistedcam.toml"
    file.write_text(f"[camera.'{one}']\nsource='pattern:'\n[camera.'{two}']\nsource='pattern:'\n")
    for words in (cameras, ["--config", str(file)]):
        with pytest.raises(BadArgument, match="would both be") as refused:
            options_from(words)
        assert repr(one) in str(refused.value)
        assert repr(two) in str(refused.value)
    check_distinct(one, ["others", one])


def test_plain_names_that_differ_in_case_alone_are_two_cameras() -> None:
    options = options_from(["--camera", "Door=pattern:", "--camera", "door=pattern:"])
    assert list(options.cameras) == ["Door", "door"]


def test_options_name_a_camera_by_its_name_or_url_safe_form() -> None:
    for word in ("Küche", "Kuche"):
        options = options_from(
            [
                *("--camera", "Küche=pattern:", "--camera", "front door=pattern:"),
                *("--publish", f"{word}=rtmp://127.0.0.1/live/key"),
                *("--process", f"{word}=twistedcam.examples.motion:motion"),
                *("--process", f"{word}.motion=twistedcam.examples.clock:clock"),
            ]
        )
        assert [target.name for target in options.publish["Küche"]] == ["rtmp"]
        made = [process.name for process in options.processes]
        assert made == ["Küche.motion", "Küche.motion.clock"]


def test_a_token_covers_the_camera_that_it_names_in_either_way_and_no_other() -> None:
    for named in ("Küche", "Kuche"):
        grant = Grant("cook", frozenset({"view"}), frozenset({named}))
        assert grant.covers("Küche")
        assert not any(grant.covers(each) for each in ("Küche.motion", "front door", "kuche", None))
    only = Grant("cook", frozenset({"view"}), frozenset({"Küche"}))
    assert not only.covers("Kuche")  # another camera, on a server that has no "Küche"
