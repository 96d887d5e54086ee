"""A thousand commands in one process, against a process for each.

A thousand registrations by one `signalcli batch`, with traces printed as tables into a pipe and
runs kept in the log, where not said otherwise. The peer is a management command of Django that
does the same work for one user: models for users and profiles, receivers of `post_save` that make
and save the profile, one that prints a notification, the same settings of SQLite; migrated
beforehand. It has no trace and no log. Of the peers, 20 processes are timed, and counted as 1,000.
"""

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.django_project import make_project
from benchmarks.figures import Figure
from benchmarks.timing import Comparison, as_installed

REGISTRATIONS, PROCESSES, ROUNDS = 1_000, 20, 2
REACH = 0.02
SIGNALCLI = str(Path(sys.executable).with_name("signalcli"))

_numbers = itertools.count()


def _new() -> list[str]:
    """The words of a registration of somebody new."""
    name = f"new{next(_numbers)}"
    return ["register", name, "--email", f"{name}@mail.com"]


def _run(folder: Path, *command: str) -> None:
    with (folder / "printed").open("w") as printed:
        subprocess.run(command, check=True, cwd=folder, stdout=printed, env=as_installed())  # noqa: S603  # ours


def batch(folder: Path, *options: str) -> Callable[[], None]:
    """Many registrations in one process."""

    def run() -> None:
        script = "".join(" ".join(_new()) + "\n" for _ in range(REGISTRATIONS))
        (folder / "script.txt").write_text(script, encoding="utf-8")
        _run(folder, SIGNALCLI, "batch", "script.txt", *options)

    return run


def processes(folder: Path, *program: str) -> Callable[[], None]:
    """A registration in each of some processes."""

    def run() -> None:
        for _ in range(PROCESSES):
            _run(folder, *program, *_new())

    return run


def _seconds(thing: Callable[[], None], times: int) -> float:
    begun = time.perf_counter()
    thing()
    return (time.perf_counter() - begun) / times


def measure() -> Iterator[Figure]:
    """Register many users by one process, and by one for each; the times are those of one user."""
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        folder = Path(ours)
        peers = {
            "manage.py register, a process for each": (
                processes(Path(theirs), *make_project(Path(theirs))),
                REACH,
            ),
            "signalcli register, a process for each": (processes(folder, SIGNALCLI), None),
        }
        _run(folder, SIGNALCLI, *_new())
        comparisons = {name: Comparison([], []) for name in peers}
        for _ in range(ROUNDS):
            for name, (peer, _reach) in peers.items():
                comparisons[name].others.append(_seconds(peer, PROCESSES))
            one = _seconds(batch(folder), REGISTRATIONS)
            for comparison in comparisons.values():
                comparison.ones.append(one)
        for name, (_peer, reach) in peers.items():
            yield Figure.of("1,000 registrations by batch", name, comparisons[name], reach)
        for option in ("--no-log", "--quiet", "--json"):
            comparison = Comparison([], [])
            comparison.ones.append(_seconds(batch(folder, option), REGISTRATIONS))
            comparison.others.append(_seconds(batch(folder), REGISTRATIONS))
            yield Figure.of(f"1,000 registrations by batch {option}", "without it", comparison)
