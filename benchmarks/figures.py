"""What a benchmark finds."""

from dataclasses import dataclass

from benchmarks.timing import Comparison


@dataclass(frozen=True, slots=True)
class Figure:
    """How much of something one thing takes, compared with another.

    Attributes:
        what: the thing that is judged.
        compared_with: what it is compared with.
        ratio: how many times as much as the other the one takes; less is better.
        reach: the largest ratio that is good enough; None: for information.
        detail: the two as they were measured.
    """

    what: str
    compared_with: str
    ratio: float
    reach: float | None = None
    detail: str = ""

    @classmethod
    def of(
        cls, what: str, compared_with: str, comparison: Comparison, reach: float | None = None
    ) -> "Figure":
        """The figure of a comparison of times."""
        return cls(what, compared_with, comparison.ratio, reach, str(comparison))

    @property
    def is_reached(self) -> bool:
        """Whether the ratio is good enough; so is one that is for information."""
        return self.reach is None or self.ratio <= self.reach

    def __str__(self) -> str:
        reach = "" if self.reach is None else f" (reach: {self.reach:g})"
        missed = "" if self.is_reached else " MISSED"
        return (
            f"{self.ratio:8.3f}{reach}{missed}  {self.what} / {self.compared_with}: {self.detail}"
        )
