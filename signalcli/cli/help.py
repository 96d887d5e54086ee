"""The help: what a command takes, on one screen, and topics that hold for every command."""

import inspect
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer

from signalcli.cli.invocation import PROGRAM, Settings, current
from signalcli.cli.late import late
from signalcli.cli.problems import EXIT_CODES, TRACEBACK_VARIABLE, write_document
from signalcli.errors import NotFound, UsageError, exit_codes

with late():
    from signalcli.cli import app, options

MOST_COLUMNS = 100
LEAST_COLUMNS = 40
WIDEST_NAMES = 30

_SHARED = ("Global options", "Faults on purpose")
_FOOT = f"For all commands: {PROGRAM} help options, {PROGRAM} help exit-codes."


class Definition(NamedTuple):
    """An entry of a list in the help.

    Attributes:
        names: what is defined: a command, an option with its names, an exit code.
        text: what it means.
    """

    names: str
    text: str


def help_of_command(command: Any, ctx: Any) -> str:
    """The help of a command: its arguments and options, without those that all commands share.

    ``-h`` leaves out what only some readers need.

    Arguments:
        command: the command, as Typer has it.
        ctx: its context.
    """
    summary, more, example = _parted(command.help or "")
    sections: dict[str, list[Definition]] = {}
    for parameter in command.params:
        panel = getattr(parameter, "rich_help_panel", None) or ""
        if panel not in _SHARED and not parameter.hidden:
            sections.setdefault(panel, []).append(_definition_of(parameter))
    is_short = "-h" in current().arguments
    return _page(
        _usage(command, ctx),
        summary,
        [] if is_short else more,
        sections,
        [*([example] if example else []), _FOOT],
    )


def help_of_group(
    group: Any, ctx: Any, panels: Iterable[tuple[str | None, Mapping[str, str]]]
) -> str:
    """The help of a group of commands: all of them, each on a line.

    Arguments:
        group: the group, as Typer has it.
        ctx: its context.
        panels: the headings and, below each, what the commands do, by their names.
    """
    summary, more, example = _parted(group.help or "")
    sections = {
        title or "Commands": [Definition(name, text) for name, text in commands.items()]
        for title, commands in panels
    }
    own = [
        _definition_of(parameter)
        for parameter in group.params
        if (getattr(parameter, "rich_help_panel", None) or "") not in _SHARED
        and not parameter.hidden
        and not parameter.name.endswith("_completion")
    ]
    if own:
        sections = {"": own, **sections}
    path = ctx.command_path
    words = path.partition(" ")[2]
    foot = f"More: {PROGRAM} help {f'{words} ' if words else ''}COMMAND. {_FOOT}"
    return _page(_usage(group, ctx), summary, more, sections, [*filter(None, [example]), foot])


def _parted(text: str) -> tuple[str, list[str], str]:
    """The first sentence of a help text, its further paragraphs, and its example."""
    first, *further = [" ".join(each.split()) for each in inspect.cleandoc(text).split("\n\n")]
    example = further.pop() if further and further[-1].startswith("Example: ") else ""
    return first, further, example


def _usage(command: Any, ctx: Any) -> str:
    """The form of a command line, with brackets around what may be left out."""
    names = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            name = _name_of(parameter)
            several = "..." if parameter.nargs == -1 else ""
            names.append(f"{name if parameter.required else f'[{name}]'}{several}")
    if hasattr(command, "list_commands"):
        names.append("COMMAND ...")
    return f"Usage: {ctx.command_path} [OPTIONS] {' '.join(names)}".rstrip()


def _definition_of(parameter: Any) -> Definition:
    """An argument or an option, with its names and what it means."""
    text = parameter.help or ""
    if parameter.param_type_name == "argument":
        return Definition(_name_of(parameter), text)
    short = [name for name in parameter.opts if not name.startswith("--")]
    long = [name for name in parameter.opts if name.startswith("--")]
    names = ", ".join([*short, *long, *parameter.secondary_opts])
    if not parameter.is_flag:
        names += f" {parameter.metavar or 'VALUE'}"
    if parameter.show_default and not parameter.is_flag and parameter.default not in (None, ""):
        text += f" Default: {parameter.default}."
    return Definition(names, text)


def _name_of(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper()).strip("[]")


def _page(
    usage: str,
    summary: str,
    more: Sequence[str],
    sections: Mapping[str, Sequence[Definition]],
    foot: Sequence[str],
) -> str:
    width = min(max(shutil.get_terminal_size().columns, LEAST_COLUMNS), MOST_COLUMNS)
    lines = [*_filled(usage, width, "       "), "", *_filled(summary, width)]
    for paragraph in more:
        lines += ["", *_filled(paragraph, width)]
    # One column for all sections, or for each its own where names differ too much in length.
    for title, definitions in sections.items():
        if not title or title == next(iter(sections)):
            lines.append("")
        if title:
            lines.append(_heading(title))
        lines += _listed(definitions, width)
    lines.append("")
    for each in foot:
        # An example is copied: it stays on one line.
        lines += [each] if each.startswith("Example: ") else _filled(each, width)
    return "\n".join(lines)


def _filled(text: str, width: int, further: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent=further, break_on_hyphens=False, break_long_words=False
    )


def _heading(title: str) -> str:
    is_plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    return f"{title}:" if is_plain else typer.style(f"{title}:", bold=True)


def _listed(definitions: Iterable[Definition], width: int) -> Iterator[str]:
    """A list in two columns; a name that is too long has a line of its own."""
    known = list(definitions)
    most = min(WIDEST_NAMES, width // 2)
    column = max((len(each.names) for each in known if len(each.names) <= most), default=most)
    blanks = " " * (column + 4)
    for names, text in known:
        first, *further = _filled(text, width - len(blanks)) or [""]
        if len(names) > column:
            yield f"  {names}"
            further = [first, *further]
        else:
            yield f"  {names.ljust(column)}  {first}".rstrip()
        yield from (blanks + line for line in further)


TOPICS = {
    "options": "Options that every command takes, before or after its name.",
    "exit-codes": "Exit codes, the same for every command.",
    "settings": "Variables and files that set what options set.",
}

_MORE_CODES = {
    74: "the output cannot be written",
    129: "ended by SIGHUP",
    141: "ended by a closed pipe",
    143: "ended by SIGTERM",
}


def complete_topic(incomplete: str) -> list[tuple[str, str]]:
    """The topics and commands that begin like that, each with what it is about."""
    known = {**TOPICS, **app.summaries()}
    return [(name, text) for name, text in known.items() if name.startswith(incomplete)]


def show_help(
    settings: Settings,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC]",
            help="A command, or one of: options, exit-codes, settings.",
            autocompletion=complete_topic,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show the help of a command, or of what all commands share.

    Example: signalcli help exit-codes
    """
    wanted = words or []
    topic = " ".join(wanted)
    if topic in TOPICS:
        sections = {
            "options": _options,
            "exit-codes": _codes,
            "settings": _settings,
        }[topic]()
        if settings.json:
            rows = [definition._asdict() for each in sections.values() for definition in each]
            write_document("help", result=rows)
        else:
            typer.echo(_page(f"{PROGRAM} help {topic}", TOPICS[topic], [], sections, []).rstrip())
        return
    if settings.json:
        raise UsageError("the help of a command is for people; leave --json out")
    try:
        app.program()([*wanted, "--help"], prog_name=PROGRAM, standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        raise NotFound(
            f"there is no command and no topic {topic!r}; the topics are {', '.join(TOPICS)}"
        ) from error


def _options() -> dict[str, list[Definition]]:
    """The options that every command takes, by their sections."""
    program = app.program()
    sections: dict[str, list[Definition]] = {}
    for parameter in program.params:
        if parameter.name.endswith("_completion"):
            sections.setdefault("Completion, without a command", []).append(
                _definition_of(parameter)
            )
        elif not parameter.hidden:
            names, text = _definition_of(parameter)
            variable = getattr(parameter, "envvar", None)
            said = f" Variable: {variable}." if variable and str(variable) not in text else ""
            sections.setdefault(parameter.rich_help_panel or "", []).append(
                Definition(names, text + said)
            )
    return {**sections, "The help": [Definition("-h, --help", "Show the help; -h the short one.")]}


def _codes() -> dict[str, list[Definition]]:
    """Every exit code, and the words for errors in JSON documents."""
    codes = dict(sorted({**EXIT_CODES, **_MORE_CODES}.items()))
    words = sorted(exit_codes().items(), key=lambda item: (item[1], item[0]))
    return {
        "": [Definition(str(code), meaning) for code, meaning in codes.items()],
        "Words for errors in JSON": [Definition(word, f"exit code {code}") for word, code in words],
    }


def _settings() -> dict[str, list[Definition]]:
    """The variables, and the keys of the settings file."""
    return {
        "Variables": [
            *(Definition(each.variable, each.help) for each in options.SETTINGS.values()),
            Definition("SIGNALCLI_INSTALLED_APPS", "The installed apps, separated by commas."),
            Definition(TRACEBACK_VARIABLE, "Show the traceback of what goes wrong."),
            Definition("NO_COLOR, FORCE_COLOR", "No colours; colours also on a pipe."),
            Definition("COLUMNS", "How many columns a pipe has; by default nothing is wrapped."),
        ],
        "Keys of signalcli.toml, or of [tool.signalcli] in pyproject.toml": [
            Definition("installed_apps", "The installed apps, as a list of names."),
        ],
    }
