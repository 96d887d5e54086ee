"""Traces in formats of other tools: one module per format.

A module of this package is a format of that name. It has a function ``export(run, trace)`` that
returns the text, and may say how Markdown shows it: ``FENCE`` is the language of a fenced block, and
``SUFFIXES`` are those of files that hold the text alone. Nothing else has to know of it.
"""

import pkgutil
from importlib import import_module
from typing import Protocol, cast

from signalcli.trace.log.runs import Run
from signalcli.trace.records import Trace


class Export(Protocol):
    """What the module of a format has to have."""

    def export(self, run: Run, trace: Trace) -> str:
        """The text of a run in this format.

        Raises:
            MissingExtra: the format needs a package that is not installed.
        """


class MissingExtra(Exception):
    """A format needs a package that comes with one of signalcli's extras."""

    def __init__(self, format_name: str, extra: str) -> None:
        super().__init__(
            f"the format {format_name} needs packages that are not installed; "
            f"install them with: pip install 'signalcli[{extra}]'"
        )


def formats() -> list[str]:
    """The names of the formats, in alphabetical order. Loads none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def export(format_name: str, run: Run, trace: Trace) -> str:
    """The text of a run in one of the :func:`formats`.

    Raises:
        MissingExtra: the format needs a package that is not installed.
    """
    module = cast("Export", import_module(f"{__name__}.{format_name}"))
    return module.export(run, trace)
