"""The pages of the reference, made from the code: command line, commands, HTTP API, Python."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import twistedcam
from twistedcam import testing
from twistedcam.cli.command_tree import ProgramCommand, ProgramOption, read_command_tree
from twistedcam.commands import standard_commands
from twistedcam.config.options import OPTIONS
from twistedcam.errors import TwistedcamError
from twistedcam.servers.http.api.commands import operations
from twistedcam.servers.http.api.openapi import describe

#: Longer signatures are left out: ServeOptions has an argument for each option.
_MAX_SIGNATURE = 600
_MADE = "This page is made from the code."


def pages() -> dict[str, str]:
    """Return all pages of the reference by their paths below docs/."""
    return {
        "reference/command-line.md": _join(command_line()),
        "reference/options.md": _join(options()),
        "reference/commands.md": _join(commands()),
        "reference/http-api.md": _join(http_api()),
        "reference/python.md": _join(python()),
    }


def command_line() -> Iterator[str]:
    """Yield the lines of the page about the commands and options of the program."""
    yield from ("# Command line", "", f"{_MADE} `twistedcam man` shows the same as a manual page.")
    for each in read_command_tree().walk():
        if each.path and (each.path[0] != "ctl" or each.path == ("ctl",)):
            yield from _command(each)
    yield "`twistedcam ctl` takes the [commands of the control port](commands.md)."


def _command(command: ProgramCommand) -> Iterator[str]:
    yield from ("", f"## twistedcam {command.name}", "", f"{_sentence(command.help)}", "")
    yield from ("```text", f"twistedcam {command.usage}", "```", "")
    rows = [each for each in (*command.operands, *command.options) if each.flags[:1] != ("-h",)]
    if rows:
        yield from ("| | |", "|---|---|")
        for each in rows:
            yield f"| {_head(each)} | {_cell(each.help)} |"


def _head(option: ProgramOption) -> str:
    flags = ", ".join(f"`{flag}`" for flag in option.flags)
    return " ".join(filter(None, (flags, f"`{_cell(option.metavar)}`" if option.metavar else "")))


def options() -> Iterator[str]:
    """Yield the lines of the page about all options of a server."""
    yield from ("# Options", "", _MADE)
    yield "An option is given on the command line, or as a key of the configuration file."
    yield "[Configuration](../configuration.md) explains the file and the tables of cameras."
    yield from ("", "| option | key | value | default | |", "|---|---|---|---|---|")
    for each in OPTIONS.values():
        option = each.option
        value = "" if each.type is bool else each.reader.metavar or each.key.upper()
        text = _cell(option.help)
        if option.page:
            text += f" ([{option.page.partition('#')[0]}](../{option.page}))"
        cells = (each.flag, each.key if option.in_file else "", value, each.shown_default)
        shown = " | ".join(f"`{_cell(cell)}`" if cell else "" for cell in cells)
        yield f"| {shown} | {text} |"


def commands() -> Iterator[str]:
    """Yield the lines of the page about the commands of the control port."""
    yield from ("# Commands", "", _MADE)
    yield "The commands are the same for telnet, `twistedcam ctl`, MQTT and the HTTP API."
    yield "[Control protocol](../control-protocol.md) explains answers, errors and events."
    for each in standard_commands():
        yield from ("", f"## {each.name}", "", "```text", each.usage, "```", "")
        yield from each.help.splitlines()
        right = "no token" if each.before_auth else f"the right `{each.right}`"
        yield from ("", f"Needs {right}.")


def http_api() -> Iterator[str]:
    """Yield the lines of the page about the HTTP API."""
    yield from ("# HTTP API", "", _MADE)
    yield "A server has the same as OpenAPI 3.1 at `/api/v1/openapi.json`."
    yield "[The HTTP server](../http.md) explains streams, events, errors and tokens."
    description = describe(operations(standard_commands()), [])
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield from ("", f"## {method.upper()} {path}", "", operation["summary"])
            yield from _parameters(operation)
    schema = description["components"]["schemas"]["Error"]["properties"]["code"]
    yield from ("", "## Errors", "", "| status | meaning |", "|---|---|")
    for status, response in description["components"]["responses"].items():
        yield f"| {status} | {_cell(response['description'])} |"
    yield from ("", f'The body is `{{"code": …, "message": …}}`. Codes: {schema["description"]}.')


def _parameters(operation: dict[str, Any]) -> Iterator[str]:
    rows = [
        (each["name"], each["in"], each.get("required", False), each.get("description", ""))
        for each in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = body.get("schema", {})
    for name, found in schema.get("properties", {}).items():
        rows.append(
            (name, "body", name in schema.get("required", ()), found.get("description", ""))
        )
    if rows:
        yield from ("", "| parameter | in | |", "|---|---|---|")
        for name, place, required, text in rows:
            yield f"| `{name}` | {place} | {_cell(text or ('required' if required else ''))} |"


def python() -> Iterator[str]:
    """Yield the lines of the page about the public names of the package."""
    yield from ("# Python", "", _MADE)
    yield "[Frames in your own program](../embedding.md) has examples."
    names = {name: getattr(twistedcam, name) for name in sorted(twistedcam.__all__, key=str.lower)}
    names |= {f"testing.{name}": getattr(testing, name) for name in testing.__all__}
    del names["__version__"]
    for name, found in names.items():
        yield from ("", f"## {name}", "", "```python", _signature(name, found), "```", "")
        yield from _docstring(found)
        if inspect.isclass(found) and not issubclass(found, TwistedcamError):
            yield from _members(found)


def _members(kind: type) -> Iterator[str]:
    for name, member in inspect.getmembers(kind):
        plain = inspect.isfunction(member) or inspect.ismethod(member)
        own = name in vars(kind) and not name.startswith("_")
        if own and (plain or isinstance(member, property)) and inspect.getdoc(member):
            head = f"{name}" if isinstance(member, property) else _signature(name, member)
            yield from ("", f"### {kind.__name__}.{name}", "", "```python", head, "```", "")
            yield from _docstring(member)


def _signature(name: str, found: Any) -> str:
    """Return a signature as it is written in a program: annotations are texts here."""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return name
    parameters = [each for each in signature.parameters.values() if each.name != "self"]
    result = inspect.Signature.empty if inspect.isclass(found) else signature.return_annotation
    shown = signature.replace(parameters=parameters, return_annotation=result)
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(shown))
    text = re.sub(r"<function .*? at 0x[0-9a-f]+>|<factory>", "…", text)
    return name + (text if len(text) <= _MAX_SIGNATURE else "(…)")


def _docstring(found: Any) -> Iterator[str]:
    """Yield a docstring as Markdown: sections of arguments become lists."""
    for line in (inspect.getdoc(found) or "").splitlines():
        text = (
            line.strip()
            .replace("``", "`")
            .replace(":class:", "")
            .replace("~twistedcam", "twistedcam")
        )
        if line.startswith("    ") and not line.startswith("     ") and ": " in text:
            name, _, about = text.partition(": ")
            yield f"- `{name}`: {about}"
        elif line.startswith("    "):
            yield f"  {text}"
        else:
            yield from (f"{text}", "") if text.endswith(":") else (text,)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _cell(text: str) -> str:
    """Return a text for a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _join(lines: Iterator[str]) -> str:
    return "\n".join([*lines, ""])
