"""``twistedcam ctl``: sends one command to a server's control port, or shows a prompt."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from twistedcam.cli.colours import Styler
from twistedcam.cli.completion import Vocabulary
from twistedcam.cli.console import SUCCESS, WRONG, Console
from twistedcam.cli.tls_options import add_trust_arguments, read_token, read_trust
from twistedcam.clients.control.dialogue import DEFAULT_ENDPOINT
from twistedcam.errors import BadArgument, TwistedcamError
from twistedcam.runtime.extras import how_to_install
from twistedcam.runtime.home import home_folder

EXAMPLE = (
    "Examples: twistedcam ctl status · twistedcam ctl record start cam · "
    "twistedcam ctl --json viewers · twistedcam ctl watch · twistedcam ctl help"
)
PROMPT = "twistedcam> "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``ctl``."""
    parser.usage = "twistedcam ctl [-h] [--connect ENDPOINT] [--token TOKEN] [--json] [COMMAND …]"
    parser.epilog = EXAMPLE
    parser.add_argument(
        "--connect",
        metavar="ENDPOINT",
        default=DEFAULT_ENDPOINT,
        help="the control port: HOST:PORT, tls:HOST:PORT or unix:PATH (%(default)s)",
    )
    add_trust_arguments(parser)
    parser.add_argument("--json", action="store_true", help="show answers and events as JSON")
    parser.add_argument(
        "command",
        metavar="COMMAND",
        nargs=argparse.REMAINDER,
        help="a command and its arguments ('help' lists them); without one: a prompt",
    )


def run(arguments: argparse.Namespace) -> int:
    """Execute the command, or show a prompt; return the exit code."""
    words = list(arguments.command)
    if "--json" in words:  # also allowed after the command: no command has this option
        words.remove("--json")
        arguments.json = True
    if words[:1] == ["--"]:
        del words[0]
    styler = Styler.on(sys.stdout, dict(os.environ))
    trust, token = read_trust(arguments, os.environ), read_token(arguments, os.environ)
    console = Console(arguments.connect, token, arguments.json, styler=styler, trust=trust)
    try:
        return console.run(words) if words else run_prompt(console)
    finally:
        console.close()


def run_prompt(console: Console) -> int:
    """Read and execute commands until the end of input; return the exit code.

    Raises:
        BadArgument, NoServer: the server cannot be reached.
    """
    version = console.client.server_version
    if not sys.stdin.isatty():
        return run_lines(console, iter(sys.stdin.readline, ""))
    print(f"twistedcam {version} at {console.endpoint}: 'help' lists the commands, Ctrl-D quits")
    ask = _make_ask(console)
    return run_lines(console, _read_lines(ask))


def run_lines(console: Console, lines: Iterator[str]) -> int:
    """Execute lines; return the exit code of the last that failed, or 0."""
    code = SUCCESS
    for line in lines:
        try:
            words = shlex.split(line)
        except ValueError:
            print("twistedcam: a quote is not closed", file=sys.stderr)
            code = WRONG
            continue
        if [word.lower() for word in words] in (["quit"], ["exit"], ["bye"]):
            break
        try:
            if words:
                code = console.run(words) or code
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
            print()
    return code


def history_file() -> Path:
    """Return the path of the history (XDG base directory specification: state).

    Raises:
        BadArgument: this user has no home folder.
    """
    state = os.environ.get("XDG_STATE_HOME") or home_folder() / ".local" / "state"
    return Path(state) / "twistedcam" / "history"


def _read_lines(ask: Callable[[], str]) -> Iterator[str]:
    while True:
        try:
            yield ask()
        except KeyboardInterrupt:  # discards the line, as in a shell
            continue
        except EOFError:
            return


def _make_ask(console: Console) -> Callable[[], str]:
    try:
        return _make_rich_ask(console)
    except ImportError:
        print(f"for history and completion: {how_to_install('prompt')}")
        with contextlib.suppress(ImportError):  # not on Windows
            import readline  # noqa: F401 - adds line editing to input()
        return lambda: input(PROMPT)


def _make_rich_ask(console: Console) -> Callable[[], str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class ServerCompleter(Completer):
        """Completes commands and their arguments."""

        def get_completions(self, document: Document, _: CompleteEvent) -> Iterator[Completion]:
            text = document.text_before_cursor
            begun = 0 if not text or text[-1].isspace() else len(text.split()[-1])
            for word, about in vocabulary.candidates(text):
                yield Completion(shlex.quote(word), -begun, display=word, display_meta=about)

    try:
        vocabulary = Vocabulary.learn(console.client.ask)
    except TwistedcamError:
        vocabulary = Vocabulary()  # commands still work without completion

    class WithoutTokens(FileHistory):
        """Stores all commands but those with tokens."""

        def store_string(self, string: str) -> None:
            if string.split()[:1] != ["auth"]:
                super().store_string(string)

    try:
        file = history_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        history: WithoutTokens | InMemoryHistory = WithoutTokens(str(file))
    except (BadArgument, OSError):
        history = InMemoryHistory()
    session: PromptSession[str] = PromptSession(
        history=history,
        completer=ServerCompleter(),
        auto_suggest=AutoSuggestFromHistory(),
        complete_while_typing=False,
    )
    return lambda: session.prompt(PROMPT)
