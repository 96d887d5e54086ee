"""Write the list of rooms and modules into ``docs/architecture.md``: ``python docs/make_rooms.py``.

Each line is the first line of a docstring, so the page says what the source says.
"""

import ast
from pathlib import Path

PAGE = Path(__file__).with_name("architecture.md")
HOUSE = Path(__file__).parents[1] / "signalcli"
BEGIN = "<!-- rooms: written by docs/make_rooms.py -->\n"
END = "<!-- end of rooms -->\n"
UNDER_ALL = ("extras.py", "errors.py", "secrets.py")
FROM_ABOVE = (
    "cli",
    "testing",
    "tour",
    "render",
    "core",
    "bulk",
    "objects",
    "apps",
    "log",
    "trace",
    "db",
    "rows",
    "dispatch",
)


def purpose(module: Path) -> str:
    """The first line of a module's docstring, for Markdown."""
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].replace("``", "`")


def listing() -> str:
    """All rooms, from the top to the ground, each with its modules."""
    lines = []
    for room in FROM_ABOVE:
        lines += [f"**{room}**: {purpose(HOUSE / room / '__init__.py')}", ""]
        for module in sorted((HOUSE / room).rglob("*.py")):
            if module.name != "__init__.py":
                name = module.relative_to(HOUSE).as_posix()
                lines.append(f"- `{name}`: {purpose(module)}")
        lines.append("")
    lines += ["Under all of them:", ""]
    lines += [f"- `{name}`: {purpose(HOUSE / name)}" for name in UNDER_ALL]
    lines.append("")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with the list as it has to be now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{listing()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
