"""What a command line loads before it does anything."""

import os
import subprocess
import sys
from pathlib import Path

# Typer itself asks pydantic to read what is given to options.
HEAVY = {"argon2", "asgiref", "email_validator", "sqlalchemy", "sqlmodel"}
COMMANDS = {"apps", "authorization", "connected", "log", "objects", "sending", "users"}
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


def commands_of(modules: set[str]) -> set[str]:
    return {name for name in COMMANDS if f"signalcli.cli.{name}" in modules}


def test_the_version_needs_nothing_that_reads_command_lines(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--version")
    assert "signalcli.cli.main" in modules
    assert not {*HEAVY, "typer", "rich", "signalcli.cli.app"} & modules


def test_help_needs_no_database(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--help")
    assert commands_of(modules) == COMMANDS
    assert not HEAVY & modules


def test_help_of_a_command_loads_no_other_commands(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "register", "--help")
    assert commands_of(modules) == {"users"}
    assert not HEAVY & modules


def test_completing_commands_and_options_needs_no_database(tmp_path: Path) -> None:
    assert not HEAVY & completed(tmp_path, "signalcli re")
    modules = completed(tmp_path, "signalcli log --")
    assert commands_of(modules) == {"log"}
    assert not HEAVY & modules
