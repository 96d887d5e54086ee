"""Measure: ``python -m benchmarks [NAME ...]``; without a name all, and RESULTS.md is written."""

import compileall
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import signalcli
from benchmarks.figures import Figure
from benchmarks.results import report

BENCHMARKS = (
    "sending",
    "connecting",
    "watching",
    "registering",
    "requesting",
    "bulk",
    "servers",
    "memory",
    "starting",
    "batching",
    "log_cost",
)

RESULTS = Path(__file__).with_name("RESULTS.md")
_ONE = "--one"


def main(arguments: list[str]) -> int:
    """Measure what is named, or all; returns the exit code."""
    if arguments[:1] == [_ONE]:
        for figure in import_module(f"benchmarks.{arguments[1]}").measure():
            print(json.dumps(asdict(figure)), flush=True)
        return 0
    unknown = set(arguments) - set(BENCHMARKS)
    if unknown:
        print(f"error: no such benchmark: {', '.join(sorted(unknown))}", file=sys.stderr)
        print(f"there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    # As installing it does: no process that is measured is to compile what others find compiled.
    compileall.compile_dir(Path(signalcli.__file__).parent, quiet=1)
    found = {}
    for name in arguments or BENCHMARKS:
        title = _title(name)
        print(f"{name}: {title}")
        figures = []
        for figure in _measured(name):
            figures.append(figure)
            print(figure, flush=True)
        found[name] = title, figures
    if not arguments:
        RESULTS.write_text(report(found), encoding="utf-8")
    return 0


def _title(name: str) -> str:
    """The first line of a benchmark's module, without loading it."""
    first = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8").splitlines()[0]
    return first.strip('"').rstrip(".")


def _measured(name: str) -> Iterator[Figure]:
    """The figures of a benchmark, which runs in a process of its own."""
    command = [sys.executable, "-m", "benchmarks", _ONE, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ours
        for line in process.stdout or ():
            yield Figure(**json.loads(line))
    if process.returncode:
        raise SystemExit(process.returncode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
