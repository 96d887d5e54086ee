"""Write the man pages from the help: ``python docs/make_man.py``.

They stand below ``data/``, from where the wheel installs them into ``share/man`` of the
environment. The pages say what the help says: ``signalcli.1``, and one for each command.
"""

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from signalcli import __version__
from signalcli.cli.app import panels, program
from signalcli.cli.help import Definition, own_sections, parted, usage
from signalcli.cli.invocation import PROGRAM
from signalcli.cli.topics import MORE, TOPICS, sections_of

FOLDER = Path(__file__).parents[1] / "data" / "share" / "man" / "man1"
# Of the version, so that a page changes with the help alone.
DATE = "2026-11-28"
WIDTH = 64
# What groff would take for something else than the character itself.
_SPECIAL = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


def troff(text: str) -> str:
    """A text on one line, as troff shows it as it is, also at the beginning of the line."""
    shown = "".join(
        _SPECIAL.get(each, each) if each.isascii() else f"\\[u{ord(each):04X}]" for each in text
    )
    return rf"\&{shown}" if shown.startswith(".") else shown


def filled(text: str) -> list[str]:
    """A text on several lines, which troff fills again."""
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [troff(line) for line in lines] or [r"\&"]


def commands() -> Iterator[tuple[str, Any, Any]]:
    """Every command with its name, such as ``log show``, and its context."""
    root = program()
    context = root.make_context(PROGRAM, ["help"])

    def below(group: Any, ctx: Any, before: str) -> Iterator[tuple[str, Any, Any]]:
        for name in group.list_commands(ctx):
            _, command, _ = group.resolve_command(ctx, [name])
            own = type(ctx)(command, info_name=name, parent=ctx)
            yield before + name, command, own
            if hasattr(command, "list_commands"):
                yield from below(command, own, f"{before}{name} ")

    yield from below(root, context, "")


def _page(title: str, summary: str, parts: Iterable[str]) -> str:
    """A page with its head, its name and its parts."""
    head = f'.TH {title.upper()} 1 "{DATE}" "{PROGRAM} {__version__}" "{PROGRAM}"'
    name = rf"{troff(title)} \- {troff(summary.rstrip('.'))}"
    return "\n".join([head, ".SH NAME", name, *parts]) + "\n"


def _synopsis(line: str) -> list[str]:
    words = line.removeprefix("Usage: ")
    path, _, rest = words.partition(" [OPTIONS]")
    return [".SH SYNOPSIS", f".B {troff(path)}", troff(f"[OPTIONS]{rest}")]


def _paragraphs(title: str, texts: Iterable[str]) -> list[str]:
    lines: list[str] = []
    for text in texts:
        lines += [".PP" if lines else f".SH {title}", *filled(text)]
    return lines


def _list(definitions: Iterable[Definition]) -> list[str]:
    return [
        line for names, text in definitions for line in (".TP", f".B {troff(names)}", *filled(text))
    ]


def _lists(title: str, sections: dict[str, list[Definition]]) -> list[str]:
    lines = [f".SH {title}"]
    for heading, definitions in sections.items():
        lines += [f".SS {troff(heading)}"] if heading else []
        lines += _list(definitions)
    return lines


def page_of_command(name: str, command: Any, ctx: Any) -> str:
    """The page of a command."""
    summary, more, example = parted(command.help or "")
    parts = [*_synopsis(usage(command, ctx)), *_paragraphs("DESCRIPTION", [summary, *more])]
    sections = {heading: found for heading, found in own_sections(command).items() if found}
    if sections:
        parts += _lists("OPTIONS", sections)
    if example:
        parts += [".SH EXAMPLE", ".nf", troff(example.removeprefix("Example: ")), ".fi"]
    parts += [".SH SEE ALSO", f".BR {PROGRAM} (1)"]
    if hasattr(command, "list_commands"):
        below = (troff(f"{PROGRAM}-{name}-{each}") for each in command.list_commands(ctx))
        parts += [f".BR {page} (1)" for page in below]
    return _page(f"{PROGRAM}-{name.replace(' ', '-')}", summary, parts)


def page_of_program() -> str:
    """The page of the program: its commands, and what all of them share."""
    summary, more, example = parted(program().help or "")
    listed = {
        heading: [Definition(name, text) for name, text in of.items()]
        for heading, of in panels().items()
    }
    pages = [f"{PROGRAM}-{name.replace(' ', '-')}" for name, _, _ in commands()]
    parts = [
        *_synopsis(f"Usage: {PROGRAM} [OPTIONS] COMMAND ..."),
        *_paragraphs("DESCRIPTION", [summary, *more]),
        *_lists("COMMANDS", listed),
        *_lists("OPTIONS", sections_of("options")),
        *_paragraphs("EXIT STATUS", [TOPICS["exit-codes"], *MORE["exit-codes"]]),
        *_lists("EXIT CODES", sections_of("exit-codes")),
        *_paragraphs("SETTINGS", [TOPICS["settings"], *MORE["settings"]]),
        *_lists("ENVIRONMENT AND FILES", sections_of("settings")),
        ".SH EXAMPLE",
        ".nf",
        troff(example.removeprefix("Example: ")),
        ".fi",
        ".SH SEE ALSO",
        *(f".BR {troff(page)} (1){',' if page != pages[-1] else ''}" for page in pages),
    ]
    return _page(PROGRAM, summary, parts)


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    found = {f"{PROGRAM}.1": page_of_program()}
    for name, command, ctx in commands():
        found[f"{PROGRAM}-{name.replace(' ', '-')}.1"] = page_of_command(name, command, ctx)
    return found


def main() -> None:
    """Write every page, and remove those of commands that there are no more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = pages()
    for file in FOLDER.glob("*.1"):
        if file.name not in written:
            file.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
