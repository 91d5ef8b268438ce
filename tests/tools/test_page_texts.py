"""The texts of the page are found in its source, and compared with the translations."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

import twistedcam
from tools.page_texts import (
    PLURALS,
    STATIC,
    Text,
    all_texts,
    faults,
    page_texts,
    script_texts,
    untranslated,
    update,
)

LANGUAGES = sorted(path.stem for path in (STATIC / "texts").glob("*.json"))


@pytest.fixture(scope="module")
def texts() -> dict[str, Text]:
    return all_texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_a_translation_and_every_translation_a_text(
    language: str, texts: dict[str, Text]
) -> None:
    catalogue = json.loads((STATIC / "texts" / f"{language}.json").read_text())
    assert faults(texts, catalogue, language) == []


def test_the_menu_has_the_languages_of_the_catalogues() -> None:
    found = re.search(r"LANGUAGES = \{(.*?)\}", (STATIC / "lib/text.js").read_text())
    assert found is not None
    assert sorted(re.findall(r"(\w+):", found[1])) == sorted([*LANGUAGES, "en"])
    assert sorted(PLURALS) == LANGUAGES


def test_no_script_shows_a_text_that_is_not_translated() -> None:
    found = []
    for path in STATIC.rglob("*.js"):
        name = path.relative_to(STATIC).as_posix()
        found += untranslated(path.read_text(), name)
    assert found == []


def test_dates_have_formats_that_are_made_once() -> None:
    """Each call of toLocaleString() makes one: 10,000 recordings took seconds."""
    scripts = STATIC.rglob("*.js")
    found = [each.name for each in scripts if ".toLocale" in each.read_text()]
    assert found == []


def test_the_server_has_the_sentences_that_are_translated_as_a_whole() -> None:
    script = (STATIC / "lib/errors.js").read_text()
    translated = re.search(r"SERVER_TEXTS = \[(.*?)\];", script, re.DOTALL)
    assert translated is not None
    texts = {each.english for each in script_texts(translated[1], "errors.js")}
    said = set()
    for path in Path(twistedcam.__file__).parent.rglob("*.py"):
        source = path.read_text()
        if any(each[:20] in source for each in texts):  # the rest may be in the next line
            said |= {
                node.value
                for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    assert texts <= said


def test_texts_of_scripts_are_found() -> None:
    source = """
        // t("in a comment")
        const a = /"t\\(/.test(x) ? t("It's {name}") : `${t("inner")} b`;
        plural(all.length, "{count} file", "{count} files", { size: bytes("x") });
        at("no text"); this.t("no text");
    """
    assert [(each.english, each.one) for each in script_texts(source, "a.js")] == [
        ("It's {name}", None),
        ("inner", None),
        ("{count} files", "{count} file"),
    ]


@pytest.mark.parametrize("call", ["t(name)", "t(`a ${b}`)", "x = [t(\n  name)]"])
def test_a_call_without_a_text_is_refused(call: str) -> None:
    with pytest.raises(ValueError, match=r"a\.js"):
        script_texts(call, "a.js")


@pytest.mark.parametrize(
    "source",
    [
        'button.textContent = "Stop";',
        "showMessage(`Saved ${name}`);",
        'announce("area", "Undone");',
        'each.setAttribute("aria-label", `Delete ${name}`);',
        'const hint = { a: "The server does not answer" };',
        "say(`${name} is recorded. It waits for a picture`);",
    ],
)
def test_a_text_without_a_translation_is_told(source: str) -> None:
    assert len(untranslated(source, "a.js")) == 1


@pytest.mark.parametrize(
    "source",
    [
        'button.textContent = t("Stop"); button.dataset.state = "on";',
        'showMessage(plural(count, "{count} file is deleted", "{count} files are deleted"));',
        'shown.textContent = "–"; link.title = `${name}`;',
        'call("GET", "/recordings"); // Sends what was asked for\n',
        "console.info(`The decoder has failed: ${error}`);",
    ],
)
def test_what_people_do_not_read_needs_no_translation(source: str) -> None:
    assert untranslated(source, "a.js") == []


def test_texts_of_html_are_found() -> None:
    source = """<title translate="no">name</title><button aria-label="Close it"><svg/>Close</button>
        <p data-sentence>Press <b>Record</b>
          or <code>r</code>. <img src="x"></p><kbd>s</kbd><pre>code</pre>
        <template><label>Name<input placeholder="Your name"></label></template>"""
    assert [each.english for each in page_texts(source, "a.html")] == [
        "Close it",
        "Close",
        "Press <1>Record</1> or <2>r</2>. <3/>",
        "Name",
        "Your name",
    ]


def test_faults_of_a_catalogue_are_found() -> None:
    texts = {
        "{a} of {b}": Text("{a} of {b}", None, "x.js:1"),
        "{count} files": Text("{count} files", "{count} file", "x.js:2"),
        "Close": Text("Close", None, "x.js:3"),
    }
    right = {
        "{a} of {b}": "{b}: {a}",
        "{count} files": {"one": "eine Datei", "other": "{count} Dateien"},
        "Close": "Schließen",
    }
    assert faults(texts, right, "de") == []
    for wrong in (
        {"Close": ""},
        {"{a} of {b}": "{a} von"},
        {"{a} of {b}": "{a} von {c}"},
        {"{count} files": "{count} Dateien"},
        {"{count} files": {"one": "eine Datei", "other": "Dateien"}},
        {"gone": "fort"},
    ):
        assert len(faults(texts, {**right, **wrong}, "de")) >= 1, wrong


def test_an_update_adds_what_is_missing_and_keeps_what_is_translated(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_text(json.dumps({"Close": "Chiudi", "gone": "via"}))
    texts = [("Open", None), ("Close", None), ("{count} files", "{count} file")]
    update(path, {key: Text(key, one, "") for key, one in texts})
    assert json.loads(path.read_text()) == {
        "Close": "Chiudi",
        "Open": "",
        "{count} files": {"one": "", "other": ""},
    }
