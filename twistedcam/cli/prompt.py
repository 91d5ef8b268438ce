"""``twistedcam ctl`` without a command: a prompt, with history and completion."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from twistedcam.cli.completion import Vocabulary
from twistedcam.cli.console import INSTALL_PROMPT, WELL, WRONG, Console
from twistedcam.errors import TwistedcamError

PROMPT = "twistedcam> "
_PLAIN = f"for history and completion: {INSTALL_PROMPT}"


def run_prompt(console: Console) -> int:
    """Ask for commands until the end of input; the exit code.

    Raises:
        BadArgument, NoServer: there is no server to begin with.
    """
    version = console.client.server_version
    if not sys.stdin.isatty():
        return run_lines(console, iter(sys.stdin.readline, ""))
    print(f"twistedcam {version} at {console.endpoint}: 'help' lists the commands, Ctrl-D leaves")
    ask = _make_ask(console)
    return run_lines(console, _typed(ask))


def run_lines(console: Console, lines: Iterator[str]) -> int:
    """Carry out one line after the other; the exit code of the last that failed, or 0."""
    code = WELL
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
    """Where typed commands are kept (XDG base directory specification: state)."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "twistedcam" / "history"


def _typed(ask: Callable[[], str]) -> Iterator[str]:
    while True:
        try:
            yield ask()
        except KeyboardInterrupt:  # the line is thrown away, as in a shell
            continue
        except EOFError:
            return


def _make_ask(console: Console) -> Callable[[], str]:
    try:
        return _rich(console)
    except ImportError:
        print(_PLAIN)
        with contextlib.suppress(ImportError):  # Windows has none
            import readline  # noqa: F401 - it gives input() its editing
        return lambda: input(PROMPT)


def _rich(console: Console) -> Callable[[], str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class ServerCompleter(Completer):
        """Completes from what the server can be asked."""

        def get_completions(self, document: Document, _: CompleteEvent) -> Iterator[Completion]:
            text = document.text_before_cursor
            begun = 0 if not text or text[-1].isspace() else len(text.split()[-1])
            for word, about in vocabulary.candidates(text):
                yield Completion(shlex.quote(word), -begun, display=word, display_meta=about)

    try:
        vocabulary = Vocabulary.learn(console.client.ask)
    except TwistedcamError:
        vocabulary = Vocabulary()  # typed without completion, it works all the same

    class WithoutTokens(FileHistory):
        """Keeps what was typed, but for what opens the server."""

        def store_string(self, string: str) -> None:
            if string.split()[:1] != ["auth"]:
                super().store_string(string)

    file = history_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        history: WithoutTokens | InMemoryHistory = WithoutTokens(str(file))
    except OSError:
        history = InMemoryHistory()
    session: PromptSession[str] = PromptSession(
        history=history,
        completer=ServerCompleter(),
        auto_suggest=AutoSuggestFromHistory(),
        complete_while_typing=False,
    )
    return lambda: session.prompt(PROMPT)
