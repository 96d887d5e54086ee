"""Traces in formats of other tools: one module per format.

A module of this package is a format of that name. It has a function ``export(run, trace)`` that
returns the text, and may say how Markdown shows that: ``FENCE`` is the language of a fenced block,
and ``SUFFIXES`` are those of files that hold the text alone. Nothing else has to know of it.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from signalcli.errors import InvalidValue

if TYPE_CHECKING:
    from signalcli.log.runs import Run
    from signalcli.trace.records import Trace


class Export(Protocol):
    """What the module of a format has to have."""

    def export(self, run: "Run", trace: "Trace") -> str:
        """The text of a run in this format.

        Raises:
            MissingExtra: the format needs a package that is not installed.
        """


class MissingExtra(InvalidValue):
    """A format needs a package that comes with one of signalcli's extras."""

    def __init__(self, format_name: str, extra: str) -> None:
        super().__init__(
            f"the format {format_name} needs packages that are not installed; "
            f"install them with: pip install 'signalcli[{extra}]'"
        )


def formats() -> list[str]:
    """The names of the formats, in alphabetical order. Loads none of them."""
    modules = Path(__file__).parent.glob("*.py")
    return sorted(module.stem for module in modules if module.stem != "__init__")


def export(format_name: str, run: "Run", trace: "Trace", suffix: str = "") -> str:
    """The text of a run in one of the :func:`formats`.

    A format that Markdown shows is put in a fenced block, unless it goes to a file of its own.

    Arguments:
        format_name: one of the formats.
        run: the run.
        trace: its trace.
        suffix: the end of the name of the file that the text is for, from its dot on.

    Raises:
        MissingExtra: the format needs a package that is not installed.
    """
    module = import_module(f"{__name__}.{format_name}")
    text = cast("Export", module).export(run, trace)
    fence = getattr(module, "FENCE", None)
    if fence is None or suffix in module.SUFFIXES:
        return text
    return f"```{fence}\n{text.rstrip()}\n```\n"
