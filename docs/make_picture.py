"""Draw the pictures of the README from real runs: ``python docs/make_picture.py``."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.text import Text
from terminal import Terminal

from signalcli.log.finding import Filter, find
from signalcli.log.runs import read_trace
from signalcli.log.schema import open_log
from signalcli.log.statistics import of_receivers, of_signals
from signalcli.render.exports import export
from signalcli.render.exports.svg import picture_of, recorded_views
from signalcli.render.log import StatisticsTables, runs_table

DRIVER = """
import time
from signalcli.cli.main import main
from signalcli.core.signals import notification
from signalcli.dispatch import receiver


@receiver(notification)
def send_mail(email, **kwargs):
    time.sleep(0.02)
    if email.endswith("nowhere.net"):
        raise ConnectionError("no route to host")


main()
"""
# The one whose table is drawn.
FIRST = "register xyz --email xyz@mail.com"
IN_BULK, MANY, HALFWAY = "register --from users.csv", 20_000, re.compile(r"[567]\d%")
RUNS = (
    "register xyz --email xyz@mail.com",
    "register bob --email bob@nowhere.net",
    "update xyz --last-name Young",
    "notify xyz",
    "delete xyz",
)


def draw(folder: Path) -> None:
    """Carry out some commands in a folder, and draw what is in its log."""
    (folder / "mail.py").write_text(DRIVER, encoding="utf-8")
    for command in RUNS:
        # One of them fails.
        subprocess.run(  # noqa: S603  # our own words
            [sys.executable, "mail.py", *command.split()], cwd=folder, check=False
        )
    subprocess.run([sys.executable, "-m", "signalcli", *FIRST.split()], cwd=folder, check=True)  # noqa: S603  # our own words
    with open_log(str(folder / "demo.db")) as connection:
        *runs, first = reversed(list(find(connection, Filter())))
        statistics = of_receivers(connection, Filter()), of_signals(connection, Filter())
        trace = read_trace(connection, first.number)
    _write("trace.svg", export("svg", first, trace))
    console = recorded_views([runs_table(reversed(runs)), "", StatisticsTables(*statistics)])
    _write("log.svg", picture_of(console, "signalcli log; signalcli log stats"))
    _draw_progress(folder)


def _draw_progress(folder: Path) -> None:
    """Draw a terminal while rows are registered, and when they are."""
    rows = "".join(f"user{number},user{number}@mail.com\n" for number in range(MANY))
    (folder / "users.csv").write_text(f"username,email\n{rows}", encoding="utf-8")
    program = str(Path(sys.executable).with_name("signalcli"))
    terminal = Terminal([program, *IN_BULK.split(), "--database", "many.db"], folder)
    begun: list[Text] = []
    while terminal.read_on():
        if not begun and HALFWAY.search(terminal.text):
            begun = terminal.lines
    prompt = Text(f"$ signalcli {IN_BULK}")
    views = [prompt, *begun, "", "…", "", *terminal.lines]
    _write("progress.svg", picture_of(recorded_views(views), f"signalcli {IN_BULK}"))


def _write(name: str, picture: str) -> None:
    Path(__file__).with_name(name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        draw(Path(scratch))
