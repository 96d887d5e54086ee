"""The columns of rows: which a file may have, and which each row must give."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from signalcli.rows.errors import named


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a file may be called.

    Attributes:
        needed: those that every row has to give.
        allowed: those that it can give besides.
    """

    needed: tuple[str, ...]
    allowed: tuple[str, ...]

    def fault_of_header(self, header: Sequence[str]) -> str | None:
        """What is wrong with a header, in one line; None where it is as it should be."""
        doubled = next((name for name in header if header.count(name) > 1), None)
        if doubled is not None:
            return f"two columns are called {named(doubled)}"
        return self.fault_of_keys(header)

    def fault_of_keys(self, keys: Iterable[str]) -> str | None:
        """What is wrong with the names that a row's values have; None where nothing is."""
        given = dict.fromkeys(keys)
        unknown = next((name for name in given if not self._knows(name)), None)
        if unknown is not None:
            return f"there is no column {named(unknown)}; {self._story()}"
        missing = next((name for name in self.needed if name not in given), None)
        if missing is not None:
            return f"the column {missing!r} is missing; {self._story()}"
        return None

    def _knows(self, name: str) -> bool:
        return name in self.needed or name in self.allowed

    def _story(self) -> str:
        parts = [
            f"{names[0] if len(names) == 1 else ', '.join(names)} {verb}"
            for names, verb in ((self.needed, "needed"), (self.allowed, "allowed"))
            if names
        ]
        return f"columns: {'; '.join(parts)}"
