"""The README and the pages of the manual: their examples are carried out, nothing is missing."""

import ast
import json
import re
import runpy
import shutil
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

import signalcli
from signalcli.apps.registry import VARIABLE
from signalcli.cli.options import SETTINGS
from signalcli.cli.problems import ERROR_CODES, EXIT_CODES, TRACEBACK_VARIABLE
from signalcli.errors import exit_codes
from tests import processes

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLES = runpy.run_path(str(DOCS / "make_examples.py"))
COMMANDS = runpy.run_path(str(DOCS / "make_commands.py"))
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in EXAMPLES["pages"]()
}
README = PAGES["README.md"]
# Each example is run in a fork of one process, which has imported the libraries.
DRIVER = """
import os, runpy, sys
import sqlmodel, sqlalchemy.ext.asyncio, signalcli.db, signalcli.render.table, signalcli.trace
for path in sys.argv[1:]:
    if not (child := os.fork()):
        os.dup2(os.open(path + ".out", os.O_CREAT | os.O_WRONLY | os.O_APPEND), 1)
        os.dup2(1, 2)
        os.chdir(os.path.dirname(path))
        code = 1
        try:
            runpy.run_path(path, run_name="__main__")
            sys.stdout.flush()
            code = 0
        finally:
            if code:
                sys.excepthook(*sys.exc_info())
            os._exit(code)
    if os.waitpid(child, 0)[1]:
        print(open(path + ".out").read())
"""


def python_examples(page: str, *, of_tests: bool) -> list[Any]:
    """The Python examples of a page: test files, or the others."""
    return [
        block
        for block in EXAMPLES["blocks"](page)
        if block.kind == "python"
        and block.title is None
        and ("\ndef test_" in block.text) is of_tests
    ]


def pages_with_python(*, of_tests: bool) -> list[str]:
    return [name for name, page in PAGES.items() if python_examples(page, of_tests=of_tests)]


@pytest.mark.parametrize("name", pages_with_python(of_tests=False))
def test_the_python_examples_run_and_print_what_they_say(name: str, tmp_path: Path) -> None:
    expected, files = {}, []
    for block in python_examples(PAGES[name], of_tests=False):
        folder = tmp_path / f"line {block.line}"
        folder.mkdir()
        files.append(folder / "example.py")
        files[-1].write_text(block.text, encoding="utf-8")
        expected[folder.name] = 2 * re.findall(r"# prints: (.*)$", block.text, re.MULTILINE)
    # Twice in the same folder, as somebody who tries something out does.
    run = processes.run([sys.executable, "-c", DRIVER, *files, *files])
    assert (run.stdout, run.stderr) == ("", "")
    printed = {file.parent.name: Path(f"{file}.out").read_text("utf-8") for file in files}
    assert {line: text.splitlines() for line, text in printed.items()} == expected


@pytest.mark.parametrize("name", pages_with_python(of_tests=True))
def test_the_examples_of_test_files_pass(name: str, tmp_path: Path) -> None:
    for block in python_examples(PAGES[name], of_tests=True):
        (tmp_path / f"test_line_{block.line}.py").write_text(block.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    run = processes.run(command, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout


@pytest.mark.parametrize("name", [name for name in PAGES if EXAMPLES["steps_in"](PAGES[name])])
def test_the_commands_print_what_the_page_shows(name: str, tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("the scripts need jq, which this machine lacks")
    EXAMPLES["put_demo_into"](tmp_path)
    steps = EXAMPLES["steps_in"](PAGES[name])
    outputs = EXAMPLES["outputs_of"](PAGES[name], tmp_path)
    comparable = EXAMPLES["comparable"]
    found = [(step[0], comparable(output)) for step, output in zip(steps, outputs, strict=True)]
    assert found == [(command, comparable(output)) for command, output in steps]


def test_a_newcomer_is_led_through_the_steps() -> None:
    steps = EXAMPLES["steps_in"](PAGES["docs/tutorial.md"])
    said = [command.split()[1] for command, _ in steps if command.startswith("signalcli ")]
    assert [said.index(name) for name in ("register", "update", "notify", "delete")] == [0, 2, 3, 4]
    own_app = PAGES["docs/tutorial.md"].partition("## Your own app in two minutes\n")[2]
    assert len(EXAMPLES["steps_in"](own_app)) >= 10


def test_outputs_are_put_in_place() -> None:
    page = 'a\n\n```console\n$ one\nold\n$ two\n1 ms\n```\n\n```python title="x.py"\nx\n```\n'
    renewed = EXAMPLES["written"](page, ["new\n", "2 ms\n"])
    assert renewed == page.replace("old", "new")


class TestReadme:
    def test_it_is_short(self) -> None:
        assert README.count("\n") <= 150

    @pytest.mark.parametrize("heading", ["Try it", "Test it"])
    def test_the_first_block_under_a_heading_is_one_line(self, heading: str) -> None:
        section = README.partition(f"## {heading}\n")[2]
        assert EXAMPLES["blocks"](section)[0].text.count("\n") == 1


class TestLinks:
    @pytest.mark.parametrize("name", PAGES)
    def test_each_leads_to_a_file_and_to_a_heading_of_it(self, name: str) -> None:
        lost = []
        for link in re.findall(r"\]\(([^)]+)\)", without_code(PAGES[name])):
            if link.startswith("https://"):
                continue
            path, _, heading = link.partition("#")
            file = ((ROOT / name).parent / path).resolve() if path else ROOT / name
            if not file.is_file() or (heading and heading not in anchors_in(file)):
                lost.append(link)
        assert lost == []

    def test_the_readme_and_the_site_lead_to_every_page(self) -> None:
        site = (DOCS / "mkdocs.yml").read_text(encoding="utf-8")
        assert {name for name in PAGES if f"]({name}" not in README} == {"README.md"}
        assert [name for name in PAGES if not re.search(rf"- .*\b{name}\n", site)] == []


def without_code(page: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]+`", "", page, flags=re.DOTALL)


def anchors_in(file: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_page_of_commands_says_what_their_help_says() -> None:
    assert COMMANDS["page"]() == PAGES["docs/commands.md"], "run docs/make_commands.py"


class TestNothingIsMissing:
    def test_every_command_has_a_section(self) -> None:
        page = PAGES["docs/commands.md"]
        names = [name for name, _, _ in COMMANDS["commands"]()]
        assert {"register", "log export"} <= set(names)
        assert [name for name in names if f"\n## {name}\n" not in page] == []

    def test_every_option_of_every_command_is_there(self) -> None:
        page = PAGES["docs/commands.md"]
        shared = page.partition("\n## register\n")[0]
        missing = [
            (name, option)
            for name, command, _ in COMMANDS["commands"]()
            for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)
            if option.startswith("-")
            and f"`{option}" not in shared + section(page, name)
            and option not in ("--help", "-h")
        ]
        assert missing == []

    def test_every_exit_code_is_explained(self) -> None:
        rows = re.findall(r"^\| (\d+) \|", PAGES["docs/json.md"], re.MULTILINE)
        assert set(map(str, EXIT_CODES)) <= set(rows)

    def test_every_error_code_is_explained_with_its_exit_code(self) -> None:
        for module in walk_packages(signalcli.__path__, "signalcli."):
            if not module.name.startswith(("signalcli.__main__", "signalcli.testing")):
                import_module(module.name)
        told = {code: each.exit_code for code, each in ERROR_CODES.items()}
        assert {code: str(number) for code, number in exit_codes().items()}.items() <= told.items()
        assert codes_in_the_source() <= set(told)
        rows = re.findall(
            r"^\| `(\w+)` \| ([^|]+) \| (.+) \|$", PAGES["docs/json.md"], re.MULTILINE
        )
        assert rows == [(code, *each) for code, each in ERROR_CODES.items()]

    def test_every_key_of_a_document_is_explained(self, tmp_path: Path) -> None:
        program = Path(sys.executable).with_name("signalcli")
        arguments = ("register", "xyz", "--email", "xyz@mail.com", "--fail", "create_*", "--json")
        failed = json.loads(processes.run([program, *arguments], cwd=tmp_path).stdout)
        shown = processes.run([program, "log", "show", "--json"], cwd=tmp_path).stdout
        heard = [each for each in failed["dispatches"] if each["responses"]]
        keys = {*failed, *failed["error"], *json.loads(shown)["result"], *heard[0]}
        keys |= heard[0]["responses"][0].keys() | heard[0]["responses"][0]["error"].keys()
        page = PAGES["docs/json.md"]
        assert {key for key in keys if f"`{key}`" not in page} == set()

    def test_every_setting_is_explained(self) -> None:
        page = PAGES["docs/settings.md"]
        variables = {VARIABLE, TRACEBACK_VARIABLE, *(each.variable for each in SETTINGS.values())}
        assert {name for name in variables if f"`{name}`" not in page} == set()
        options = {name for each in SETTINGS.values() for name in "/".join(each.names).split("/")}
        assert {name for name in options if f"`{name}`" not in page} == set()
        assert "installed-apps = [" in page

    def test_every_signal_is_listed_with_its_arguments(self, tmp_path: Path) -> None:
        program = Path(sys.executable).with_name("signalcli")
        run = processes.run([program, "signals", "--json"], cwd=tmp_path, check=True)
        page = PAGES["docs/signals.md"]
        for row in json.loads(run.stdout)["result"]:
            name = row["signal"].rpartition(".")[2]
            assert f"`{name}`" in page
            assert {each for each in row["arguments"] if f"`{each}`" not in page} == set()


def section(page: str, title: str) -> str:
    """The part of a page under a heading."""
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def codes_in_the_source() -> set[str]:
    """The words for programs that are given to problems and to faults of rows."""
    found = set()
    for source in (ROOT / "signalcli").rglob("*.py"):
        tree = ast.parse(source.read_text(encoding="utf-8"))
        named = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                place = {"Problem": 1, "Fault": 0}.get(name)
                if place is not None and len(node.args) > place:
                    given = node.args[place]
                    word = named.get(given.id) if isinstance(given, ast.Name) else given
                    if isinstance(word, ast.Constant):
                        found.add(str(word.value))
    assert found >= {"login_failed", "internal", "receiver_failed"}
    return found
