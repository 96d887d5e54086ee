"""How much memory a file of many rows takes.

The peak memory of a whole process that runs `register --from FILE`, for files of 100,000 and of
300,000 rows. Both are large: what a run takes once shows in both, what each row leaves behind in
the second alone. `python -m benchmarks.memory 1000000` measures that many rows instead of 300,000.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure

FEW, MANY = 100_000, 300_000
REACH = 1.03

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
    """Register many users, and more."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (peak(Path(folder), each) for each in (FEW, rows))
    yield Figure(
        f"register --from, peak memory of {rows:,} rows",
        f"{FEW:,} rows",
        many / few,
        REACH,
        f"{many / 1e6:.1f} MB against {few / 1e6:.1f} MB: "
        f"{(many - few) / (rows - FEW):.1f} bytes a row",
    )


if __name__ == "__main__":
    for _figure in measure(int(sys.argv[1]) if len(sys.argv) > 1 else MANY):
        print(_figure)
