"""The operations on many users. What they do is asked of the commands with --from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from signalcli.bulk.batches import Batches, Operation
from signalcli.bulk.outcomes import Fault
from signalcli.core import many
from signalcli.db import Session
from signalcli.rows import open_rows
from tests.garbage import assert_nothing_stays

BATCHES, SIZE = 27, 4


@pytest.fixture
def users(session: Session, tmp_path: Path) -> str:
    """A file of users, one of each batch with a wrong name."""
    path = tmp_path / "users.csv"
    rows = [f"u{n},u{n}@mail.com" for n in range(BATCHES * SIZE)]
    rows[::SIZE] = [f"u {n},u@mail.com" for n in range(BATCHES)]
    path.write_text("\n".join(("username,email", *rows)) + "\n", encoding="utf-8")
    return str(path)


def carry_out(operation: Operation, session: Session, users: str) -> Iterator[None]:
    with open_rows(users, ("username",), ("email",)) as rows:
        batches = Batches(session, operation, rows, lambda error: Fault("", str(error)), SIZE)
        for _ in batches.run():
            yield


def test_a_batch_leaves_nothing_behind(session: Session, users: str) -> None:
    for operation in (many.REGISTER, many.REGISTER, many.notify(robust=True)):
        assert_nothing_stays(carry_out(operation, session, users))
