"""What starting costs.

Whole processes: a registration, and others, against the mere import of what they are made with;
the help and the version against the help of a Typer app of one command.
"""

import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.timing import compare, process

ROUNDS = 15
_PEER = '''
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    """Say hello."""
    print(name)


app()
'''


def measure() -> Iterator[Figure]:
    """Start command lines and their peers in turns."""
    program = str(Path(sys.executable).with_name("signalcli"))
    imports = process(sys.executable, "-c", "import sqlmodel, typer, rich.table")
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        database, peer = str(Path(folder, "demo.db")), Path(folder, "peer.py")
        peer.write_text(_PEER, encoding="utf-8")
        peer_help = process(sys.executable, str(peer), "--help")

        def register() -> None:
            name = f"new{next(numbers)}"
            process(program, "register", name, "-e", f"{name}@mail.com", "-d", database)()

        register()
        for what, one, reach in (
            ("register", register, 1.0),
            ("notify", process(program, "notify", "new0", "-d", database), None),
            ("list", process(program, "list", "-d", database), None),
            ("show", process(program, "show", "new0", "-d", database), None),
        ):
            comparison = compare(one, imports, rounds=ROUNDS)
            yield Figure.of(what, "import sqlmodel, typer, rich.table", comparison, reach)
        for option, most in (("--help", 1.1), ("--version", 0.5)):
            comparison = compare(process(program, option), peer_help, rounds=ROUNDS)
            yield Figure.of(option, "--help of a Typer app of one command", comparison, most)
