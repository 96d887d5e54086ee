"""Make ``demo.db`` anew through the real commands: ``python docs/make_demo_db.py [FILE]``."""

import subprocess
import sys
from pathlib import Path

USERS = (
    ("ada", "ada@lovelace.org", "Ada", "Lovelace"),
    ("grace", "grace@hopper.org", "Grace", "Hopper"),
)


def make(database: Path) -> None:
    """Replace a database by one with the demo's two users."""
    database.unlink(missing_ok=True)
    for username, email, first_name, last_name in USERS:
        command = [
            "register",
            username,
            "--email",
            email,
            "--quiet",
            "--no-log",
            "--database",
            str(database),
        ]
        names = ["--first-name", first_name, "--last-name", last_name]
        subprocess.run([sys.executable, "-m", "signalcli", *command, *names], check=True)  # noqa: S603  # our own words


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else "demo.db"))
