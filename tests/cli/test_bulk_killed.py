"""A run over the rows of a file that is killed at any moment leaves whole batches."""

import json
import os
import random
import sys
from pathlib import Path

from tests import processes
from tests.cli.program import Program

KILLS = 20
ROWS = 40
BATCH = 5


def test_what_is_killed_leaves_whole_batches_and_is_gone_on_with(
    signalcli: Program, tmp_path: Path
) -> None:
    lines = [f"user{number},user{number}@mail.com,First{number},\n" for number in range(ROWS)]
    # One that is there twice, and one that is not valid.
    lines[17], lines[33] = lines[3], "user33,nobody,,\n"
    users = tmp_path / "users.csv"
    users.write_text("username,email,first_name,last_name\n" + "".join(lines), encoding="utf-8")
    arguments = ("register", "--from", "users.csv", "--batch-size", str(BATCH), "--no-log")
    request = {
        "folder": str(tmp_path),
        "arguments": arguments,
        "environment": signalcli.environment(),
        "times": KILLS,
        "seed": random.randrange(10**6),
    }
    run = processes.run(
        [sys.executable, "-m", "tests.cli.killing"],
        cwd=processes.ROOT,
        given=json.dumps(request) + "\n",
        check=True,
        env={**os.environ, **signalcli.environment()},
    )
    undisturbed, *killed = map(json.loads, run.stdout.splitlines())
    assert undisturbed["code"] == 2
    assert len(undisturbed["stored"][0]) == len(undisturbed["stored"][1]) == ROWS - 2
    seed = request["seed"]
    for each in killed:
        assert each["users"] == each["profiles"], seed
        assert each["belong"], seed
        # The two rows that make no user are in whole batches, too.
        missing = (each["users"] > 3 * BATCH) + (each["users"] > 6 * BATCH - 1)
        assert (each["users"] + missing) % BATCH == 0 or each["users"] == ROWS - 2, seed
        # What was left of it is known, but where it had come to its end.
        assert not each["users"] or each["reached"] in ([[each["users"] + missing]], []), seed
        # Of one that was finished there is nothing to go on with.
        is_finished = each["users"] and not each["reached"]
        assert each["code"] == (0 if is_finished else undisturbed["code"]), seed
        assert each["stored"] == undisturbed["stored"], seed
        assert each["checkpoints"] == [[0]], seed
    assert sum(0 < each["users"] < ROWS - 2 for each in killed) >= KILLS
