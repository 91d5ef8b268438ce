"""Write the table of options in docs/configuration.md: ``python -m tools.option_table``."""

from __future__ import annotations

import re
from pathlib import Path

from twistedcam.config.toml_file import FILE_OPTIONS

DOCUMENT = Path(__file__).parent.parent / "docs/configuration.md"
HEAD = "| key | default | |\n|---|---|---|\n"


def table() -> str:
    """The table, in the order of ``twistedcam serve --help``."""
    rows = []
    for each in FILE_OPTIONS.values():
        text, page = each.option.help, each.option.page
        if each.option.flag:
            text = f"`{each.flag}`: {text}"
        if page:
            text += f" ([{page.partition('#')[0]}]({page}))"
        default = f"`{each.shown_default}` " if each.shown_default else ""
        rows.append(f"| `{each.key}` | {default}| {text} |\n")
    return HEAD + "".join(rows)


def in_document(text: str) -> str:
    """The document with the current table."""
    return re.sub(re.escape(HEAD) + r"(\|.*\n)*", lambda _: table(), text)


if __name__ == "__main__":
    DOCUMENT.write_text(in_document(DOCUMENT.read_text()))
