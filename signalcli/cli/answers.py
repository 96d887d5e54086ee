"""The answer of a command as it is printed: a document, lines for programs, or views for people."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from signalcli.cli.course import Course
from signalcli.cli.invocation import current
from signalcli.cli.late import late
from signalcli.cli.problems import (
    let_go_of_stdout,
    print_note,
    unwritable_answer,
    write_document,
)
from signalcli.cli.task import Answer, Findings, Form, Inquiry, Row, Task
from signalcli.render.document import dispatches_of, dumps
from signalcli.render.printing import print_text, print_totals, print_view
from signalcli.trace.totals import BlamingTotals

with late():
    from signalcli.render import listing

if TYPE_CHECKING:
    from rich.console import RenderableType


def show(course: Course) -> None:
    """Print the answer; where standard output does not take it, that is the problem to report."""
    try:
        if course.is_document:
            course.is_told = True
            write_document(course.name, **_document_of(course), problem=course.problem)
        elif isinstance(course.answer, Findings):
            _print_findings(course.answer, course)
        elif course.answer is not None and (form := _form_of(course)).is_lines:
            _print_lines(_rows_of(course.answer), form)
        elif course.answer is not None and not course.settings.quiet:
            _print_answer(course.answer, course.totals, _form_of(course))
        sys.stdout.flush()
    except BrokenPipeError:
        let_go_of_stdout()
    except OSError as error:
        let_go_of_stdout()
        course.problem, course.is_told = (
            unwritable_answer(error, course.is_written, course.made),
            False,
        )
    except KeyboardInterrupt as error:
        # Where it is the ordinary end, the exit code says so, and there is no error to print.
        course.problem, course.is_told = course.problem_of(error), course.task.until_interrupted
    except Exception as error:
        course.problem, course.is_told = course.problem_of(error), False


def _document_of(course: Course) -> dict[str, Any]:
    """The answer as the JSON document has it."""
    if isinstance(course.task, Inquiry):
        return course.contents
    answer = course.answer
    return {
        "run": course.number,
        "result": _picked(answer, _form_of(course)) if isinstance(answer, Answer) else None,
        "dispatches": dispatches_of(course.recorder.trace) if course.task.shows_trace else [],
    }


def _form_of(course: Course) -> Form:
    """The form of the answer, as the command line asks for it or as the work has found it."""
    own = course.answer.form if isinstance(course.answer, Answer) else None
    return own or course.task.form


def _picked(answer: Answer, form: Form) -> Any:
    """A result with the fields that are wanted of its rows, or of the one that it is."""
    if not form.names:
        return answer.result
    rows = [form.picked(row) for row in _rows_of(answer)]
    return rows if isinstance(answer.result, list) else rows[0]


def _rows_of(answer: Answer) -> list[Row]:
    """The rows of a result: those that it lists, or the one that it is."""
    return answer.result if isinstance(answer.result, list) else [answer.result]


def _print_answer(answer: Answer, totals: BlamingTotals | None, form: Form) -> None:
    if not answer.view and not answer.message:
        return
    if counted := tuple(totals or ()):
        print_totals(counted)
    if not answer.view:
        print_text(answer.message)
    elif not form.names:
        print_view(answer.view)
    elif isinstance(answer.result, list):
        print_view(listing.rows_view(answer.result, form.places))
    else:
        print_view(listing.row_view(answer.result, form.places))
    if answer.closing:
        print_text(answer.closing)


def _print_lines(rows: Iterable[Row], form: Form) -> None:
    """Print rows for programs, each as soon as it is there."""
    lines = (
        listing.csv_lines(rows, form.places)
        if form.csv
        else (_line(form.picked(row)) + "\n" for row in rows)
    )
    for line in lines:
        sys.stdout.write(line)
        sys.stdout.flush()


def _views_of(findings: Findings, task: Task | Inquiry) -> "Iterable[RenderableType]":
    """The views of findings, or of those of their fields that are wanted."""
    if not task.form.names:
        return findings.views()
    places = task.form.places
    if task.until_interrupted:
        # A table would have to wait for its last row.
        return (listing.row_view(row, places) for row in findings.rows)
    rows = list(findings.rows)
    return [listing.rows_view(rows, places)] if rows else findings.views()


def _print_findings(findings: Findings, course: Course) -> None:
    if course.task.form.is_lines:
        _print_lines(findings.rows, course.task.form)
    elif findings.text is not None:
        sys.stdout.write(findings.text)
    elif not course.settings.quiet:
        for view in _views_of(findings, course.task):
            print_view(view)
            sys.stdout.flush()
        if findings.note:
            print_note(findings.note)


def _line(row: Row) -> str:
    """A row on what every reader takes for one line (for some, U+2028 ends one)."""
    if (of_script := current().line) is not None:
        row = {**row, "line": of_script.number}
    line = dumps(row, encoding=sys.stdout.encoding)
    return line if line.isprintable() else dumps(row, encoding="ascii")
