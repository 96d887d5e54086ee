"""Write the page of all commands, ``docs/commands.md``, from their help.

``python docs/make_commands.py`` reads what ``--help`` shows: the description, the arguments and the
options of each command. What every command takes stands on the page once.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from signalcli.cli.app import program
from signalcli.cli.options import FAULTS_PANEL, PANEL, SETTINGS
from signalcli.cli.problems import EXIT_CODES

PAGE = Path(__file__).with_name("commands.md")
HEAD = """\
# Commands

<!-- Written by docs/make_commands.py from the help of the commands. -->

`signalcli --help` lists the commands, and `signalcli COMMAND --help` shows the help of one. This
page is made from the same text.
"""
SHARED = (PANEL, FAULTS_PANEL)


def commands() -> Iterator[tuple[str, Any, Any]]:
    """The name, the command and its context, for every command and those below it."""
    yield from _below("", program(), typer.Context(program(), info_name="signalcli"))


def _below(path: str, group: Any, context: Any) -> Iterator[tuple[str, Any, Any]]:
    for name in group.commands:
        command = group.resolve_command(context, [name])[1]
        below = typer.Context(command, info_name=name, parent=context)
        full_name = f"{path} {name}".strip()
        yield full_name, command, below
        if hasattr(command, "commands"):
            yield from _below(full_name, command, below)


def page() -> str:
    """The whole page."""
    parts = [HEAD, _shared_options()]
    parts += [_command(*each) for each in commands()]
    return "\n".join([*parts, _exit_codes()])


def _shared_options() -> str:
    shown = list(_options(program().params, SHARED[:1]))
    faults = list(_options(program().params, SHARED[1:]))
    return "\n".join(
        [
            "## Options of every command",
            "",
            "They stand before or after the command. [Settings](settings.md) says more of them.",
            "",
            *_table("option", "meaning", shown),
            "[Faults on purpose](traces.md#faults-on-purpose):",
            "",
            *_table("option", "meaning", faults),
        ]
    )


def _command(name: str, command: Any, context: Any) -> str:
    prose, example = _split(command.help or "")
    pieces = " ".join(command.collect_usage_pieces(context))
    usage = f"signalcli {name} {pieces}".replace("[[", "[").replace("]]", "]")
    lines = [f"## {name}", "", prose, "", "```text", usage, "```", ""]
    if example:
        lines += [f"For example, `{example}`.", ""]
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    lines += _table(
        "argument",
        "meaning",
        [(_code(each.metavar or each.name.upper()), each.help) for each in arguments],
    )
    own = [
        each
        for each in command.params
        if _panel(each) not in SHARED and each.param_type_name == "option"
    ]
    for panel in dict.fromkeys(map(_panel, own)):
        if panel is not None:
            lines += [f"**{panel}**", ""]
        lines += _table("option", "meaning", list(_options(own, [panel])))
    return "\n".join(lines)


def _split(text: str) -> tuple[str, str]:
    """The description of a command, and its example."""
    paragraphs = [" ".join(each.split()) for each in text.split("\n\n")]
    examples = [each for each in paragraphs if each.startswith("Example: ")]
    prose = "\n\n".join(_marked(each) for each in paragraphs if each not in examples)
    return prose, examples[0].removeprefix("Example: ") if examples else ""


def _options(parameters: Iterable[Any], panels: Iterable[str | None]) -> Iterator[tuple[str, str]]:
    """The names of options of some panels, each with its meaning."""
    for each in parameters:
        if (
            _panel(each) in panels
            and each.param_type_name == "option"
            and "--help" not in each.opts
        ):
            names = [*each.opts, *each.secondary_opts]
            meaning = each.help or ""
            setting = SETTINGS.get(each.name)
            if setting is not None and setting.variable not in meaning:
                meaning += f" Variable: {setting.variable}."
            if setting is not None and setting.default not in (False, True, ""):
                meaning += f" Default: {setting.default}."
            yield ", ".join(_code(f"{name}{_values(each)}") for name in names), meaning


def _values(option: Any) -> str:
    """How the value of an option is written."""
    if option.is_flag or option.count:
        return ""
    # A bar would end the cell of the table.
    return f" {option.metavar or option.name.upper()}".replace("|", " or ")


def _panel(parameter: Any) -> str | None:
    return getattr(parameter, "rich_help_panel", None)


def _table(left: str, right: str, rows: list[tuple[str, str | None]]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {name} | {_marked(meaning or '')} |" for name, meaning in rows]
    return [f"| {left} | {right} |", "|---|---|", *lines, ""]


def _code(text: str) -> str:
    return f"`{text}`"


def _marked(text: str) -> str:
    """A text of the help with its options, variables and values as code."""
    text = re.sub(r"(?<![\w`-])(--[a-z][a-z-]*[a-z]|SIGNALCLI_[A-Z_]+)(?!\w)", r"`\1`", text)
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _exit_codes() -> str:
    rows = [(str(code), meaning) for code, meaning in EXIT_CODES.items()]
    more = "[JSON, exit codes and scripts](json.md) says more of them."
    return "\n".join(["## Exit codes", "", *_table("code", "meaning", rows), more, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
