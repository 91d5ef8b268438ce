"""The reference has every command, option and public name."""

from __future__ import annotations

import re

import twistedcam
from tools.docs_reference import pages
from twistedcam.cli.main import COMMANDS
from twistedcam.commands import standard_commands
from twistedcam.config.options import OPTIONS

PAGES = pages()


def headings(page: str) -> set[str]:
    """The headings of a page, without its title."""
    return set(re.findall(r"^##+ (.+)$", PAGES[f"reference/{page}.md"], re.MULTILINE))


def test_each_command_of_the_program_has_a_section() -> None:
    assert {f"twistedcam {name}" for name, _, _ in COMMANDS} <= headings("command-line")


def test_each_option_has_a_row_with_its_key_and_default() -> None:
    page = PAGES["reference/options.md"]
    for each in OPTIONS.values():
        assert f"| `{each.flag}` |" in page
    assert "| `--trusted-proxy` | `trusted-proxies` | `NETWORK` |" in page
    assert "| `--workers` | `workers` | `N` | `0` |" in page


def test_each_command_of_the_control_port_has_a_section_with_its_right() -> None:
    assert {each.name for each in standard_commands()} == headings("commands")
    assert "record start [CAMERA] [NAME] [--every EVERY]" in PAGES["reference/commands.md"]
    assert "Needs the right `admin`." in PAGES["reference/commands.md"]


def test_each_address_of_the_api_has_a_section() -> None:
    found = headings("http-api")
    assert {"GET /api/v1/cameras", "POST /api/v1/cameras/{camera}/record/start"} <= found
    assert "| 429 | Too many requests" in PAGES["reference/http-api.md"]


def test_each_public_name_has_a_section() -> None:
    assert {name for name in twistedcam.__all__ if name != "__version__"} <= headings("python")
    assert {"testing.CameraServer", "testing.FailingCamera"} <= headings("python")
    page = PAGES["reference/python.md"]
    assert "FailingCamera(size: tuple[int, int] = (640, 480), fps: float = 30.0)\n" in page
    assert "ServeOptions(…)\n" in page
    assert " at 0x" not in page
    assert "- `options`: its options." in PAGES["reference/python.md"]


def test_no_row_of_a_table_has_another_number_of_cells() -> None:
    for place, text in PAGES.items():
        width = 0
        for line in text.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (width and cells) or cells == width, f"{place}: {line}"
            width = cells
