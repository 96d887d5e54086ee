"""Whatever is asked of the program, it keeps what it promises.

Each command is asked with random options, values, files and variables; what is promised of every
command is all that is known of the answer. SIGNALCLI_LONG_EXAMPLES sets how often each is asked.
"""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from signalcli.cli.problems import ERROR_CODES, EXIT_CODES
from signalcli.render.text import CONTROL
from tests.cli import fuzzing
from tests.cli.commands import COMMANDS
from tests.cli.fuzzing import READING, SECRET, Asked
from tests.cli.program import Finished, Forked, Forker, Program
from tests.cli.shop import INSTALLED

EXAMPLES = int(os.environ.get("SIGNALCLI_LONG_EXAMPLES", "6"))
_NOTE = re.compile(r"(line \d+: )?(error|warning): ")
_OF_A_BATCH = re.compile(r"[\d,]+ commands?: .*")
# They have other answers, or none: help is for people, and the others answer piece by piece.
_NO_DOCUMENT = ("help", "batch", "log follow")
_INSTEAD_OF_A_DOCUMENT = (
    "--help", "-h", "--version", "-V", "--show-completion", "--install-completion", "--ndjson",
    "--csv",
)  # fmt: skip


@pytest.fixture(scope="module")
def template(filled_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of two users and their runs, an app, a shop, and odd files."""
    folder = tmp_path_factory.mktemp("template") / "here"
    (folder / "folder").mkdir(parents=True)
    shutil.copy(filled_folder / "demo.db", folder)
    shutil.copytree(INSTALLED / "shop", folder / "shop")
    (folder / "odd_app.py").write_text(fuzzing.APP, encoding="utf-8")
    (folder / "picture.png").write_bytes(fuzzing.ONE_PIXEL)
    both = {"SIGNALCLI_INSTALLED_APPS": "signalcli.core,odd_app"}
    assert Program(folder)("notify", "alice", env=both).code == 0
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_promised_holds_whatever_is_asked(
    command: str, template: Path, tmp_path: Path, forker: Forker
) -> None:
    folder = tmp_path / "in" / "here"

    @settings(
        max_examples=EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(fuzzing.asked(command))
    def ask(asked: Asked) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        for name, content in asked.files.items():
            (folder / name).write_bytes(content)
        program = Forked(folder, forker=forker)
        before = rows_of(folder)
        home = str(folder / "home")
        own = {"HOME": home, "XDG_CACHE_HOME": home, "XDG_STATE_HOME": home, "XDG_DATA_HOME": home}
        environment = program.environment(**own, **asked.environment)
        done = forker.run(
            folder,
            asked.words,
            environment,
            None,
            asked.piped,
            interrupts=command == "log follow",
        )
        check(asked, done, before, rows_of(folder))
        check_secrets(done, folder)

    ask()


def rows_of(folder: Path) -> list[str]:
    return Program(folder).rows()


def check_secrets(done: Finished, folder: Path) -> None:
    """Nothing that was printed or kept has the secret."""
    assert SECRET not in done.out
    assert SECRET not in done.err
    for path in folder.glob("*.db*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


def check(asked: Asked, done: Finished, before: list[str], after: list[str]) -> None:
    assert done.code in EXIT_CODES
    assert done.code != 70, done.err
    assert (done.code == 130) <= (asked.command == "log follow")
    is_of_many = asked.command == "batch" or any(w.startswith("--from") for w in asked.words)
    errors = check_notes(asked, done, is_of_many)
    documents = check_documents(asked, done)
    told = [*errors, *(each["error"]["message"] for each in documents if each["error"])]
    if done.code == 0:
        assert not errors or is_of_many, errors
    elif asked.command not in ("batch", "log follow"):
        assert told, "nothing is said of the failure"
    check_rows(asked, done, told, is_of_many, before, after)


def check_notes(asked: Asked, done: Finished, is_of_many: bool) -> list[str]:
    """Standard error has errors and warnings, each on a line; the errors."""
    if any("traceback" in each.lower() for each in (*asked.words, *asked.environment)):
        return [each for each in done.err.splitlines() if each.startswith("error: ")]
    assert not done.err or done.err.endswith("\n")
    lines = done.err.split("\n")[:-1]
    assert not any(map(CONTROL.search, lines)), lines
    lines = [each for each in lines if not (is_of_many and _OF_A_BATCH.fullmatch(each))]
    assert all(map(_NOTE.match, lines)), lines
    errors = [each for each in lines if each.startswith("error: ")]
    assert len(errors) <= 1 or is_of_many, errors
    return errors


def check_documents(asked: Asked, done: Finished) -> list[dict[str, Any]]:
    """With --json, standard output is one document, or one for each line of a script."""
    lines = done.out.split("\n")[:-1]
    if not all(each.startswith('{"ok": ') for each in lines) or not lines:
        is_told_to = asked.words[0] == "--json" and asked.command not in _NO_DOCUMENT
        assert not is_told_to or any(each in asked.words for each in _INSTEAD_OF_A_DOCUMENT)
        return []
    assert done.out.endswith("\n")
    assert len(lines) == 1 or asked.command == "batch", lines
    documents = [json.loads(each, parse_constant=pytest.fail) for each in lines]
    assert not any(map(CONTROL.search, lines))
    for document in documents:
        code = document.get("exit_code", done.code)
        assert document["ok"] is (code == 0)
        assert (document["error"] is None) is (code == 0)
        if code:
            assert document["error"]["code"] in ERROR_CODES
    return documents


def check_rows(
    asked: Asked,
    done: Finished,
    told: list[str],
    is_of_many: bool,
    before: list[str],
    after: list[str],
) -> None:
    """What is said of writing is true."""
    if before == after:
        return
    assert asked.command not in READING, "a command that reads has written"
    if is_of_many:
        return
    assert not any("nothing was written" in each for each in told), told
    # Tables are made, and said to be, before the command does its work.
    assert done.code in (0, 1, 74) or done.made, told
