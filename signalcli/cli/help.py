"""The help of a command, on one screen: its own arguments and options, and no others."""

import inspect
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import typer

from signalcli.cli.invocation import PROGRAM, current

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
    summary, more, example = parted(command.help or "")
    sections = own_sections(command)
    is_short = "-h" in current().arguments
    return page(
        usage(command, ctx),
        summary,
        [] if is_short else more,
        sections,
        [*([example] if example else []), _FOOT],
    )


def own_sections(command: Any) -> dict[str, list[Definition]]:
    """The arguments and options of a command but those that all commands share, by heading."""
    sections: dict[str, list[Definition]] = {}
    for panel, definition in _own(command):
        sections.setdefault(panel, []).append(definition)
    return sections


def _own(command: Any) -> Iterator[tuple[str, Definition]]:
    """The arguments and options that are a command's own, each with its heading."""
    for parameter in command.params:
        panel = getattr(parameter, "rich_help_panel", None) or ""
        is_of_shells = parameter.name.endswith("_completion")
        if panel not in _SHARED and not parameter.hidden and not is_of_shells:
            yield panel, definition_of(parameter)


def help_of_group(
    group: Any, ctx: Any, panels: Iterable[tuple[str | None, Mapping[str, str]]]
) -> str:
    """The help of a group of commands: all of them, each on a line.

    Arguments:
        group: the group, as Typer has it.
        ctx: its context.
        panels: the headings and, below each, what the commands do, by their names.
    """
    summary, more, example = parted(group.help or "")
    sections = {
        title or "Commands": [Definition(name, text) for name, text in commands.items()]
        for title, commands in panels
    }
    if own := [definition for _, definition in _own(group)]:
        sections = {"": own, **sections}
    path = ctx.command_path
    words = path.partition(" ")[2]
    foot = f"More: {PROGRAM} help {f'{words} ' if words else ''}COMMAND. {_FOOT}"
    return page(usage(group, ctx), summary, more, sections, [*filter(None, [example]), foot])


def parted(text: str) -> tuple[str, list[str], str]:
    """The first sentence of a help text, its further paragraphs, and its example."""
    first, *further = [" ".join(each.split()) for each in inspect.cleandoc(text).split("\n\n")]
    example = further.pop() if further and further[-1].startswith("Example: ") else ""
    return first, further, example


def usage(command: Any, ctx: Any) -> str:
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


def definition_of(parameter: Any) -> Definition:
    """An argument or an option of Typer's, with its names and what it means."""
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


def page(
    first: str,
    summary: str,
    more: Sequence[str],
    sections: Mapping[str, Sequence[Definition]],
    foot: Sequence[str] = (),
) -> str:
    """A page of the help, as wide as the terminal but for lines that would be too long to read.

    Arguments:
        first: its first line: how the command is used, or what the page is about.
        summary: a sentence.
        more: further paragraphs.
        sections: lists, by their headings; a list without one comes under an empty heading.
        foot: the last lines.
    """
    width = min(max(shutil.get_terminal_size().columns, LEAST_COLUMNS), MOST_COLUMNS)
    lines = [*_filled(first, width, "       "), "", *_filled(summary, width)]
    for paragraph in more:
        lines += ["", *_filled(paragraph, width)]
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
