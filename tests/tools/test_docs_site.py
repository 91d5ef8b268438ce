"""The site has all documents, with links that are valid there, and loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.process import ROOT
from tools.docs_reference import pages
from tools.docs_site import (
    OUTSIDE,
    dead_links,
    in_site,
    loaded_from_elsewhere,
    main,
    steps_as_table,
)

CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def paths(nav: Any) -> Iterator[str]:
    """The pages below an entry of the navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from paths(each)


def test_each_document_has_a_place_in_the_navigation() -> None:
    found = list(paths(CONFIG["nav"]))
    documents = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert set(found) == documents | pages().keys() | set(OUTSIDE.values())
    assert len(found) == len(set(found))


def test_the_theme_loads_no_fonts() -> None:
    assert CONFIG["theme"]["font"] is False
    assert CONFIG["plugins"] == ["search"]


def test_links_of_documents_outside_of_docs_are_changed() -> None:
    text = "[a](docs/rtsp.md#login) [b](SECURITY.md) [c](https://x.y/z) ![d](results/age.png)"
    assert in_site(text, "CHANGELOG.md").startswith("[a](rtsp.md#login) [b](threats.md) [c](https:")
    found = in_site("![d](results/age.png) [e](../docs/http.md)", "benchmarks/README.md")
    assert found == "![d](results/age.png) [e](http.md)"


def test_a_diagram_becomes_a_table() -> None:
    table = steps_as_table("stateDiagram-v2\n    [*] --> stopped\n    stopped --> idle: suspend\n")
    assert table == "| state | step | next state |\n|---|---|---|\n| stopped | suspend | idle |\n"


def test_requests_to_other_sites_are_found(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text('<a href="https://x.y">x</a><link rel="canonical" href="https://x.y/">')
    assert loaded_from_elsewhere(tmp_path) == []
    assert main(["check", str(tmp_path)]) == 0
    page.write_text(
        '<script src="//x.y/a.js"></script><link rel=stylesheet href=https://x.y/b.css>'
    )
    (tmp_path / "a.css").write_text("@font-face{src:url(https://x.y/font.woff2)}")
    assert len(loaded_from_elsewhere(tmp_path)) == 3
    assert main(["check", str(tmp_path)]) == 1


def test_dead_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text('<a href="index.html#top">x</a><a href=#end>y</a><a href="mailto:a@b.c">z</a>')
    assert dead_links(tmp_path) == []
    page.write_text('<a href="a%20b.conf?x=1">x</a><img src=none.png>')
    assert dead_links(tmp_path) == ["index.html: a b.conf", "index.html: none.png"]
    assert main(["check", str(tmp_path)]) == 1
