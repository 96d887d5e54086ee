"""The lanes of the noxfile are those that CI runs and that the guide for contributors lists."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOXFILE = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
CI, HOSTED, GUIDE = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in (".ci/run", ".github/workflows/ci.yml", "CONTRIBUTING.md")
)
PYTHONS = next(
    ast.literal_eval(node.value)
    for node in NOXFILE.body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PYTHONS"
)
# For each lane, whether it is run on each Python.
LANES = {
    node.name: "PYTHONS" in ast.unparse(decorator)
    for node in NOXFILE.body
    if isinstance(node, ast.FunctionDef)
    for decorator in node.decorator_list
    if ast.unparse(decorator).startswith("nox.session(")
}
NAMES = {
    f"{lane}-{python}" if is_on_each else lane
    for lane, is_on_each in LANES.items()
    for python in PYTHONS
}


def in_brackets(before: str, text: str) -> list[str]:
    """The words of a list in a script or in YAML."""
    found = re.search(rf"{re.escape(before)}[\[(](.*?)[\])]", text)
    assert found is not None
    return re.findall(r"[\w.-]+", found[1])


def test_there_are_lanes() -> None:
    assert {"tests-3.11", "lint"} <= NAMES


def test_the_pythons_begin_with_the_oldest_that_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={PYTHONS[0]}"


def test_the_script_runs_lanes_that_there_are() -> None:
    assert set(in_brackets("beside=", CI)) <= NAMES
    assert in_brackets("lanes=", CI) == ["tests-3.11", "lowest-", "newest"]
    assert in_brackets("lanes+=", CI) == ["servers"]
    assert {"tests-3.11", "lowest-3.11", "servers"} <= NAMES
    assert re.findall(r"for version in (.*); do", CI) == [" ".join(PYTHONS)]


def test_the_hosted_workflow_runs_all_but_the_measurement() -> None:
    assert in_brackets("python: ", HOSTED) == list(PYTHONS)
    assert "nox -s tests-${{ matrix.python }}" in HOSTED
    assert "nox -s ${{ matrix.lane }}" in HOSTED
    # The lane of the servers has a job of its own, which starts them.
    assert "nox -s servers" in HOSTED
    asked = set(in_brackets("lane: ", HOSTED))
    assert asked <= NAMES
    assert {lane.partition("-")[0] for lane in asked} == set(LANES) - {
        "tests",
        "coverage",
        "servers",
    }


def test_the_guide_lists_the_lanes() -> None:
    section = GUIDE.partition("\n## The lanes\n")[2].partition("\n## ")[0]
    listed = [
        re.findall(r"`([\w.-]+)`", row.split("|")[1])
        for row in section.splitlines()[4:]
        if row.startswith("| `")
    ]
    on_each = [[f"{lane}-{PYTHONS[0]}", f"{lane}-{PYTHONS[-1]}"] for lane in LANES if LANES[lane]]
    assert listed == on_each + [[lane] for lane in LANES if not LANES[lane]]
