"""Completion in the shells themselves: each is started anew, and the TAB key pressed once."""

import io
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from signalcli.cli.shells import SCRIPTS
from tests import processes
from tests.cli.program import SIGNALCLI, Program, offered

SHELLS = [
    pytest.param(
        shell,
        marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed"),
    )
    for shell in SCRIPTS
]
TAB = "\t"


def environment(program: Program, home: Path, shell: str) -> dict[str, str]:
    return {
        **program.environment(),
        "HOME": str(home),
        "PATH": f"{SIGNALCLI.parent}{os.pathsep}{os.environ['PATH']}",
        "SHELL": str(shutil.which(shell)),
        "TERM": "xterm",
        "PS1": "$ ",
    }


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def install(program: Program, home: Path, shell: str) -> str:
    """Have the shell install the completion, as a user would have it; what it says."""
    run = processes.run(
        [shell, "-c", "signalcli --install-completion; true"],
        cwd=program.folder,
        env=environment(program, home, shell),
        check=True,
    )
    assert run.stderr == ""
    return str(run.stdout)


@contextmanager
def begun(program: Program, home: Path, shell: str) -> Iterator[pexpect.spawn]:
    """A new interactive shell, where a line has been typed but not ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process = pexpect.spawn(
            shell,
            ["-i"],
            cwd=str(program.folder),
            env=environment(program, home, shell),
            dimensions=(40, 200),
            encoding="utf-8",
            timeout=120,
        )
    process.ptyproc.delayafterclose = 0
    process.logfile_read = io.StringIO()
    processes.end_with_the_test(process.pid, lambda: process.close(force=True))
    process.sendline("echo rea''dy")
    process.expect("ready")
    yield process


@pytest.mark.parametrize("shell", SHELLS)
def test_the_first_key_in_a_new_shell_completes(filled: Program, home: Path, shell: str) -> None:
    install(filled, home, shell)
    with begun(filled, home, shell) as process:
        process.send("signalcli regi" + TAB)
        process.expect("ster")


@pytest.mark.parametrize("shell", SHELLS)
def test_arguments_of_a_signal_are_completed_without_a_blank_after_them(
    filled: Program, home: Path, shell: str
) -> None:
    install(filled, home, shell)
    with begun(filled, home, shell) as process:
        process.send("signalcli send notification user" + TAB)
        process.expect("name=")
        process.send("ann em" + TAB)
        process.expect("ail=")
        # The line as the shell has it, in a file, for what it shows is full of escapes.
        process.send("\x01echo \x05 > line.txt\n")
        process.send("echo do''ne\n")
        process.expect("done")
    line = (filled.folder / "line.txt").read_text(encoding="utf-8")
    assert line.split() == ["signalcli", "send", "notification", "username=ann", "email="]


@pytest.mark.parametrize("shell", SHELLS)
def test_several_are_shown_with_their_whole_descriptions(
    filled: Program, home: Path, shell: str
) -> None:
    install(filled, home, shell)
    with begun(filled, home, shell) as process:
        # zsh and fish show them at once; bash at the second key.
        process.send("signalcli re" + TAB + TAB)
        process.expect_exact("List which receivers are connected to which signals, in order.")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_value_after_an_equals_sign_is_completed(filled: Program, home: Path, shell: str) -> None:
    install(filled, home, shell)
    with begun(filled, home, shell) as process:
        process.send("signalcli log --receiver=create_p" + TAB)
        process.expect("rofile")


@pytest.mark.parametrize("shell", SHELLS)
def test_files_are_completed_where_files_are_meant(filled: Program, home: Path, shell: str) -> None:
    (filled.folder / "lines-of-commands.txt").touch()
    install(filled, home, shell)
    with begun(filled, home, shell) as process:
        process.send("signalcli batch lines" + TAB)
        process.expect_exact("-of-commands.txt")


@pytest.mark.parametrize("shell", SHELLS)
def test_it_is_installed_once_and_the_script_is_the_one_that_is_shown(
    filled: Program, home: Path, shell: str
) -> None:
    said = install(filled, home, shell)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert install(filled, home, shell) == said
    assert {path: path.read_bytes() for path in before} == before
    shown = processes.run(
        [shell, "-c", "signalcli --show-completion; true"],
        cwd=filled.folder,
        env=environment(filled, home, shell),
        check=True,
    ).stdout
    assert shown == SCRIPTS[shell]
    assert shown.encode() in before.values()


def test_the_settings_of_a_shell_are_left_as_they_were_but_for_a_line(
    filled: Program, home: Path
) -> None:
    (home / ".bashrc").write_text("alias ll='ls -l'", encoding="utf-8")
    install(filled, home, "bash")
    first, second = (home / ".bashrc").read_text(encoding="utf-8").splitlines()
    assert first == "alias ll='ls -l'"
    assert second.startswith("source ")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("signalcli regi", ["register"]),
        # Bash replaces what follows the last sign at which it breaks words.
        ("signalcli log --receiver=create", ["create_profile"]),
        ("signalcli send 'notification' user", ["username="]),
        ("signalcli send 'notif", ["notification"]),
        ('signalcli show "al', ["alice"]),
        ("signalcli show al\\", ["alice"]),
        ("signalcli", []),
    ],
)
def test_bash_hands_over_a_line(forked_filled: Program, line: str, answer: list[str]) -> None:
    done = offered(forked_filled, line, "bash")
    assert (done.code, done.err) == (0, "")
    assert done.lines == ["values", *answer]


def test_bash_shows_descriptions_unless_it_goes_through_the_words(forked: Program) -> None:
    shown = offered(forked, "signalcli unk", "bash").lines
    assert shown == ["values"]
    listed = offered(forked, "signalcli log s", "bash").lines[1:]
    assert listed[0].startswith("show   Print what a run printed")
    through = offered(forked, "signalcli log s", "bash", _SIGNALCLI_KEY="37").lines[1:]
    assert through == ["show", "stats"]
