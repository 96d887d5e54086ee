"""How much memory a file of many rows takes.

`register --from FILE` as a whole process, with a file of 10,000 rows and with a longer one: the
most memory that it has at any time. The report's file has 50,000 rows;
`python -m benchmarks.memory 1000000` measures another.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure

FEW, MANY = 10_000, 50_000
REACH = 1.2

# What getrusage() counts in: kB, but bytes on macOS.
_UNIT = 1 if sys.platform == "darwin" else 1024


def write_rows(path: Path, rows: int) -> None:
    """Write a CSV file of so many users."""
    with path.open("w", encoding="utf-8") as file:
        file.write("username,email,first_name,last_name\n")
        for number in range(rows):
            mail = f"user{number}@mail{number % 50}.example.com"
            file.write(f"user{number},{mail},First{number % 100},Last{number % 1000}\n")


def peak(folder: Path, rows: int) -> int:
    """The most memory, in bytes, of a process that registers so many users."""
    users, database = folder / f"{rows}.csv", folder / f"{rows}.db"
    write_rows(users, rows)
    program = str(Path(sys.executable).with_name("signalcli"))
    command = (program, "register", "--quiet", "--from", str(users), "--database", str(database))
    _, status, usage = os.wait4(os.spawnv(os.P_NOWAIT, program, command), 0)  # noqa: S606  # ours
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_maxrss * _UNIT


def measure(rows: int = MANY) -> Iterator[Figure]:
    """Register few and many users."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (peak(Path(folder), each) for each in (FEW, rows))
    yield Figure(
        f"register --from, peak memory of {rows:,} rows",
        f"{FEW:,} rows",
        many / few,
        REACH,
        f"{many / 1e6:.1f} MB against {few / 1e6:.1f} MB",
    )


if __name__ == "__main__":
    for _figure in measure(int(sys.argv[1]) if len(sys.argv) > 1 else MANY):
        print(_figure)
