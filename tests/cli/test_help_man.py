"""The man pages say what the help says, and troff has nothing to say against them."""

import os
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from signalcli.cli.problems import EXIT_CODES
from tests import processes
from tests.cli.commands import COMMANDS

MAKER: dict[str, Any] = runpy.run_path(str(processes.ROOT / "docs" / "make_man.py"))
PAGES: dict[str, str] = MAKER["pages"]()
FOLDER: Path = MAKER["FOLDER"]


def test_they_are_what_the_help_makes_of_them() -> None:
    kept = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert kept == PAGES, "python docs/make_man.py writes them"


def test_every_command_has_one() -> None:
    names = {f"signalcli-{command.replace(' ', '-')}.1" for command in COMMANDS}
    assert set(PAGES) == {"signalcli.1", *names}


def test_that_of_the_program_has_every_exit_code() -> None:
    for code in EXIT_CODES:
        assert f".B {code}\n" in PAGES["signalcli.1"]


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_warns_of_nothing() -> None:
    files = [str(FOLDER / name) for name in PAGES]
    run = processes.run(["mandoc", "-T", "lint", "-W", "warning", *files])
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
@pytest.mark.parametrize("page", ["signalcli", "signalcli-log-show"])
def test_man_shows_them_without_a_warning(page: str) -> None:
    environment = {**os.environ, "MANPATH": str(FOLDER.parent), "LC_ALL": "C.UTF-8"}
    run = processes.run(["man", "--warnings", "-P", "cat", page], env=environment)
    if "minimized" in run.stdout:
        pytest.skip("man shows no pages here")
    assert (run.returncode, run.stderr) == (0, "")
    assert f"{page.upper()}(1)" in run.stdout


def test_the_wheel_brings_them_to_where_man_looks(tmp_path: Path) -> None:
    pytest.importorskip("flit_core")
    project = shutil.copytree(
        processes.ROOT, tmp_path / "project", ignore=shutil.ignore_patterns(".*", "tests", "build")
    )
    build = "from flit_core.buildapi import build_wheel; print(build_wheel('.'))"
    run = processes.run([sys.executable, "-c", build], cwd=project, check=True)
    wheel = run.stdout.split()[-1]
    listed = processes.run([sys.executable, "-m", "zipfile", "-l", wheel], cwd=project, check=True)
    for name in PAGES:
        assert f".data/data/share/man/man1/{name}" in listed.stdout
