"""Each option is one field, from which help, documentation and reload rules are derived."""

from __future__ import annotations

import re

from tools.option_table import DOCUMENT, in_document
from twistedcam.config.options import OPTIONS, ServeOptions
from twistedcam.config.toml_file import FILE_OPTIONS
from twistedcam.net.connection_limits import ConnectionLimits


def test_the_documented_table_is_the_one_that_the_fields_make() -> None:
    """``python -m tools.option_table`` writes the table."""
    text = DOCUMENT.read_text()
    assert in_document(text) == text
    keys = re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)
    assert sorted(keys) == sorted(FILE_OPTIONS)


def test_options_that_only_act_on_a_file_are_in_none() -> None:
    apart = OPTIONS.keys() - FILE_OPTIONS.keys()
    assert apart == {"audio", "camera", "record", "motion", "video", "publish", "config"}


def test_every_option_is_explained() -> None:
    for each in OPTIONS.values():
        assert each.option.help, each.key


def test_options_of_the_server_as_a_whole_need_a_restart() -> None:
    live = [key for key, each in OPTIONS.items() if each.option.is_live]
    assert live == ["process", "process-in", "publish", "record-format", "stopped"]


def test_a_server_that_a_program_makes_has_no_port_that_it_does_not_say() -> None:
    options = ServeOptions()
    assert (options.listen, options.control, options.http, options.keys) == ([], [], [], False)
    assert options.limits == ConnectionLimits()
    assert ServeOptions(max_snapshots=3).limits == ConnectionLimits(snapshots=3)
