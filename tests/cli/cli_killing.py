"""Kills runs over the rows of a file at random moments, and has each gone on with.

Read from standard input, one line of JSON: the folder, the arguments, the environment, how often,
and a seed. Each run is a fork of this process, ended by SIGKILL, and gone on with by ``--resume``.
What a run left behind, and what there was in the end, is one line of JSON for each.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from cli_forking import READY_MADE, carry_out

MODULES = (
    "signalcli.core.batches",
    "signalcli.core.checkpoints",
    "signalcli.core.many",
    "signalcli.render.progress",
    "signalcli.render.totals",
    "signalcli.rows",
    "signalcli.trace.blame",
)


def start(request: dict[str, Any], *more: str) -> int:
    """Begin a run in a fork of this process; its number."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            arguments = [*request["arguments"], *more]
            streams = dict.fromkeys(("stdin", "stdout", "stderr"), os.devnull)
            code = carry_out({**request, "arguments": arguments, "script": None, **streams})
        finally:
            os._exit(code)
    return child


def end(child: int) -> int:
    """Wait for the end of a run; its exit code, or the negative number of the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def select(database: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        # The run did not get to make the table.
        return []
    finally:
        connection.close()


def stored(database: Path) -> Sequence[Any]:
    """The users and profiles, apart from times."""
    users = select(database, "SELECT id, username, email FROM core_user ORDER BY id")
    columns = "id, user_id, first_name, last_name, profile_pic"
    return users, select(database, f"SELECT {columns} FROM core_profile ORDER BY id")


def once(request: dict[str, Any], database: Path, seconds: float) -> dict[str, Any]:
    """Begin anew, kill that, go on."""
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    child = start(request)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    killed = end(child) == -signal.SIGKILL
    users, profiles = stored(database) if database.exists() else ([], [])
    reached = select(database, "SELECT rows FROM signalcli_checkpoint") if users else []
    return {
        "killed": killed,
        "users": len(users),
        "profiles": len(profiles),
        "belong": [user[0] for user in users] == sorted(profile[1] for profile in profiles),
        "reached": reached,
        "code": end(start(request, "--resume")),
        "stored": stored(database),
        "checkpoints": select(database, "SELECT count(*) FROM signalcli_checkpoint"),
    }


def main() -> None:
    for module in (*READY_MADE, *MODULES):
        import_module(module)
    request = json.loads(sys.stdin.readline())
    database = Path(request["folder"], "demo.db")
    begun = time.monotonic()
    undisturbed = end(start(request))
    longest = time.monotonic() - begun
    print(json.dumps({"code": undisturbed, "stored": stored(database)}))
    moments = random.Random(request["seed"])
    for _ in range(request["times"]):
        print(json.dumps(once(request, database, moments.uniform(0, longest))), flush=True)


if __name__ == "__main__":
    main()
