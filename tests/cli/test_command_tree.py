"""All commands and options are found, with the values that they take."""

from __future__ import annotations

from twistedcam.cli.command_tree import ProgramCommand, ProgramOption, read_command_tree
from twistedcam.cli.main import COMMANDS
from twistedcam.commands import standard_commands
from twistedcam.config.options import OPTIONS

TREE = {each.name: each for each in read_command_tree().walk()}


def option(command: str, flag: str) -> ProgramOption:
    """An option by its flag."""
    return next(each for each in TREE[command].options if flag in each.flags)


def test_it_has_each_command_of_the_program_and_of_the_control_port() -> None:
    assert {name for name, _, _ in COMMANDS} <= TREE.keys()
    assert {f"ctl {each.name}" for each in standard_commands()} <= TREE.keys()
    assert {"token add", "token list", "token remove"} <= TREE.keys()


def test_it_has_the_options_that_help_shows() -> None:
    shown = {each.flag for each in OPTIONS.values() if each.option.in_help}
    assert shown <= {flag for each in TREE["serve"].options for flag in each.flags}


def test_options_have_the_values_that_they_take() -> None:
    assert option("serve", "--log-level").choices == ("debug", "info", "warn", "error", "critical")
    assert option("view", "--stats").choices == ("line", "json")
    assert option("serve", "--config").takes == "file"
    assert option("serve", "--recordings").takes == "folder"
    assert option("serve", "--camera").takes == "word"
    assert option("serve", "--stopped").takes == "nothing"
    assert {"view", "control", "admin"} <= set(option("token add", "--right").choices)
    assert option("ctl record start", "--every").metavar == "EVERY"


def test_a_word_that_only_begins_commands_has_no_usage_of_its_own() -> None:
    record = TREE["ctl record"]
    assert isinstance(record, ProgramCommand)
    assert record.usage == "ctl record …"
    assert [each.path[-1] for each in record.commands] == ["start", "stop", "save-last"]
