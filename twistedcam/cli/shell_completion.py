"""``twistedcam completion``: prints a script by which a shell completes commands and options."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable

from twistedcam.cli.command_tree import ProgramCommand, ProgramOption, read_command_tree
from twistedcam.cli.completion import NEWEST

#: Prints the names of the cameras of this machine's server, one a line.
_CAMERAS = "twistedcam ctl cameras 2> /dev/null | sed -n 's/^url_name: //p'"
#: Print the names of its newest recordings, and of its snapshots.
_RECORDINGS = (
    f"twistedcam ctl recordings --limit {NEWEST} 2> /dev/null | sed -n 's/^recording: //p'",
    "twistedcam ctl snapshots 2> /dev/null | sed -n 's/^snapshot: //p'",
)
EXAMPLE = """For this shell, and then for all later ones:

  bash  source <(twistedcam completion bash)
        twistedcam completion bash > ~/.local/share/bash-completion/completions/twistedcam
  zsh   source <(twistedcam completion zsh)
        twistedcam completion zsh > DIR/_twistedcam, with DIR in $fpath
  fish  twistedcam completion fish | source
        twistedcam completion fish > ~/.config/fish/completions/twistedcam.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``completion``."""
    parser.add_argument("shell", choices=tuple(_SHELLS), help="the shell")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE


def run(arguments: argparse.Namespace) -> int:
    """Print the script; return the exit code."""
    print(make_script(arguments.shell), end="")
    return 0


def make_script(shell: str) -> str:
    """Return the script for ``bash``, ``zsh`` or ``fish``."""
    return _SHELLS[shell](read_command_tree())


def _bash(program: ProgramCommand) -> str:
    lines = [
        "# Completion of twistedcam for bash, made by 'twistedcam completion bash'.",
        "_twistedcam() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}",
        "    local path= word words= i",
        "    COMPREPLY=()",
        "    # bash divides --option=value into three words",
        '    if [[ $cur == "=" ]]; then cur=; '
        'elif [[ $prev == "=" ]]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi',
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        "        word=${path:+$path }${COMP_WORDS[i]}",
        f"        case $word in {_patterns(program)}) path=$word ;; esac",
        "    done",
        '    case "$path|$prev" in',
    ]
    for names, option in _values(program):
        lines.append(f"        {'|'.join(map(_quote, names))})")
        if option.choices:
            made = f'compgen -W {shlex.quote(" ".join(option.choices))} -- "$cur"'
            lines.append(f"            COMPREPLY=($({made}))")
        elif option.takes != "word":
            kind = "-f" if option.takes == "file" else "-d"
            lines.append("            compopt -o filenames 2> /dev/null")
            lines.append(f'            COMPREPLY=($(compgen {kind} -- "$cur"))')
        lines.append("            return ;;")
    lines += ["    esac", "    case $path in"]
    for each in program.walk():
        options = " ".join(flag for option in each.options for flag in option.flags)
        words = " ".join(_words(each))
        lines.append(f"        {_quote(each.name)})")
        lines.append(f"            words={shlex.quote(words)}")
        lines.append(f"            [[ $cur == -* ]] && words={shlex.quote(options)} ;;")
    lines += [
        "    esac",
        f"    case $path in {_camera_patterns(program)})",
        f'        [[ $cur == -* ]] || words+=" $({_CAMERAS})" ;; esac',
        '    COMPREPLY=($(compgen -W "$words" -- "$cur"))',
        f"    case $path in {_recording_patterns(program)})",
        "        # a file name may have spaces",
        "        while IFS= read -r word; do",
        '            printf -v word %q "$word"',
        '            [[ $word == "$cur"* ]] && COMPREPLY+=("$word")',
        f"        done < <({'; '.join(_RECORDINGS)}) ;; esac",
        "}",
        "complete -F _twistedcam twistedcam",
        "",
    ]
    return "\n".join(lines)


def _zsh(program: ProgramCommand) -> str:
    lines = [
        "#compdef twistedcam",
        "# Completion of twistedcam for zsh, made by 'twistedcam completion zsh'.",
        "_twistedcam() {",
        "    local cmd= word i previous=${words[CURRENT-1]}",
        "    local -a found options",
        "    for ((i = 2; i < CURRENT; i++)); do",
        "        word=${cmd:+$cmd }${words[i]}",
        f"        case $word in {_patterns(program)}) cmd=$word ;; esac",
        "    done",
        "    if compset -P '--*='; then previous=${IPREFIX%=}; fi",
        '    case "$cmd|$previous" in',
    ]
    for names, option in _values(program):
        lines.append(f"        {'|'.join(map(_quote, names))})")
        if option.choices:
            lines.append(f"            compadd -- {shlex.join(option.choices)}")
        elif option.takes != "word":
            lines.append(f"            _files{' -/' * (option.takes == 'folder')}")
        else:
            lines.append(f"            _message {_quote(option.metavar)}")
        lines.append("            return ;;")
    lines += ["    esac", "    case $cmd in"]
    for each in program.walk():
        lines.append(f"        {_quote(each.name)})")
        commands = {**_summaries(each), **dict.fromkeys(_choices(each), "")}
        options = {flag: option.help for option in each.options for flag in option.flags}
        lines.append(f"            found=({_described(commands)})")
        lines.append(f"            options=({_described(options)}) ;;")
    files = "; ".join(_RECORDINGS)
    lines += [
        "    esac",
        f"    case $cmd in {_camera_patterns(program)})",
        f'        [[ $PREFIX == -* ]] || found+=(${{(f)"$({_CAMERAS})"}}) ;; esac',
        f"    case $cmd in {_recording_patterns(program)})",
        f'        [[ $PREFIX == -* ]] || {{ compadd -- ${{(f)"$({files})"}}; return }} ;; esac',
        "    if [[ $PREFIX == -* ]]; then _describe -o option options; "
        "else _describe command found; fi",
        "}",
        "# Loaded by $fpath, this file is the function itself.",
        'if [[ $funcstack[1] == _twistedcam ]]; then _twistedcam "$@"; '
        "else compdef _twistedcam twistedcam; fi",
        "",
    ]
    return "\n".join(lines)


def _fish(program: ProgramCommand) -> str:
    names = [each.name for each in program.walk() if each.path]
    lines = [
        "# Completion of twistedcam for fish, made by 'twistedcam completion fish'.",
        "function __twistedcam_at --description 'True if the line has this command so far'",
        f"    set -l known {shlex.join(names)}",
        "    set -l path",
        "    for word in (commandline -opc)[2..-1]",
        '        if contains -- (string join -- " " $path $word) $known',
        "            set -a path $word",
        "        end",
        "    end",
        '    set -l joined (string join -- " " $path)',
        '    test "$joined" = "$argv"',
        "end",
        "complete -c twistedcam -f",
    ]
    for each in program.walk():
        begin = f"complete -c twistedcam -n {_quote(f'__twistedcam_at {each.name}'.strip())}"
        for word, text in _summaries(each).items():
            lines.append(f"{begin} -a {_quote(word)}{_about(text)}")
        if each.takes_camera:
            lines.append(f"{begin} -a {_quote(f'({_CAMERAS})')} -d camera")
        if each.takes_recording:
            lines += [f"{begin} -a {_quote(f'({made})')} -d recording" for made in _RECORDINGS]
        if choices := _choices(each):
            lines.append(f"{begin} -a {_quote(' '.join(choices))}")
        for option in each.options:
            line = begin
            for flag in option.flags:
                line += f" -l {flag[2:]}" if flag.startswith("--") else f" -s {flag[1:]}"
            if option.choices:
                line += f" -x -a {_quote(' '.join(option.choices))}"
            elif option.takes == "file":
                line += " -r -F"
            elif option.takes == "folder":
                line += " -x -a '(__fish_complete_directories)'"
            elif option.takes == "word":
                line += " -x"
            lines.append(line + _about(option.help))
    return "\n".join([*lines, ""])


_SHELLS: dict[str, Callable[[ProgramCommand], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def _camera_patterns(program: ProgramCommand) -> str:
    """Return the names of the commands that take a camera as a pattern of ``case``."""
    return "|".join(_quote(each.name) for each in program.walk() if each.takes_camera)


def _recording_patterns(program: ProgramCommand) -> str:
    """Return the names of the commands that take a recording as a pattern of ``case``."""
    return "|".join(_quote(each.name) for each in program.walk() if each.takes_recording)


def _patterns(program: ProgramCommand) -> str:
    """Return the names of all commands as a pattern of ``case``."""
    return "|".join(_quote(each.name) for each in program.walk() if each.path)


def _values(program: ProgramCommand) -> Iterable[tuple[list[str], ProgramOption]]:
    """Yield each option that takes a value, with the patterns ``command|--flag`` before it."""
    for each in program.walk():
        for option in each.options:
            if option.metavar:
                yield [f"{each.name}|{flag}" for flag in option.flags], option


def _summaries(command: ProgramCommand) -> dict[str, str]:
    """Return the commands below a command, with what they do."""
    return {each.path[-1]: each.help for each in command.commands}


def _choices(command: ProgramCommand) -> list[str]:
    """Return the words that the operands of a command may be."""
    return [choice for operand in command.operands for choice in operand.choices]


def _words(command: ProgramCommand) -> list[str]:
    return [*_summaries(command), *_choices(command)]


def _described(words: dict[str, str]) -> str:
    """Return items for zsh's ``_describe``: ``word:text``."""
    items = (
        word.replace(":", r"\:") + (f":{text}" if text else "") for word, text in words.items()
    )
    return " ".join(map(_quote, items))


def _about(text: str) -> str:
    return f" -d {_quote(text)}" if text else ""


def _quote(text: str) -> str:
    """Return a text in single quotes, which all three shells read in the same way."""
    return "'" + text.replace("'", "'\\''") + "'"
