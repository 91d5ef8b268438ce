"""docs/control-protocol.md lists the commands, codes, events and limits of the program."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from twistedcam import events
from twistedcam.commands import standard_commands
from twistedcam.errors import CommandError
from twistedcam.net import graceful_close
from twistedcam.servers.control import protocol, telnet
from twistedcam.servers.control.line_format import MAX_LINE
from twistedcam.servers.control.session import MAX_UNREAD_EVENTS

TEXT = (Path(__file__).parents[2] / "docs" / "control-protocol.md").read_text()


def test_the_table_of_commands_is_the_registry() -> None:
    rows = [f"| `{c.usage}` | {c.right} | {c.summary} |" for c in standard_commands()]
    table = TEXT.split("| command | right | |\n|---|---|---|\n")[1].split("\n\n")[0]
    assert table.splitlines() == rows


def test_every_error_code_is_in_the_table() -> None:
    table = TEXT.split("## Errors")[1].split("##")[0]
    documented = {
        code
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for code in re.findall("`([a-z-]+)`", row)
    }
    kinds: list[type[CommandError]] = [CommandError, *CommandError.__subclasses__()]
    assert documented == {kind.code for kind in kinds}


def test_every_event_and_its_fields_are_in_the_table() -> None:
    table = TEXT.split("## Events")[1].split("##")[0]
    for kind in events.Event.__subclasses__():
        (row,) = re.findall(rf"^\| `{kind.kind}` \|(.*)$", table, re.MULTILINE)
        assert {each.name for each in fields(kind)} <= set(re.findall("`([a-z]+)`", row))


def test_the_limits_are_the_program_s() -> None:
    limits = TEXT.split("## Limits")[1].split("##")[0]
    assert f"{MAX_LINE:,} bytes" in limits
    assert f"{telnet._MAX_SUBNEGOTIATION:,} bytes" in limits
    assert f"| {protocol.MAX_WAITING}, then" in limits
    assert f"{MAX_UNREAD_EVENTS // 1024} KiB" in limits
    assert f"{graceful_close.LINGER:g} s" in limits
