"""Kills runs over the rows of a file at random moments, and has each gone on with.

Read from standard input, one line of JSON: the folder, the arguments, the environment, how many are
to be killed in the midst of their work, and a seed. Each run is a fork of this process, ended by
SIGKILL, and gone on with by ``--resume``.
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
from pathlib import Path
from typing import Any

from signalcli.core.models import User
from signalcli.db import post_save
from tests.cli.forking import carry_out, make_ready

UNFINISHED = "FROM signalcli_checkpoint WHERE command NOT LIKE '% finished'"


def start(request: dict[str, Any], *more: str, tells_at: int | None = None) -> tuple[int, int]:
    """Begin a run in a fork of this process.

    Arguments:
        request: what is run, and where.
        more: further arguments of the command.
        tells_at: how many users are made before it tells, if it does.

    Returns:
        The number of the process, and the pipe in which there is something when it tells.
    """
    told, telling = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            if tells_at is not None:
                tell(telling, tells_at)
            arguments = [*request["arguments"], *more]
            streams = dict.fromkeys(("stdin", "stdout", "stderr"), os.devnull)
            code = carry_out({**request, "arguments": arguments, "script": None, **streams})
        finally:
            os._exit(code)
    os.close(telling)
    return child, told


def tell(pipe: int, count: int) -> None:
    """Write to a pipe as soon as so many users have been made."""
    left = iter(range(count, 0, -1))

    def note(**kwargs: Any) -> None:
        if next(left, None) == 1:
            os.write(pipe, b".")

    if not count:
        os.write(pipe, b".")
    post_save.connect(note, sender=User, weak=False)


def end(started: tuple[int, int]) -> int:
    """Wait for the end of a run; its exit code, or the negative number of the signal."""
    child, told = started
    os.close(told)
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


def once(request: dict[str, Any], database: Path, users: int, seconds: float) -> dict[str, Any]:
    """Begin anew, kill that so long after so many users were made, go on."""
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    child, told = started = start(request, tells_at=users)
    os.read(told, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    end(started)
    made, profiles = stored(database) if database.exists() else ([], [])
    reached = select(database, f"SELECT rows {UNFINISHED}") if made else []
    return {
        "users": len(made),
        "profiles": len(profiles),
        "belong": [user[0] for user in made] == sorted(profile[1] for profile in profiles),
        "reached": reached,
        "code": end(start(request, "--resume")),
        "stored": stored(database),
        "checkpoints": select(database, f"SELECT count(*) {UNFINISHED}"),
    }


def main() -> None:
    make_ready()
    request = json.loads(sys.stdin.readline())
    database = Path(request["folder"], "demo.db")
    begun = time.monotonic()
    undisturbed = end(start(request))
    longest = time.monotonic() - begun
    all_users = stored(database)
    print(json.dumps({"code": undisturbed, "stored": all_users}))
    chance = random.Random(request["seed"])
    count = len(all_users[0])
    # Some at any moment at all, before it writes and after it, too.
    for _ in range(request["times"] // 4):
        print(json.dumps(once(request, database, 0, chance.uniform(0, longest))), flush=True)
    left = request["times"]
    while left:
        moment = chance.randrange(1, count), chance.uniform(0, longest / 10)
        each = once(request, database, *moment)
        print(json.dumps(each), flush=True)
        # On a busy machine it may have come to its end before it was killed.
        left -= 0 < each["users"] < count


if __name__ == "__main__":
    main()
