"""What starting costs.

Whole processes: a registration, and others, against the mere import of what they are made with;
the help, the version and completion (as bash asks for it) against the help of a Typer app of one
command; a registration against that by a management command of Django, migrated beforehand.
"""

import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.django_project import make_project
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
            ("register", register, 0.9),
            ("notify", process(program, "notify", "new0", "-d", database), None),
            ("list", process(program, "list", "-d", database), None),
            ("show", process(program, "show", "new0", "-d", database), None),
        ):
            comparison = compare(one, imports, rounds=ROUNDS)
            yield Figure.of(what, "import sqlmodel, typer, rich.table", comparison, reach)
        for option, most in (("--help", 1.1), ("--version", 0.5)):
            comparison = compare(process(program, option), peer_help, rounds=ROUNDS)
            yield Figure.of(option, "--help of a Typer app of one command", comparison, most)
        for line in ("signalcli re", "signalcli register --", "signalcli show new"):
            comparison = compare(completion(program, line, database), peer_help, rounds=ROUNDS)
            what = f"completion of `{line}`"
            yield Figure.of(what, "--help of a Typer app of one command", comparison)
        project = Path(folder, "project")
        manage = make_project(project)

        def register_by_django() -> None:
            name = f"new{next(numbers)}"
            process(*manage, "register", name, "--email", f"{name}@mail.com")()

        comparison = compare(register, register_by_django, rounds=ROUNDS)
        yield Figure.of("register", "Django's manage.py register", comparison, 1.4)


def completion(program: str, line: str, database: str) -> Callable[[], object]:
    """What bash starts when the tab key is pressed at the end of a line."""
    asked = {
        "_SIGNALCLI_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
        "SIGNALCLI_DATABASE": database,
    }
    return process(program, **asked)
