"""The README, carried out as it stands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import processes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (match[1], match[2], README[: match.start()].count("\n") + 1)
    for match in FENCE.finditer(README)
]
PYTHON, TEST_FILES = (
    [
        pytest.param(text, id=f"line {line}")
        for kind, text, line in BLOCKS
        if kind == "python" and ("\ndef test_" in text) is is_test_file
    ]
    for is_test_file in (False, True)
)
OWN_APP = "## Your own app in two minutes\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shown = processes.run(["git", "show", "HEAD:demo.db"], cwd=ROOT, encoding=None, check=True)
    (tmp_path / "demo.db").write_bytes(shown.stdout)
    return tmp_path


@pytest.mark.parametrize("example", PYTHON)
def test_each_python_example_runs_and_prints_what_it_says(example: str, folder: Path) -> None:
    run = processes.run([sys.executable, "-c", example], cwd=folder)
    assert run.stderr == ""
    assert run.stdout.splitlines() == re.findall(r"# prints: (.*)$", example, re.MULTILINE)


@pytest.mark.parametrize("example", TEST_FILES)
def test_each_example_of_a_test_file_passes(example: str, tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    run = processes.run(command, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout


def comparable(output: str) -> list[str]:
    """What is the same in every run: not the times and dates, nor the widths that hang on them."""
    output = re.sub(r"\d+(\.\d+)? ?m?s\b", "TIME", output)
    output = re.sub(r"\d{4}-\d\d-\d\d", "DATE", output)
    # A run of today has only a time, unless midnight comes between.
    output = re.sub(r"\d\d:\d\d:\d\d|DATE \d\d:\d\d", "CLOCK", output)
    return [re.sub(r" +", " ", re.sub("─+", "─", line)).strip() for line in output.splitlines()]


def steps_in(text: str) -> list[tuple[str, str]]:
    """The commands of a part of the README, each with what it prints."""
    blocks = [match[2] for match in FENCE.finditer(text) if match[1] == "console"]
    shown = "".join(block for block in blocks if "venv" not in block)
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", shown, re.MULTILINE)


def carry_out(steps: list[tuple[str, str]], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    for command, expected in steps:
        run = processes.run(
            ["bash", "-c", command],
            cwd=folder,
            env={"PATH": path, "LANG": "C.UTF-8"},
            stderr=subprocess.STDOUT,
        )
        assert comparable(run.stdout) == comparable(expected)


def test_the_commands_print_what_the_readme_shows(folder: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("the README's scripts need jq, which this machine lacks")
    before, _, own = README.partition(OWN_APP)
    steps = steps_in(before + own.partition("\n## ")[2])
    assert len(steps) >= 18
    carry_out(steps, folder)


def test_an_own_app_is_made_in_two_minutes(tmp_path: Path) -> None:
    steps = steps_in(README.partition(OWN_APP)[2].partition("\n## ")[0])
    assert len(steps) >= 10
    carry_out(steps, tmp_path)


def test_the_first_block_under_each_heading_is_one_line() -> None:
    for heading in ("Try it", "Test it"):
        section = README.partition(f"## {heading}\n")[2]
        block = FENCE.search(section)
        assert block is not None
        assert block[2].count("\n") == 1
