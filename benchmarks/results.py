"""The report of all benchmarks, with the machine that they ran on."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Figure

PACKAGES = (
    "signalcli",
    "sqlmodel",
    "SQLAlchemy",
    "typer",
    "rich",
    "Django",
    "blinker",
    "PyDispatcher",
    "psygnal",
)

METHOD = """\
Each row compares two ways of doing the same on the same machine in the same run. The two take \
turns, each first in every other pair, so that a machine that grows slower meets both; a first \
pair does not count. The ratio is the median of the pairs' ratios: 0.5 means that signalcli takes \
half of what the other takes. Each benchmark is a process of its own. Times change with the \
machine, ratios much less; a ratio within some hundredths of its reach may fall on either side \
of it.

`python -m benchmarks` measures all this and writes this file; `python -m benchmarks NAME` \
measures one and prints it. What each does, and with whom it is compared, stands at the top of \
its file."""


def report(found: Mapping[str, tuple[str, Sequence[Figure]]]) -> str:
    """The report in Markdown.

    Arguments:
        found: for each benchmark, by name, its title and figures.
    """
    parts = ["# Measured", METHOD, "## Machine", _machine()]
    for name, (title, figures) in found.items():
        parts += [f"## {title}", f"`benchmarks/{name}.py`", _table(figures)]
    return "\n\n".join(parts) + "\n"


def _machine() -> str:
    day = datetime.now(UTC).date()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{day}: {_processor()}, {os.cpu_count()} cores, {platform.system()}; "
        f"{platform.python_implementation()} {platform.python_version()}; {packages}."
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _table(figures: Sequence[Figure]) -> str:
    rows = ["| signalcli | compared with | ratio | reach | measured |", "|---|---|--:|--:|---|"]
    rows += [
        f"| {figure.what} | {figure.compared_with} | {_ratio(figure)} "
        f"| {'' if figure.reach is None else f'≤ {figure.reach:g}'} | {figure.detail} |"
        for figure in figures
    ]
    return "\n".join(rows)


def _ratio(figure: Figure) -> str:
    ratio = f"{figure.ratio:.3g}"
    return ratio if figure.is_reached else f"**{ratio}** (missed)"
