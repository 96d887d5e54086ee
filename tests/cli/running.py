"""Commands that run on the database of a test, whatever engine that is on."""

from collections.abc import Callable
from typing import Any

from tests.cli.program import Finished, Forked

Run = Callable[..., Finished]


def runner(program: Forked, database: str) -> Run:
    """Runs commands on a database; each has to end with a code, 0 by default."""

    def run(*arguments: str, code: int = 0, piped: str = "", **variables: str) -> Finished:
        env = {"SIGNALCLI_DATABASE": database, **variables}
        done = program(*arguments, env=env, piped=piped)
        assert done.code == code, done
        assert "Traceback" not in done.err
        return done

    return run


def listed(run: Run, *columns: str) -> list[Any]:
    """The users: their names, or the values of some columns."""
    users = [{**row, **row["profile"]} for row in run("list", "--ndjson").objects]
    return [tuple(map(user.get, columns)) if columns else user["username"] for user in users]


def register(run: Run, *names: str) -> None:
    for name in names:
        run("register", name, "-e", f"{name}@mail.com", "-q")
