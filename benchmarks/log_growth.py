"""Does the log stay quick as it grows? ``python -m benchmarks.log_growth [RUNS]``.

Each command is run as a whole process on a log of 1,000 runs and on a large one (1,000,000 runs
with 10,000,000 dispatches by default, which takes some minutes to make and 3 GB), in turns.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.make_log import NEEDLE, make_log
from benchmarks.timing import compare, process

SMALL, LARGE = 1_000, 1_000_000
ROUNDS = 9

COMMANDS = (
    ("log",),
    ("log", "show"),
    ("log", "show", "500"),
    ("log", "--receiver", "show_*", "--limit", "20"),
    ("log", "--receiver", NEEDLE, "--limit", "20"),
    ("log", "--receiver", "show_*", "--failed", "--limit", "20"),
    ("log", "--signal", "post_save", "--sender", "Profile", "--limit", "20"),
    ("log", "--receiver", "create_*", "--slower-than", "50ms", "--limit", "20"),
    ("log", "--failed"),
    ("log", "--user", "user77"),
    ("log", "--user", "user77?"),
    ("log", "--since", "1h"),
    ("log", "--since", "365d", "--receiver", NEEDLE),
)


def measure(runs: int) -> None:
    """Print how long each command takes on the large log, compared with the small one."""
    program = str(Path(sys.executable).with_name("signalcli"))
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small.db"), Path(folder, "large.db")
        make_log(small, SMALL)
        make_log(large, runs)
        print(f"{runs:,} runs ({large.stat().st_size / 1e6:,.0f} MB) against {SMALL:,}")
        for command in COMMANDS:
            on_large, on_small = (
                process(program, *command, "--database", str(database))
                for database in (large, small)
            )
            print(f"{' '.join(command):58}{compare(on_large, on_small, ROUNDS)}")


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else LARGE)
