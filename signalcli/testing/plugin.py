"""The pytest plugin: the fixture ``dispatches``, and the tree of a test that fails.

Every run of pytest imports this module wherever signalcli is installed. So the module imports
nothing but pytest until a test asks for the fixture.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from signalcli.testing.dispatches import Dispatches

_KEY: "pytest.StashKey[Dispatches]" = pytest.StashKey()


@pytest.fixture
def dispatches(request: pytest.FixtureRequest) -> "Iterator[Dispatches]":
    """The dispatches of every signal that the test function sends, and assertions on them."""
    from signalcli.testing.dispatches import record_dispatches

    with record_dispatches() as recorded:
        request.node.stash[_KEY] = recorded
        yield recorded
        del request.node.stash[_KEY]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Leave out dispatches of other fixtures, and show those of a test that fails."""
    recorded = item.stash.get(_KEY, None)
    if recorded is None:
        return (yield)
    recorded.clear()
    try:
        return (yield)
    except (Exception, pytest.fail.Exception) as error:
        tree = recorded.tree
        if not any(isinstance(text, str) and tree in text for text in error.args):
            item.add_report_section("call", "dispatches", tree)
        raise
