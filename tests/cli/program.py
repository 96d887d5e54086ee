"""The installed program as its users meet it: in a process of its own, piped or in a terminal."""

import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pyte

from tests import processes

SIGNALCLI = Path(sys.executable).with_name("signalcli")
MANY = 1000
# What the machine that runs the tests happens to say about colours and sizes is left out.
# Has a program wait for a lock for as long as anything may take here, for many want it at once.
PATIENT = {"SIGNALCLI_DATABASE": f"sqlite:///demo.db?timeout={processes.PATIENCE_SECONDS}"}
_OWN = re.compile(
    r"SIGNALCLI|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|TERM|COLORTERM|CI$|GITHUB|PYTHONIO"
)
_OF_THE_LOG = re.compile(
    r"(CREATE TABLE|CREATE INDEX|INSERT INTO|DELETE FROM) \"?((ix_)?signalcli_|sqlite_)"
)
# How far it has come a program says every few seconds, so on a busy machine only.
_PROGRESS = re.compile(r"^\w+: [\d,]+ rows?, [\d,]+ rows/s.*\n", re.MULTILINE)
# The first command that needs them says which tables and columns of the users' apps it makes.
_MADE = re.compile(r"^(?:line \d+: )?made in .*: (.*)\n", re.MULTILINE)
# What every command sends around its work.
_FRAME = (
    "command_started",
    "connection_created",
    "pre_migrate",
    "post_migrate",
    "got_command_exception",
    "command_finished",
)
_ROW = re.compile(
    r" *(?P<seq>\d+)([–-](?P<last>\d+))?(?P<place>\.\d+)?"
    r"(?P<rest> {2,}[│├└─▶ ]*(?P<unheard>unheard: )?(?P<signal>[\w<>]+).*)"
)
# Begins a program for which permissions of files hold even where it belongs to root. The numbers
# are Linux's: PR_CAPBSET_DROP, of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
_WITHOUT_ROOTS_RIGHTS = """
import ctypes, os, sys
if os.geteuid() == 0:
    for capability in 1, 2:
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def of_the_work(dispatches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The dispatches of a run but those that every command sends; counted from 1."""
    work = [each for each in dispatches if each["signal"] not in _FRAME]
    numbers = {each["seq"]: number for number, each in enumerate(work, 1)}
    return [
        {
            **each,
            "seq": numbers[each["seq"]],
            "parent": each["parent"] and {**each["parent"], "seq": numbers[each["parent"]["seq"]]},
        }
        for each in work
    ]


def lines_of_the_work(lines: list[str]) -> list[str]:
    """The same for what people are shown; a table that has nothing else is left out as a whole."""
    rows = [_ROW.fullmatch(line) for line in lines]
    around = {
        seq
        for row in rows
        if row and row["signal"] in _FRAME
        for seq in range(int(row["seq"]), int(row["last"] or row["seq"]) + 1)
    }

    def renumbered(seq: str) -> str:
        return str(int(seq) - sum(each < int(seq) for each in around))

    shown: list[str] = []
    is_left_out = False
    for line, row in zip(lines, rows, strict=True):
        if row is not None and int(row["seq"]) in around:
            # With the further lines of a long row.
            is_left_out = row["unheard"] is not None
        elif row is not None:
            last = f"–{renumbered(row['last'])}" if row["last"] else ""
            shown.append(f"{renumbered(row['seq'])}{last}{row['place'] or ''}{row['rest']}")
            is_left_out = False
        elif not (is_left_out and line.startswith(" ")):
            shown.append(line)
            is_left_out = False
    has_rows = any(row is not None and int(row["seq"]) not in around for row in rows)
    if not has_rows and shown and shown[0].split()[:2] == ["#", "Signal"]:
        del shown[:2]
    return shown


@dataclass(frozen=True)
class Finished:
    """What a command left behind.

    What it says of tables that it makes stands apart from the rest of standard error.
    """

    code: int
    out: str
    err: str
    made: tuple[str, ...] = ()

    @classmethod
    def of(cls, code: int, out: str, err: str) -> "Finished":
        """The same, from all that was written to standard error."""
        made = tuple(_MADE.findall(err))
        return cls(code, out, _MADE.sub("", _PROGRESS.sub("", err)), made)

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document of standard output."""
        assert self.out.count("\n") == 1, self.out
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def work(self) -> list[dict[str, Any]]:
        """The document's dispatches but those that every command sends; counted from 1."""
        return of_the_work(self.document["dispatches"])

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def lines_of_the_work(self) -> list[str]:
        """The lines of the answer but the rows of what every command sends; counted from 1."""
        return lines_of_the_work(self.lines)

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects of standard output, one a line."""
        assert not self.out or self.out.endswith("\n")
        return [json.loads(line) for line in self.out.split("\n")[:-1]]

    @property
    def warning(self) -> str:
        """The warning, which is the one line of standard error."""
        assert self.err.startswith("warning: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("warning: ").rstrip("\n")

    @property
    def error(self) -> str:
        """The error, which is the one line of standard error."""
        assert self.err.startswith("error: "), self.err
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("error: ").rstrip("\n")


@dataclass(frozen=True)
class Program:
    """A command that is run in a folder, where its database is ``demo.db``."""

    folder: Path
    command: tuple[str, ...] = (str(SIGNALCLI),)

    @property
    def database(self) -> Path:
        return self.folder / "demo.db"

    def environment(self, **variables: str) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not _OWN.match(name)}
        return {**own, "LC_ALL": "C.UTF-8", **variables}

    def start(
        self, *arguments: str, env: dict[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        return processes.start(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environment(**(env or {})),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Finished:
        return finished(self.start(*arguments, env=env))

    def rows(self) -> list[str]:
        """Every table and row of the database but those of the signal log, as SQL."""
        with sqlite3.connect(self.database) as connection:
            rows = list(connection.iterdump())
        connection.close()
        return [row for row in rows if not _OF_THE_LOG.match(row)]

    def select(self, query: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.database)
        rows = connection.execute(query).fetchall()
        connection.close()
        return rows

    @property
    def usernames(self) -> list[str]:
        return [name for (name,) in self.select("SELECT username FROM core_user ORDER BY id")]

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


def finished(process: subprocess.Popen[str]) -> Finished:
    """Wait for a process that was started; how far it had come now and then is left out."""
    out, err = processes.finish(process)
    return Finished.of(process.returncode, out, err)


# Begins a driver that says when its standard input is waited for, by a line on standard error.
TELLING_OF_INPUT = """
import io

class Told(io.FileIO):
    def readinto(self, buffer):
        os.write(2, b"waiting\\n")
        return super().readinto(buffer)

sys.stdin = io.TextIOWrapper(io.BufferedReader(Told(0, closefd=False)), encoding="utf-8")
"""


def wait_until_it_waits(process: subprocess.Popen[str]) -> None:
    """Wait for a program to say that it is waiting for something."""
    assert process.stderr is not None
    assert process.stderr.readline() == "waiting\n"


def interrupt(process: subprocess.Popen[str]) -> None:
    """What Ctrl-C does."""
    process.send_signal(signal.SIGINT)


def without_roots_rights(program: Program) -> Program:
    """The program, begun so that permissions of files hold for it."""
    beginning = (sys.executable, "-c", _WITHOUT_ROOTS_RIGHTS)
    return Program(program.folder, (*beginning, *program.command))


class Forker:
    """Starts command lines in no time: see ``tests.cli.forking``."""

    def __init__(self, folder: Path) -> None:
        self._streams = {name: folder / name for name in ("stdin", "stdout", "stderr")}
        # It outlives the test for which it is started first.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.forking"],
            cwd=processes.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(
        self,
        folder: Path,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        script: Path | None,
        piped: bytes,
        *,
        interrupts: bool = False,
    ) -> Finished:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._streams["stdin"].write_bytes(piped)
        request = {
            "folder": str(folder),
            "arguments": arguments,
            "environment": environment,
            "script": script and str(script),
            "interrupts": interrupts,
            **{name: str(path) for name, path in self._streams.items()},
        }
        print(json.dumps(request), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        out, err = (self._streams[name].read_text("utf-8") for name in ("stdout", "stderr"))
        return Finished.of(code, out, err)

    def close(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@dataclass(frozen=True)
class Forked(Program):
    """The same, without the half second that a Python process takes to begin.

    For the many command lines that differ in a value or a receiver only. That the installed program
    begins at all, with each command, is seen by the tests that use :class:`Program`. What is run in
    a terminal or interrupted is begun as any program is.
    """

    forker: Forker | None = None
    script: Path | None = None

    def __call__(
        self, *arguments: str, env: dict[str, str] | None = None, piped: str | bytes = b""
    ) -> Finished:
        assert self.forker is not None
        environment = self.environment(**(env or {}))
        standard_input = piped.encode() if isinstance(piped, str) else piped
        return self.forker.run(self.folder, arguments, environment, self.script, standard_input)


Driver = Callable[[str], Program]
_BEGINNING_OF_DRIVER = """\
import os, sys, threading, time
from signalcli.core import signals, users
from signalcli.core.models import Profile, User
from signalcli.core.signals import notification
from signalcli.db import Session, post_init, post_save, pre_save
from signalcli.dispatch import Signal, receiver

"""
_END_OF_DRIVER = """
from signalcli.cli.main import main
main()
"""


def with_receivers(folder: Path, source: str, forker: Forker) -> Forked:
    """The program with receivers of a test's own, whose code is run before the command."""
    script = folder / "driver.py"
    script.write_text(_BEGINNING_OF_DRIVER + source + _END_OF_DRIVER, encoding="utf-8")
    return Forked(folder, (sys.executable, str(script)), forker, script)


class Terminal:
    """A program in a terminal, and what its screen shows."""

    def __init__(
        self,
        program: Program,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        env: dict[str, str] | None = None,
    ) -> None:
        self._sent = io.StringIO()
        self._size = columns, rows
        command, *first = program.command
        with warnings.catch_warnings():
            # pexpect forks, of which newer Pythons warn where a test runner has threads.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process = pexpect.spawn(
                command,
                [*first, *arguments],
                cwd=str(program.folder),
                env=program.environment(**{"TERM": "xterm-256color", **(env or {})}),
                dimensions=(rows, columns),
                encoding="utf-8",
                timeout=processes.PATIENCE_SECONDS,
            )
        # It is waited for, and then closed at once.
        self.process.ptyproc.delayafterclose = 0
        self.process.logfile_read = self._sent
        processes.end_with_the_test(self.process.pid, self._put_away)

    def wait_for(self, text: str) -> None:
        self.process.expect_exact(text)

    def finish(self) -> int:
        """Wait for the end; the exit code."""
        self.process.expect(pexpect.EOF)
        self.process.wait()
        processes.end(self.process.pid)
        return int(self.process.exitstatus)

    def _put_away(self) -> None:
        self.process.wait()
        self.process.close()

    @property
    def sent(self) -> str:
        """All that the program sent to the terminal, escape sequences included."""
        return self._sent.getvalue()

    def screen(self, *, all_rows: bool = False) -> list[str]:
        """The lines on the screen; or those of a terminal that is high enough for all."""
        columns, rows = self._size
        return _shown(self.sent, columns, MANY if all_rows else rows)

    def lines_as_sent(self) -> list[str]:
        """The lines as the program meant them, however long, not as the terminal broke them."""
        return _shown(self.sent, MANY, MANY)


def _shown(sent: str, columns: int, rows: int) -> list[str]:
    screen = pyte.Screen(columns, rows)
    pyte.Stream(screen).feed(sent)
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def complete(program: Program, line: str, **variables: str) -> Finished:
    """What a shell is offered for the last word of a line, one a line."""
    done = offered(program, line, **variables)
    how, *items = done.lines
    assert how in ("values", "files")
    out = "".join(item.partition("\t")[0] + "\n" for item in items)
    return Finished(done.code, out, done.err)


def offered(program: Program, line: str, shell: str = "fish", **variables: str) -> Finished:
    """The answer to the script of a shell, as it is."""
    words = "\x1f".join(line.split(" "))
    asked = {"_SIGNALCLI_LINE": line} if shell == "bash" else {"_SIGNALCLI_WORDS": words}
    return program(env={"_SIGNALCLI_COMPLETE": f"complete_{shell}", **asked, **variables})
