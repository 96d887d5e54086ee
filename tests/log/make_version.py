"""Make the dump of a small log of the present version: ``python -m tests.log.make_version``.

A dump is made once, before its version is released, by real commands. Later versions must go on
reading it.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import signalcli
from signalcli.log.schema import VERSION

FOLDER = Path(__file__).with_name("versions")
# A receiver that prints and fails, and what it sends before.
_DRIVER = """
from signalcli.cli.main import main
from signalcli.core.signals import notification
from signalcli.dispatch import Signal

audited = Signal()

def audit(**kwargs):
    print("audited Zoë 😀")
    audited.send("Audit", note="line 1\\n'line 2'")
    raise RuntimeError("no ink")

notification.connect(audit, weak=False)
main()
"""
# Marked since version 2.
_FAULTS = ("--delay", "update_profile=2ms", "--mute", "pre_init")
_COMMANDS = (
    ("register", "ada", "--email", "ada@lovelace.org"),
    ("update", "ada", "--last-name", "Young", *_FAULTS),
    ("register", "ada", "--email", "other@lovelace.org"),
    ("delete", "ada"),
    # Of which only totals are kept, since version 3.
    ("register", "--from", "users.csv", "--fail", "show_notification"),
    # With a receiver that was not called, since version 4.
    ("register", "eve", "--email", "eve@mail.com", "--fail", "create_profile"),
)


def make() -> str:
    """The dump, as SQL."""
    # Of this checkout, whatever is installed.
    home = str(Path(signalcli.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": home}
    program = (sys.executable, "-m", "signalcli")
    with tempfile.TemporaryDirectory() as folder:
        driver = Path(folder, "driver.py")
        driver.write_text(_DRIVER, encoding="utf-8")
        Path(folder, "users.csv").write_text("username,email\nbob,bob@mail.com\n", encoding="utf-8")
        for command in (
            *((*program, *arguments) for arguments in _COMMANDS[:2]),
            (sys.executable, str(driver), "notify", "ada", "--robust"),
            *((*program, *arguments) for arguments in _COMMANDS[2:]),
        ):
            subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
        connection = sqlite3.connect(Path(folder, "demo.db"))
        dump = "\n".join(connection.iterdump()) + "\n"
        connection.close()
        return dump.replace(folder, "/app").replace(home, "/app")


if __name__ == "__main__":
    FOLDER.joinpath(f"{VERSION}.sql").write_text(make(), encoding="utf-8")
