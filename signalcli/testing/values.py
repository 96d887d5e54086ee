"""Arguments: whether they are what was expected, and how they are shown."""

from typing import Any

from signalcli.render.text import spelled
from signalcli.trace.representation import represent


def is_equal(expected: Any, value: Any) -> bool:
    """Whether a value is as expected; what is expected may be a matcher with an ``==`` of its own.

    Such as ``unittest.mock.ANY``, or ``pytest.approx(0.3)``.
    """
    return expected is value or bool(expected == value)


def shown(value: Any, name: str) -> str:
    """A value on one line, bounded and without secrets, as traces show it; a text in quotes."""
    kept = represent(value, name)
    return repr(kept) if type(value) is str else spelled(kept)


def difference(name: str, expected: Any, value: Any) -> str:
    """How a value differs from what was expected."""
    wanted, got = shown(expected, name), shown(value, name)
    if wanted == got:
        got = "another that looks the same"
    return f"{name}: expected {wanted}, got {got}"
