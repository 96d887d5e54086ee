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
from signalcli.db.unannounced import KNOWN
from signalcli.errors import AlreadyExists, InvalidValue, SignalcliError
from signalcli.objects.fields import listed
from signalcli.trace.representation import describe_failure

OWN_PACKAGE = __name__.rpartition(".")[0]

# What drivers call a violation: SQLite's names, SQL states, MySQL's numbers.
_UNIQUE = {
    *("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"),
    *("23505", 1062),
}
_FOREIGN_KEY = {"SQLITE_CONSTRAINT_FOREIGNKEY", "23001", "23503", 1451, 1452}
_NOT_NULL = {"SQLITE_CONSTRAINT_NOTNULL", "23502", 1048}


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
        except OperationalError:
            raise
        except Exception as error:
            if _is_our_own(error) or is_of_the_database(error):
                raise
            return _refusal(model, error, done)
    return None


def loses_reference(error: BaseException | None) -> bool:
    """Whether a row could not be removed since another one refers to it.

    Where a relationship empties the other row's foreign key first, that key may not be empty.
    """
    return isinstance(error, IntegrityError) and bool(_codes(error) & (_FOREIGN_KEY | _NOT_NULL))


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
    if isinstance(error, IntegrityError):
        # SQLite alone names the rule and the columns.
        rule, _, columns = reason.partition(" constraint failed: ")
        fields = listed(_field(model, column) for column in columns.split(", "))
        codes = _codes(error)
        if codes & _UNIQUE:
            same = f"the same {fields}" if columns else f"the same values ({reason})"
            return AlreadyExists(f"there is a {name} with {same} already; choose another")
        if rule == "NOT NULL":
            return InvalidValue(f"{name}: a value is missing for {fields}")
        if rule == "CHECK":
            return InvalidValue(f"{name}: the values break the rule {columns}")
        if codes & _FOREIGN_KEY:
            return InvalidValue(f"{name}: a reference would lead nowhere")
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


def _codes(error: IntegrityError) -> set[Any]:
    names = ("sqlite_errorname", "sqlstate", "pgcode")
    codes = {getattr(error.orig, name, None) for name in names}
    number = error.orig.args[0] if error.orig is not None and error.orig.args else None
    if str(error.orig) == "FOREIGN KEY constraint failed":
        # Where the key says ON DELETE RESTRICT, SQLite's code is that of a trigger.
        codes.add("SQLITE_CONSTRAINT_FOREIGNKEY")
    return codes | ({number} if isinstance(number, int) else set())


def _field(model: type[Any], column: str) -> str:
    """The field of a column that SQLite names with its table."""
    table, _, name = column.rpartition(".")
    for attribute in inspect(model).column_attrs:
        for each in attribute.columns:
            if (str(getattr(each.table, "name", "")), each.name) == (table, name):
                return str(attribute.key)
    return column
