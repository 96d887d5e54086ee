"""What a command line loads before it does anything."""

import os
import sys
import sysconfig
from pathlib import Path

import pytest

from tests import processes

# All that each may load, so that nothing heavy comes in unseen.
FOR_VERSION = {
    "signalcli",
    "signalcli.cli",
    "signalcli.cli.invocation",
    "signalcli.cli.late",
    "signalcli.cli.main",
    "signalcli.cli.problems",
    "signalcli.errors",
}
FOR_TYPER = {"annotated_doc", "shellingham", "typer"}
# Rich looks for attrs, which other packages may have brought.
FOR_HELP = FOR_TYPER | {"attr", "markdown_it", "mdurl", "pygments", "rich"}
# Typer asks pydantic to read what is given to the options of a command.
FOR_COMPLETION = FOR_TYPER | {
    "annotated_types",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
}
# The names of exports' forms are those of modules there.
OWN = {
    "signalcli",
    "signalcli.cli",
    "signalcli.errors",
    "signalcli.render",
    "signalcli.render.exports",
}
INSTALLED = Path(sysconfig.get_paths()["purelib"])
COMMANDS = {"apps", "authorization", "batch", "log", "objects", "tour", "users"}
_RUN = """
import sys
from signalcli.cli.main import main
sys.argv = ["signalcli", *sys.argv[1:]]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def loaded(folder: Path, *arguments: str, **environment: str) -> set[str]:
    """The modules that a command line has loaded at its end."""
    run = processes.run(
        [sys.executable, "-c", _RUN, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        check=True,
    )
    return set(run.stderr.split())


def completed(folder: Path, line: str) -> set[str]:
    asked = {"_SIGNALCLI_COMPLETE": "complete_bash", "_SIGNALCLI_LINE": line}
    return loaded(folder, **asked)


def commands_of(modules: set[str]) -> set[str]:
    return {name for name in COMMANDS if f"signalcli.cli.{name}" in modules}


def packages(modules: set[str]) -> set[str]:
    """The installed packages that modules are of, but for ours and what starts every Python."""
    names = {name.partition(".")[0] for name in modules}
    found = {
        name for name in names if (INSTALLED / name).exists() or (INSTALLED / f"{name}.py").exists()
    }
    return found - {"signalcli", "_distutils_hack"}


def own(modules: set[str]) -> set[str]:
    """The modules of ours that are no part of the command line itself."""
    ours = {name for name in modules if name.partition(".")[0] == "signalcli"}
    return {name for name in ours if not name.startswith("signalcli.cli.")}


def test_the_version_needs_nothing_that_reads_command_lines(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--version")
    assert {name for name in modules if name.startswith("signalcli")} == FOR_VERSION
    assert packages(modules) == set()
    assert not {"asyncio", "json", "logging", "sqlite3"} & modules


def test_help_needs_the_table_of_the_commands_and_none_of_them(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--help")
    assert commands_of(modules) == set()
    assert own(modules) <= OWN
    assert packages(modules) <= FOR_HELP
    assert not {"asyncio", "sqlite3"} & modules


def test_help_of_a_command_loads_no_other_commands(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "register", "--help")
    assert commands_of(modules) == {"users"}
    assert own(modules) <= OWN
    assert packages(modules) <= FOR_HELP | FOR_COMPLETION


@pytest.mark.parametrize(
    ("line", "commands"),
    [("signalcli register --", {"users"}), ("signalcli log --", {"log"})],
)
def test_completing_options_needs_their_command_alone(
    tmp_path: Path, line: str, commands: set[str]
) -> None:
    modules = completed(tmp_path, line)
    assert commands_of(modules) == commands
    assert own(modules) <= OWN
    assert packages(modules) <= FOR_COMPLETION
    assert "sqlite3" not in modules


def test_completing_commands_needs_no_database(tmp_path: Path) -> None:
    modules = completed(tmp_path, "signalcli re")
    assert own(modules) <= OWN
    assert packages(modules) <= FOR_COMPLETION
    assert "sqlite3" not in modules


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
    apps = ("--app", "signalcli.core", "--app", "notes.py")
    loaded(tmp_path, "register", "xyz", "--email", "xyz@mail.com", *apps)
    assert Path(tmp_path, "notes.txt").read_text(encoding="utf-8") == "noted"


def test_a_command_prints_to_a_pipe_without_rich(tmp_path: Path) -> None:
    # A runner of tests may ask for a width, to which Rich wraps.
    modules = loaded(tmp_path, "register", "xyz", "--email", "xyz@mail.com", COLUMNS="")
    assert "signalcli.render.text" in modules
    assert not {"rich.console", "rich.table", "rich.text"} & modules


@pytest.mark.parametrize(
    "arguments", [("list",), ("apps",), ("register", "xyz", "--email", "xyz@mail.com")]
)
def test_the_settings_file_is_read_once(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    Path(tmp_path, "signalcli.toml").write_text(
        "database = 'of-file.db'\ninstalled-apps = ['signalcli.core']\n", encoding="utf-8"
    )
    told = (
        "import sys\n"
        "def hook(event, told):\n"
        "    if event == 'open' and str(told[0]).endswith('signalcli.toml'):\n"
        "        print('read', file=sys.stderr)\n"
        "sys.addaudithook(hook)\n"
    )
    run = processes.run(
        [sys.executable, "-c", told + _RUN, *arguments], cwd=tmp_path, env=dict(os.environ)
    )
    assert run.stderr.split().count("read") == 1


@pytest.mark.parametrize(
    "line",
    ["signalcli send n", "signalcli create U", "signalcli create User e", "signalcli show x"],
)
def test_completing_names_loads_the_apps_once(tmp_path: Path, line: str) -> None:
    completed(tmp_path, "signalcli send n")
    modules = completed(tmp_path, line)
    assert not {"sqlalchemy", "sqlmodel", "signalcli.core"} & modules
    assert packages(modules) <= FOR_COMPLETION
