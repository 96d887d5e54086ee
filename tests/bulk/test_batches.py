"""Batches of rows, carried out by an operation of an app that the engine knows nothing of."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import Field, SQLModel, col, select

from signalcli.bulk.batches import Batches, Operation
from signalcli.bulk.checkpoints import Checkpoint
from signalcli.bulk.outcomes import Explain, Fault, Outcome, Report
from signalcli.db import Session, create_engine, on_commit
from signalcli.errors import AlreadyExists, InvalidValue
from signalcli.rows import Row, open_rows
from tests.engines import without_memory
from tests.garbage import assert_nothing_stays


class Note(SQLModel, table=True):
    __tablename__ = "bulk_note"

    title: str = Field(primary_key=True)
    text: str


def write_notes(session: Session, rows: Sequence[Row], report: Report) -> None:
    known = set(session.exec(select(Note.title)))
    with session.bulk(batch_size=len(rows)):
        for row in rows:
            title = row.values["title"]
            if title == "bad":
                report.fail(row, InvalidValue("a bad title"))
            elif title in known:
                report.skip(row, AlreadyExists("known"))
            elif title == "blank":
                report.skip(row)
            elif title == "broken":
                raise InvalidValue("cannot be written")
            elif title == "alarm":
                report.fail(row, RuntimeError("about more than a row"))
            else:
                session.add(Note(title=title, text=row.values.get("text", "none")))


WRITE = Operation(
    name="write",
    noun="note",
    story="Wrote {} to {}",
    columns=(("title",), ("text",)),
    keys=lambda row: (row.values["title"],),
    carry_out=write_notes,
)


def explain(error: BaseException) -> Fault | None:
    return None if isinstance(error, RuntimeError) else Fault(type(error).__name__, str(error))


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    engine = create_engine(database, connect_args=without_memory(database))
    Note.__table__.create(engine)  # type: ignore[attr-defined]  # SQLModel gives it to table models
    with Session(engine) as session:
        yield session
    engine.dispose()


Begin = Callable[..., Batches]


@pytest.fixture
def begin(session: Session, tmp_path: Path) -> Iterator[Begin]:
    """Makes batches of three over rows of CSV."""
    path = tmp_path / "rows.csv"
    opened = []

    def batches(
        *rows: str, operation: Operation = WRITE, explain: Explain = explain, resumes: bool = False
    ) -> Batches:
        path.write_text("\n".join(("title,text", *rows)) + "\n", encoding="utf-8")
        opened.append(open_rows(str(path), *operation.columns))
        checkpoint = Checkpoint("write", str(path)) if resumes else None
        return Batches(session, operation, opened[-1], explain, 3, checkpoint)

    yield batches
    for rows in opened:
        rows.close()


def notes(session: Session) -> dict[str, str]:
    found = dict(session.exec(select(Note.title, Note.text).order_by(col(Note.title))).all())
    session.rollback()
    return found


def texts(title: str, text: str) -> dict[str, str]:
    return {"title": title, "text": text}


def test_each_row_is_done_unless_it_is_reported(session: Session, begin: Begin) -> None:
    batches = begin("a,A", "bad,B", "blank,C", "d,D", "a,E")
    told = list(batches.run())
    assert told == [
        [
            Outcome(1, 2),
            Outcome(2, 3, Fault("InvalidValue", "a bad title"), values=texts("bad", "B")),
            Outcome(3, 4, None, is_skipped=True),
        ],
        [Outcome(4, 5), Outcome(5, 6, Fault("AlreadyExists", "known"), True, texts("a", "E"))],
    ]
    counts = batches.counts
    assert (counts.rows, counts.done, counts.skipped, counts.failed) == (5, 2, 2, 1)
    assert notes(session) == {"a": "A", "d": "D"}


def test_rows_that_fail_together_are_carried_out_alone(session: Session, begin: Begin) -> None:
    (told,) = begin("a,A", "broken,B", "c,C").run()
    assert [outcome.fault for outcome in told] == [
        None,
        Fault("InvalidValue", "cannot be written"),
        None,
    ]
    assert notes(session) == {"a": "A", "c": "C"}


def test_rows_of_the_same_key_are_not_carried_out_together(session: Session, begin: Begin) -> None:
    (told,) = begin("a,A", "a,B").run()
    assert [outcome.is_skipped for outcome in told] == [False, True]
    assert notes(session) == {"a": "A"}


def test_an_empty_field_that_may_be_left_out_is_left_out(session: Session, begin: Begin) -> None:
    list(begin("a,", ",B").run())
    assert notes(session) == {"": "B", "a": "none"}


def test_an_exception_about_more_than_a_row_ends_the_run(session: Session, begin: Begin) -> None:
    batches = begin("a,A", "b,B", "c,C", "d,D", "alarm,E")
    with pytest.raises(RuntimeError):
        list(batches.run())
    session.rollback()
    assert notes(session) == {"a": "A", "b": "B", "c": "C"}
    assert batches.counts.rows == 3


def test_a_whole_run_writes_nothing_where_a_row_has_a_fault(session: Session, begin: Begin) -> None:
    batches = begin("a,A", "b,B", "c,C", "bad,D")
    list(batches.run(whole=True))
    assert (batches.counts.done, batches.counts.failed) == (0, 1)
    assert notes(session) == {}
    list(begin("a,A").run(whole=True))
    assert notes(session) == {"a": "A"}


def test_an_interrupted_run_is_gone_on_with(session: Session, begin: Begin) -> None:
    rows = [f"{name},{name}" for name in "abcdefg"]
    for _ in begin(*rows, resumes=True).run():
        break
    batches = begin(*rows, resumes=True)
    batches.go_on()
    assert batches.counts.rows == 3
    list(batches.run())
    assert batches.counts.rows == 7
    assert sorted(notes(session)) == list("abcdefg")


def test_what_fails_after_the_commit_is_told(session: Session, begin: Begin) -> None:
    def too_late() -> None:
        raise ValueError("too late")

    def carry_out(session: Session, rows: Sequence[Row], report: Report) -> None:
        on_commit(session, too_late)

    (told,) = begin("a,A", operation=replace(WRITE, carry_out=carry_out)).run()
    assert told == [Outcome(1, 2), Outcome(0, 0, Fault("ValueError", "too late"))]
    assert session.hooks.on_failure is None


def test_a_batch_leaves_nothing_behind(begin: Begin) -> None:
    rows = [f"n{number},text" for number in range(75)]
    rows[1::10] = ["bad,text"] * len(rows[1::10])
    assert_nothing_stays(begin(*rows).run())
