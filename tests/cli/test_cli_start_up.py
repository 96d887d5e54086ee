"""What a command line loads before it does anything."""

import os
import subprocess
import sys
from pathlib import Path

# What Python has loaded before, for the sake of some tool, is no matter of ours.
_RUN = """
import sys
before = set(sys.modules)
from signalcli.cli.main import main
sys.argv = ["signalcli", *sys.argv[1:]]
try:
    main()
finally:
    print(*set(sys.modules) - before, file=sys.stderr)
"""

START = {"signalcli", "signalcli.cli"} | {
    f"signalcli.cli.{name}" for name in ("garbage", "invocation", "main", "output", "problems")
}
PROGRAM = START | {
    f"signalcli.cli.{name}"
    for name in ("amounts", "app", "completion", "faults", "lazy", "options", "announcing")
}
USERS = PROGRAM | {f"signalcli.cli.{name}" for name in ("bulk", "passwords", "running", "users")}
LOG = PROGRAM | {
    "signalcli.cli.filters",
    "signalcli.cli.inquiring",
    "signalcli.cli.log",
    "signalcli.render",
    "signalcli.render.exports",
}
ALL_COMMANDS = (
    USERS
    | LOG
    | {
        f"signalcli.cli.{name}"
        for name in (
            *("apps", "authorization", "batch", "connected", "isolation", "objects"),
            *("script", "sending"),
        )
    }
)

TYPER = {"annotated_doc", "shellingham", "typer"}
# Typer asks pydantic to read what is given to the options of the command that is built.
READING = {
    *("annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"),
}
LAYOUT = {"markdown_it", "mdurl", "pygments", "rich"}


def loaded(folder: Path, *arguments: str, **environment: str) -> set[str]:
    """The modules that a command line has loaded at its end."""
    run = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stderr.split())


def completed(folder: Path, line: str) -> set[str]:
    place = str(len(line.split(" ")) - 1)
    asked = {"_SIGNALCLI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": place}
    return loaded(folder, **asked)


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.split(".")[0] == "signalcli"}


def others(modules: set[str]) -> set[str]:
    """The packages that are neither ours nor Python's."""
    packages = {name.split(".")[0] for name in modules} - sys.stdlib_module_names - {"signalcli"}
    return {name for name in packages if not name.startswith("_")}


def test_the_version_needs_nothing_that_reads_command_lines(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--version")
    assert ours(modules) == START
    assert not others(modules)
    assert not {"asyncio", "importlib.metadata", "logging"} & modules


def test_help_needs_the_commands_but_nothing_that_they_work_with(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--help")
    assert ours(modules) == ALL_COMMANDS
    assert others(modules) <= TYPER | LAYOUT


def test_help_of_a_command_needs_no_other_commands(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "register", "--help")
    assert ours(modules) == USERS
    assert others(modules) <= TYPER | READING | LAYOUT


def test_completing_commands_needs_those_that_begin_so(tmp_path: Path) -> None:
    modules = completed(tmp_path, "signalcli pa")
    assert ours(modules) <= USERS | {"signalcli.cli.authorization"}
    assert others(modules) <= TYPER | READING


def test_completing_options_needs_their_command(tmp_path: Path) -> None:
    modules = completed(tmp_path, "signalcli register --")
    assert ours(modules) == USERS
    assert others(modules) <= TYPER | READING
    modules = completed(tmp_path, "signalcli log export --")
    assert ours(modules) == LOG
    assert others(modules) <= TYPER | READING


def test_what_an_app_leaves_behind_is_cleared_up_at_the_end(tmp_path: Path) -> None:
    Path(tmp_path, "notes.py").write_text(
        "class Notes:\n"
        "    def __init__(self):\n"
        "        self.itself = self\n"
        "        self.file = open('notes.txt', 'w')\n"
        "        self.file.write('noted')\n"
        "notes = Notes()\n",
        encoding="utf-8",
    )
    loaded(tmp_path, "register", "xyz", "--email", "xyz@mail.com", "--app", "notes.py")
    assert Path(tmp_path, "notes.txt").read_text(encoding="utf-8") == "noted"
