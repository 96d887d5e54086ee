"""Many processes that write one database at once, which none of them finds made."""

import subprocess
import sys
from pathlib import Path

from cli_program import Program

PROCESSES, USERS = 8, 100
PATIENCE_SECONDS = 120


def registering(program: Program, number: int) -> subprocess.Popen[str]:
    """A process that is ready to register users of its own."""
    name = f"user{number}x{{}}"
    script = Path(__file__).with_name("cli_together.py")
    arguments = ("register", name, "--email", f"{name}@mail.com", "--quiet")
    process = subprocess.Popen(
        [sys.executable, str(script), str(USERS), *arguments],
        cwd=program.folder,
        env=program.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_eight_processes_register_a_hundred_users_each(signalcli: Program) -> None:
    processes = [registering(signalcli, number) for number in range(PROCESSES)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("begin\n")
        process.stdin.flush()
    said = [process.communicate(timeout=PATIENCE_SECONDS) for process in processes]
    assert said == [("", "")] * PROCESSES
    assert [process.returncode for process in processes] == [0] * PROCESSES
    names = {f"user{process}x{user}" for process in range(PROCESSES) for user in range(USERS)}
    assert set(signalcli.usernames) == names
    of_profiles = "SELECT username FROM core_profile JOIN core_user ON core_user.id = user_id"
    assert sorted(name for (name,) in signalcli.select(of_profiles)) == sorted(names)
    runs = signalcli.select("SELECT run FROM signalcli_run ORDER BY run")
    assert runs == [(number,) for number in range(1, PROCESSES * USERS + 1)]
    assert signalcli.select("PRAGMA integrity_check") == [("ok",)]
    assert signalcli.files == {"demo.db"}
