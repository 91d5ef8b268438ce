"""Hooks for MkDocs: the reference from the code, and documents that are outside of docs/.

    python -m tools.docs_site check site    # nothing in the built pages comes from another site

mkdocs.yml names this file; ``make docs`` builds the site.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # MkDocs loads this file by its path
    sys.path.insert(0, str(ROOT))

from tools.docs_reference import pages  # noqa: E402

#: Documents outside of docs/, and their places in the site.
OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "threats.md",
    "benchmarks/README.md": "benchmarks.md",
}
_LINK = re.compile(r"\]\((?!https?://|#)([^)\s#]+)")
_DIAGRAM = re.compile(r"```mermaid\n(.*?)```\n", re.DOTALL)
_STEP = re.compile(r"^ *(\S+) --> (\w+): (.+)$", re.MULTILINE)
#: What makes a browser load something: not the links that a reader follows.
_LOADED = re.compile(
    r"<(?:script|img|iframe|video|audio|source|embed)\b[^>]*\bsrc=[\"']?((?:https?:)?//[^\"' >]+)"
    r"|<link\b(?![^>]*rel=[\"']?canonical)[^>]*\bhref=[\"']?((?:https?:)?//[^\"' >]+)"
    r"|@import[^;]*?((?:https?:)?//[^\"')]+)|url\([\"']?((?:https?:)?//[^\"')]+)",
    re.IGNORECASE,
)

#: A link or a source within the site, without its query and its anchor.
_RELATIVE = re.compile(
    r"\b(?:href|src)=(?:\"(?!\w+:|//|#|\")([^\"?#]+)[^\"]*\"|(?!\w+:|//|[#\"'])([^\s>\"'?#]+))"
)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages and pictures that are not in docs/."""
    from mkdocs.structure.files import File

    for place, text in pages().items():
        files.append(File.generated(config, place, content=text))
    for source, place in OUTSIDE.items():
        text = in_site((ROOT / source).read_text(), source)
        files.append(File.generated(config, place, content=text))
    for picture in sorted((ROOT / "benchmarks/results").glob("*.png")):
        content = picture.read_bytes()
        files.append(File.generated(config, f"results/{picture.name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to documents outside of docs/ to their places in the site."""
    for source, place in OUTSIDE.items():
        markdown = markdown.replace(f"](../{source}", f"]({place}")
    return _DIAGRAM.sub(lambda found: steps_as_table(found[1]), markdown)


def in_site(text: str, source: str) -> str:
    """Return a document from outside of docs/ with the links that it needs in the site.

    Arguments:
        source: the document's path.
    """
    folder = (ROOT / source).parent

    def lead(found: re.Match[str]) -> str:
        target = (folder / found[1]).resolve().relative_to(ROOT).as_posix()
        if target in OUTSIDE:
            return f"]({OUTSIDE[target]}"
        if target.startswith("benchmarks/results/"):
            return f"]({target.removeprefix('benchmarks/')}"
        return f"]({target.removeprefix('docs/')}" if target.startswith("docs/") else found[0]

    return _LINK.sub(lead, text)


def steps_as_table(diagram: str) -> str:
    """Return the steps of a state diagram as a table: its script would come from another site."""
    rows = [
        f"| {'' if begin == '[*]' else begin} | {step} | {end} |"
        for begin, end, step in _STEP.findall(diagram)
    ]
    return "\n".join(["| state | step | next state |", "|---|---|---|", *rows, ""])


def loaded_from_elsewhere(folder: Path) -> list[str]:
    """Return what the pages and style sheets of a built site load from other sites."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".css"):
            for match in _LOADED.finditer(path.read_text()):
                found.append(f"{path.relative_to(folder)}: {next(filter(None, match.groups()))}")
    return found


def dead_links(folder: Path) -> list[str]:
    """Return the links and sources in a built site that lead to no file of it."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        if path.parent.name == "examples":  # files to copy beside others
            continue
        start = folder if path.name == "404.html" else path.parent  # which has absolute addresses
        for match in _RELATIVE.finditer(path.read_text()):
            target = unquote(html.unescape(match[1] or match[2]))
            if not (start / target.lstrip("/")).exists():
                found.append(f"{path.relative_to(folder)}: {target}")
    return found


def main(words: list[str]) -> int:
    """Check a built site; return the exit code."""
    folder = Path(words[1])
    found, dead = loaded_from_elsewhere(folder), dead_links(folder)
    for each in found:
        print(f"{each}: a page must not load anything from another site")
    for each in dead:
        print(f"{each}: there is no such file")
    count = len(list(folder.rglob("*.html")))
    print(f"{count} pages, {len(found)} requests to other sites, {len(dead)} dead links")
    return 1 if found or dead or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
