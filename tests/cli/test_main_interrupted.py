"""Ctrl-C at moments at which Python cannot raise it, or at which nothing is there to meet it."""

import sys

import pytest

from tests.cli.program import Driver, Program

# Ctrl-C as a module is loaded, which others then find half loaded.
DURING_AN_IMPORT = """
import os, signal, sys
from importlib.machinery import PathFinder

class Interrupting(PathFinder):
    def find_spec(name, path=None, target=None):
        if name == WHERE:
            sys.meta_path.remove(Interrupting)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting)
from signalcli.cli.main import main
main()
"""


@pytest.mark.parametrize(
    "where", ["typer.core", "sqlalchemy.sql.selectable", "sqlalchemy.engine.default"]
)
def test_in_the_midst_of_an_import(signalcli: Program, where: str) -> None:
    code = DURING_AN_IMPORT.replace("WHERE", repr(where))
    done = Program(signalcli.folder, (sys.executable, "-c", code))(
        "register", "ada", "-e", "a@b.org"
    )
    assert (done.code, done.out) == (130, "")
    assert done.error == "interrupted; nothing was written"


def test_in_the_midst_of_an_import_there_is_a_document(signalcli: Program) -> None:
    code = DURING_AN_IMPORT.replace("WHERE", repr("sqlalchemy.sql.selectable"))
    done = Program(signalcli.folder, (sys.executable, "-c", code))("list", "--json")
    assert (done.code, done.err) == (130, "")
    assert done.document["error"]["code"] == "interrupted"


def test_in_a_destructor(driver: Driver) -> None:
    program = driver("""
import signal

class Interrupted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            time.sleep(0.001)

@receiver(notification)
def drops(**kwargs):
    Interrupted()
    while True:
        time.sleep(0.001)
""")
    done = program("notify", "alice")
    assert done.code == 130
    assert done.error.startswith("interrupted")
