"""A trial without signals, which tells whether a request or a receiver is at fault."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import (
    CircularDependencyError,
    DataError,
    IntegrityError,
    OperationalError,
    StatementError,
)
from sqlmodel import Session

from signalcli.db.database import is_of_the_database
from signalcli.db.initialization import unannounced
from signalcli.db.models import model_name
from signalcli.db.rules import BrokenRule, Kind, broken_rule
from signalcli.db.unannounced import KNOWN
from signalcli.errors import AlreadyExists, InvalidValue, SignalcliError
from signalcli.objects.fields import listed
from signalcli.trace.representation import describe_failure

OWN_PACKAGE = __name__.rpartition(".")[0]


def refusal_of(
    session: Session, model: type[Any], act: Callable[[Session], Any], done: str
) -> SignalcliError | None:
    """Why a request cannot be carried out even without signals; None where it could be.

    The request runs again in a session that sends no signals, in a savepoint that is rolled back.
    If it fails there, too, the request is at fault; otherwise a receiver is.

    Arguments:
        session: the session whose transaction is used.
        model: the model of the object.
        act: carries the request out, in the session that it is given.
        done: the verb of the request, for the message: "written" or "read".

    Raises:
        OperationalError: the database does not work.
    """
    connection = session.connection(bind_arguments={"mapper": inspect(model)})
    with (
        unannounced(),
        Session(connection, join_transaction_mode="create_savepoint", info={KNOWN: True}) as silent,
    ):
        try:
            act(silent)
            silent.flush()
        except SignalcliError as error:
            return error
        except Exception as error:
            if _is_our_own(error) or is_of_no_request(error):
                raise
            return _refusal(model, error, done)
    return None


def loses_reference(error: BaseException | None) -> bool:
    """Whether a row could not be removed since another one refers to it.

    Where a relationship empties the other row's foreign key first, that key may not be empty.
    """
    rule = broken_rule(error)
    return rule is not None and rule.kind in (Kind.REFERENCE, Kind.MISSING)


def is_of_no_request(error: BaseException) -> bool:
    """Whether an error is about the database, whatever was asked of it."""
    if is_of_the_database(error):
        return True
    return isinstance(error, OperationalError) and broken_rule(error) is None


def _is_our_own(error: Exception) -> bool:
    """Whether this package raised the exception itself, rather than code of the model."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    place = traceback.tb_frame.f_globals.get("__name__", "") if traceback is not None else ""
    return str(place).startswith(OWN_PACKAGE)


def _refusal(model: type[Any], error: Exception, done: str) -> SignalcliError:
    # Databases say more on further lines; a refusal is one line.
    reason, name = " ".join(_words(error).split()), model_name(model)
    rule = broken_rule(error)
    if rule is not None:
        return _broken(model, rule)
    if isinstance(error, CircularDependencyError):
        return InvalidValue(f"{name}: this goes round in circles; make one change after the other")
    return InvalidValue(f"{name}: this cannot be {done}: {reason}")


def _words(error: Exception) -> str:
    """The message of an exception; of a database error, the database's own message."""
    if isinstance(error, StatementError) and error.orig is not None:
        is_plain = isinstance(error, IntegrityError | DataError)
        return str(error.orig) if is_plain else f"{type(error.orig).__name__}: {error.orig}"
    failure = describe_failure(error)
    # Validators raise these two; their message alone says enough.
    is_plain = type(error) in (ValueError, AssertionError) and bool(failure.message)
    return failure.message if is_plain else str(failure)


def _broken(model: type[Any], rule: BrokenRule) -> SignalcliError:
    name, columns = model_name(model), rule.columns or _columns_of(model, rule)
    fields = listed(_field(model, rule.table, column) for column in columns)
    if rule.kind is Kind.UNIQUE:
        same = f"the same {fields}" if fields else "the same values"
        return AlreadyExists(f"there is a {name} with {same} already; choose another")
    if rule.kind is Kind.MISSING and fields:
        return InvalidValue(f"{name}: a value is missing for {fields}")
    return InvalidValue(f"{name}: {rule}")


def _columns_of(model: type[Any], rule: BrokenRule) -> list[str]:
    """The columns of a rule that an engine tells by its name alone."""
    for table in inspect(model).tables:
        if rule.table not in (None, table.name):
            continue
        for each in (*table.constraints, *table.indexes):
            # MariaDB calls a key without a name after its first column.
            names = [column.name for column in each.columns]
            own = "PRIMARY" if each is table.primary_key else each.name or next(iter(names), None)
            if rule.name is not None and own == rule.name:
                return names
    return []


def _field(model: type[Any], table: str | None, column: str) -> str:
    """The field of a column; of a table that is not the model's, the column with the table."""
    for attribute in inspect(model).column_attrs:
        for each in attribute.columns:
            if each.name == column and table in (None, getattr(each.table, "name", "")):
                return str(attribute.key)
    return f"{table}.{column}" if table else column
