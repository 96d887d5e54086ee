"""Traces in the formats of other tools: one module per format.

A module of this package is the format of its name, and to add a format is to add a module. Its
function ``export(run, trace)`` returns the text. Where Markdown can show the format, ``FENCE`` is
the language of the fenced block, and files with one of the ``SUFFIXES`` hold the text alone.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from signalcli.errors import InvalidValue

if TYPE_CHECKING:
    from signalcli.log.runs import Run
    from signalcli.trace.records import Trace


class Export(Protocol):
    """A module of a format."""

    def export(self, run: "Run", trace: "Trace") -> str:
        """The text of a run in this format.

        Raises:
            MissingExtra: the format needs a package that is not installed.
        """


class MissingExtra(InvalidValue):
    """A format needs a package that comes with one of signalcli's extras."""

    def __init__(self, format_name: str, extra: str) -> None:
        # Reading about the installation takes as long as an export.
        from signalcli.extras import how_to_install

        super().__init__(
            f"the format {format_name} needs packages that are not installed; "
            f"install them with: {how_to_install(extra)}"
        )


def formats() -> list[str]:
    """The names of the formats, in alphabetical order. Loads none of them."""
    modules = Path(__file__).parent.glob("*.py")
    return sorted(module.stem for module in modules if module.stem != "__init__")


def export(format_name: str, run: "Run", trace: "Trace", suffix: str = "") -> str:
    """The text of a run in one of the :func:`formats`.

    A format that Markdown can show comes in a fenced block, unless the file's suffix is one of
    the format's own.

    Arguments:
        format_name: one of the formats.
        run: the run.
        trace: its trace.
        suffix: the suffix of the file that the text is for, with its dot.

    Raises:
        MissingExtra: the format needs a package that is not installed.
    """
    module = import_module(f"{__name__}.{format_name}")
    text = cast("Export", module).export(run, trace)
    fence = getattr(module, "FENCE", None)
    if fence is None or suffix in module.SUFFIXES:
        return text
    return f"```{fence}\n{text.rstrip()}\n```\n"
