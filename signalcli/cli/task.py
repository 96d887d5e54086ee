"""The tasks that commands hand to :mod:`signalcli.cli.run`, and the answers that they get back.

A command reads its arguments and returns a task. This module loads nothing else, so that the help
and the completion of a command stay quick.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from signalcli.cli.late import late
from signalcli.errors import InvalidValue

with late():
    from signalcli.render import listing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from signalcli.cli.problems import Problem
    from signalcli.db import Session
    from signalcli.trace import Recorder
    from signalcli.trace.totals import BlamingTotals

Row = dict[str, Any]


class Form(NamedTuple):
    """The form in which a listing is printed.

    Attributes:
        ndjson: whether each row is a line of JSON.
        csv: whether each row is a line of CSV.
        names: the fields that are wanted, in their order; all of them where it is empty.
        columns: the columns of CSV where no fields are named: the keys that lead to each within a
            row, with dots between, by its name.
        more: further fields that may be named.
    """

    ndjson: bool = False
    csv: bool = False
    names: tuple[str, ...] = ()
    columns: Mapping[str, str] = MappingProxyType({})
    more: Mapping[str, str] = MappingProxyType({})

    @property
    def is_lines(self) -> bool:
        """Whether the rows are printed line by line, for programs."""
        return self.ndjson or self.csv

    @property
    def places(self) -> Mapping[str, str]:
        """The keys that lead to each field that is wanted, by its name.

        Raises:
            InvalidValue: there is no such field.
        """
        if not self.names:
            return self.columns
        known = {**self.more, **self.columns}
        for name in self.names:
            if any(each.startswith(f"{name}.") for each in self.columns):
                known[name] = name
            elif name not in known:
                listed = ", ".join(dict.fromkeys([*self.columns, *self.more]))
                raise InvalidValue(f"there is no field {name!r}; the fields are {listed}")
        return {name: known[name] for name in self.names}

    def with_column(self, name: str) -> "Form":
        """This form with one of the further fields as the last column."""
        return self._replace(columns={**self.columns, name: self.more[name]})

    def picked(self, row: Row) -> Row:
        """A row with the fields that are wanted."""
        return listing.picked(row, self.places.values()) if self.names else row


WHOLE = Form()


@dataclass(slots=True)
class Answer:
    """The answer of a command that worked in a session.

    Attributes:
        result: for programs.
        message: one line for people; nothing is printed where it is empty.
        view: for people, instead of the message.
        problem: an error in spite of which the command went on.
        closing: one more line for people, below the view.
        users: the names of the users that were found to be meant.
        form: that of the result, where its fields were found by the work only.
    """

    result: Any
    message: str = ""
    view: "RenderableType | None" = None
    problem: "Problem | None" = None
    closing: str = ""
    users: tuple[str, ...] = ()
    form: Form | None = None


class Findings(NamedTuple):
    """The answer of a command that looked something up.

    Attributes:
        rows: for programs, one after the other; taken once.
        views: makes the views for people, one after the other; called only for them.
        document: makes the part of the JSON document that replaces the rows: ``result``, and
            where a run was found, ``run`` and ``dispatches``.
        text: printed as it is, for another program to read; instead of the views.
        note: one more line for people, on standard error.
    """

    rows: Iterable[Row] = ()
    views: "Callable[[], Iterable[RenderableType]]" = tuple
    document: Callable[[], dict[str, Any]] | None = None
    text: str | None = None
    note: str = ""


class Piecemeal(NamedTuple):
    """The difference where a command commits its work piece by piece, perhaps a lot of it.

    Attributes:
        totals: counts its dispatches, in place of a trace.
        answer: makes the answer where something ends the command early.
        outcome: says how much of the work is done then; it is told whether a commit may have been
            carried out of which nobody heard.
    """

    totals: "BlamingTotals | None"
    answer: Callable[[], Answer]
    outcome: Callable[[bool], str]


@dataclass(frozen=True, slots=True)
class Task:
    """Work in a session, which makes a run of the signal log.

    Attributes:
        work: does it, in a transaction that is committed afterwards.
        writes: whether the database is written.
        creates: whether a database that does not exist is made.
        shows_trace: whether the trace is printed; only then is the run kept.
        users: the names of the users that the command is about, as they were typed.
        app: the full name of the app that has to be installed for the command.
        piecemeal: set where the work commits piece by piece itself.
        recorder: records the trace; by default one that nobody else asks.
        form: the form in which the rows of a listing are printed.
    """

    work: "Callable[[Session], Answer]"
    writes: bool = False
    creates: bool = False
    shows_trace: bool = True
    users: tuple[str, ...] = ()
    app: str | None = None
    piecemeal: Piecemeal | None = None
    recorder: "Recorder | None" = None
    form: Form = WHOLE

    needs_apps: ClassVar = True
    until_interrupted: ClassVar = False


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A look at something, which makes no run.

    The findings go to standard output: for people as views; with ``--json`` as the ``result`` of
    one document; in a form of lines for programs, each written as soon as it is found.

    Attributes:
        work: finds it.
        form: the form in which the rows are printed; lines are printed whatever the settings say.
        reads_log: whether the work is given a connection to the signal log, which stays open until
            all is printed.
        needs_apps: whether the command fails where the installed apps do not load. Otherwise it
            goes on, and only receivers hear nothing of it.
        writes: whether something may have been written by the time that the command fails.
        makes: what is there once the work is done, where that is no database.
        until_interrupted: whether Ctrl-C is the ordinary end, which is no error to tell.
    """

    work: Callable[..., Findings]
    form: Form = WHOLE
    reads_log: bool = False
    needs_apps: bool = True
    writes: bool = False
    makes: str = ""
    until_interrupted: bool = False

    shows_trace: ClassVar = False
    app: ClassVar[str | None] = None
    piecemeal: ClassVar[Piecemeal | None] = None
    recorder: ClassVar["Recorder | None"] = None
