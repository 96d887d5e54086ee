r"""Completion in bash, zsh and fish: the script that a shell loads, and the answers that it gets.

Typer has scripts, too. They offer nothing at the first TAB in zsh, cut descriptions and take them
for markup, start the program twice in fish, and break words at ``=`` in bash.

A script hands the words over in the environment, joined by ``\x1f``; bash hands the line over, for
it breaks words at ``=`` and ``:``. The answer's first line says ``values`` or ``files``; a value,
and what is shown for it, follow on each further line.
"""

import contextlib
import functools
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from signalcli.cli.invocation import PROGRAM
from signalcli.cli.late import late

with late():
    import shellingham  # type: ignore[import-untyped]

VARIABLE = "_SIGNALCLI_COMPLETE"
WORDS, LINE = "_SIGNALCLI_WORDS", "_SIGNALCLI_LINE"
SEPARATOR = "\x1f"
# Options whose value may be a file, although it is read as a text.
PATH_OPTIONS = ("--app", "--database", "-d", "--from", "--output", "-o", "--profile-pic")

_BASH = """\
_signalcli_completion() {
    local answer line how
    answer="$(_SIGNALCLI_COMPLETE=complete_bash _SIGNALCLI_LINE="${COMP_LINE:0:$COMP_POINT}" \\
        _SIGNALCLI_BREAKS="$COMP_WORDBREAKS" _SIGNALCLI_KEY="$COMP_TYPE" "$1" 2>/dev/null)"
    COMPREPLY=()
    while IFS= read -r line; do
        if [ -z "$how" ]; then how="$line"; else COMPREPLY+=("$line"); fi
    done <<< "$answer"
    if [ "$how" = files ]; then
        compopt -o default 2>/dev/null
    elif [ "${#COMPREPLY[@]}" -eq 1 ] && [[ "${COMPREPLY[0]}" == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _signalcli_completion signalcli 2>/dev/null ||
    complete -F _signalcli_completion signalcli
"""

_ZSH = """\
#compdef signalcli
_signalcli() {
    local -a typed lines values shown open open_shown
    local line
    typed=("${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}")
    lines=("${(@f)$(_SIGNALCLI_COMPLETE=complete_zsh _SIGNALCLI_WORDS="${(pj:\\x1f:)typed}" \\
        ${~typed[1]} 2>/dev/null)}")
    if [[ $lines[1] == files ]]; then
        _files
        return
    fi
    for line in "${(@)lines[2,-1]}"; do
        if [[ ${line%%$'\\t'*} == *= ]]; then
            open+=("${line%%$'\\t'*}") open_shown+=("${line#*$'\\t'}")
        else
            values+=("${line%%$'\\t'*}") shown+=("${line#*$'\\t'}")
        fi
    done
    (( $#values )) && compadd -V signalcli -l -d shown -- "${(@)values}"
    (( $#open )) && compadd -V signalcli -l -S '' -d open_shown -- "${(@)open}"
    (( $#values + $#open ))
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _signalcli "$@"
else
    compdef _signalcli signalcli
fi
"""

_FISH = """\
function __signalcli_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -a words "$last"
    set -l typed (string join \\x1f -- $words | string collect)
    set -l asked _SIGNALCLI_COMPLETE=complete_fish _SIGNALCLI_WORDS="$typed"
    set -l lines (env $asked $words[1] 2>/dev/null)
    if test "$lines[1]" = files
        __fish_complete_path "$last"
    else if test (count $lines) -gt 1
        printf '%s\\n' $lines[2..]
    end
end
complete --command signalcli --no-files --keep-order --arguments '(__signalcli_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


class Asked(NamedTuple):
    """What a shell asks for.

    Attributes:
        words: the words before the one under the cursor, without the program's name.
        incomplete: the word under the cursor, up to it.
    """

    words: list[str]
    incomplete: str


class Item(NamedTuple):
    """What a shell is offered.

    Attributes:
        value: the whole word.
        text: what it stands for.
    """

    value: str
    text: str


def is_asked() -> bool:
    """Whether one of our scripts asks for completions."""
    return VARIABLE in os.environ and (WORDS in os.environ or LINE in os.environ)


def answer(program: Any) -> str:
    """The answer to the script that asks; an empty list where anything goes wrong.

    Arguments:
        program: the whole program, as a command of Typer's.
    """
    shell = os.environ[VARIABLE].removeprefix("complete_")
    asked = _asked()
    items: list[Item] | None = []
    # What apps print when they are imported is no part of the answer.
    with contextlib.suppress(Exception), contextlib.redirect_stdout(sys.stderr):
        items = _items(program, asked)
    if items is None:
        return "files"
    form = {"bash": _for_bash, "zsh": _for_zsh}.get(shell, _for_fish)
    return "\n".join(["values", *form(items, asked)])


def _asked() -> Asked:
    if LINE in os.environ:
        words, incomplete = _split(os.environ[LINE])
        return Asked(words[1:], incomplete)
    _, *words, incomplete = os.environ[WORDS].split(SEPARATOR)
    return Asked(words, incomplete)


def _split(line: str) -> tuple[list[str], str]:
    """The words of a line as a shell reads them, and the one that it ends in."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        # A quotation or an escape is still open.
        return words, lexer.token
    is_between = not line or (line[-1].isspace() and line[-2:-1] != "\\")
    return (words, "") if is_between else (words[:-1], words[-1])


def _items(program: Any, asked: Asked) -> list[Item] | None:
    """What fits; None where the shell is to offer files."""
    words, incomplete = list(asked.words), asked.incomplete
    found = _completer(program).get_completions(list(words), incomplete)
    if any(item.type in ("file", "dir") for item in found):
        return None
    # Of --option=value, the values are found, and the shell wants whole words.
    is_joined = incomplete.startswith("--") and "=" in incomplete
    before = incomplete.partition("=")[0] + "=" if is_joined else ""
    items = [Item(before + item.value, " ".join((item.help or "").split())) for item in found]
    if not items and _is_path(words, incomplete):
        return None
    return items


def _is_path(words: Sequence[str], incomplete: str) -> bool:
    if incomplete.startswith("-"):
        return False
    commands = [word for word in words if not word.startswith("-")]
    return words[-1:] != [] and (words[-1] in PATH_OPTIONS or commands[:1] == ["batch"])


def _completer(program: Any) -> Any:
    """What finds completions: Click's, or the copy of it that newer Typers have inside."""
    package = TyperGroup.__mro__[1].__module__.rpartition(".")[0]
    base: Any = import_module(f"{package}.shell_completion").ShellComplete
    # What is abstract there reads and writes for a shell, as we do ourselves.
    unneeded = dict.fromkeys(getattr(base, "__abstractmethods__", ()))
    kind = type("_Completer", (base,), unneeded)
    return kind(program, {}, PROGRAM, VARIABLE)


def _for_bash(items: Sequence[Item], asked: Asked) -> list[str]:
    """Bash puts each in the place of what follows the last break; it shows them as they are."""
    breaks = [mark for mark in "=:" if mark in os.environ.get("_SIGNALCLI_BREAKS", "=:")]
    cut = max((asked.incomplete.rfind(mark) + 1 for mark in breaks), default=0)
    # While it goes from one to the next at each key, each has to be the word alone.
    if len(items) > 1 and os.environ.get("_SIGNALCLI_KEY") not in ("37", "42"):
        return [shown[cut:] for shown in _shown(items)]
    return [re.sub(r"([^\w@%+=:,./-])", r"\\\1", item.value[cut:]) for item in items]


def _for_zsh(items: Sequence[Item], asked: Asked) -> list[str]:
    return [f"{item.value}\t{shown}" for item, shown in zip(items, _shown(items), strict=True)]


def _for_fish(items: Sequence[Item], asked: Asked) -> list[str]:
    return [f"{item.value}\t{item.text}" if item.text else item.value for item in items]


def _shown(items: Sequence[Item]) -> list[str]:
    """The values in a column, and beside it what they stand for."""
    width = max((len(item.value) for item in items), default=0)
    return [f"{item.value.ljust(width)}  {item.text}".rstrip() for item in items]


def install(shell: str) -> None:
    """Have a shell load our script from now on."""
    home = Path.home()
    if shell == "fish":
        folder = (
            Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "fish" / "completions"
        )
        script = folder / f"{PROGRAM}.fish"
    elif shell == "zsh":
        script = home / ".zfunc" / f"_{PROGRAM}"
        start = Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
        _add(start, "fpath+=~/.zfunc; autoload -Uz compinit; compinit")
    else:
        script = home / ".bash_completions" / f"{PROGRAM}.sh"
        _add(home / ".bashrc", f"source '{script}'")
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(SCRIPTS[shell], encoding="utf-8")
    typer.echo(f"{shell} completion installed in {script}")
    typer.echo("It takes effect in the next shell that you start.")


def _add(file: Path, line: str) -> None:
    """Add a line to a file that may not be there; nothing where the file has it."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if line not in text.splitlines():
        gap = "" if not text or text.endswith("\n") else "\n"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}{gap}{line}\n", encoding="utf-8")


def show(shell: str) -> None:
    """Print our script for a shell."""
    typer.echo(SCRIPTS[shell], nl=False)


def _around() -> str:
    """The shell that the program was started from, or else the one of the user's account."""
    with contextlib.suppress(Exception):
        return str(shellingham.detect_shell()[0])
    return Path(os.environ.get("SHELL", "")).name


def take_over(program: Any) -> None:
    """Have Typer's options of the program install and show our scripts."""
    for parameter in program.params:
        serve = {"install_completion": install, "show_completion": show}.get(parameter.name)
        if serve is not None:
            parameter.callback = functools.partial(_serve, serve, parameter.callback)


def _serve(
    serve: Callable[[str], None], of_typer: Callable[..., Any], ctx: Any, parameter: Any, value: Any
) -> Any:
    """Called for an option: serve the shell. For others than ours, Typer has scripts."""
    if not value or ctx.resilient_parsing:
        return value
    shell = _around() if value is True else str(getattr(value, "value", value))
    if shell not in SCRIPTS:
        return of_typer(ctx, parameter, value)
    serve(shell)
    raise typer.Exit
