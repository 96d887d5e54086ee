"""Where profile pictures are kept: in the folder ``pics``, beside the file of the database.

A picture is in its place before the row that names it is committed, and is removed after the row
is: whatever happens in between, no row names a picture that is not there. Names are made here, at
random, and nothing else is ever removed.
"""

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from signalcli.core.errors import InvalidValue
from signalcli.core.images import EXTENSIONS, Image
from signalcli.core.models import Profile
from signalcli.db import Session, on_commit
from signalcli.db.transaction import on_rollback
from signalcli.errors import DatabaseUnusable

FOLDER = "pics"

_NAME = re.compile(rf"{FOLDER}/([0-9a-f]{{32}}\.(?:{'|'.join(EXTENSIONS)}))")
_TRIES = 5


def store(session: Session, image: Image) -> str:
    """Put a picture in its place; it is removed again if the session's transaction is undone.

    Arguments:
        session: the session in whose transaction the picture is given to a profile.
        image: the picture.

    Returns:
        Its name, relative to the folder of the database, as a profile has it.

    Raises:
        InvalidValue: the database is in no file, or what is beside it is no place for pictures.
        DatabaseUnusable: the picture cannot be written there.
    """
    folder = _folder(session)
    if folder is None:
        raise InvalidValue(
            "a profile picture is kept beside the file of the database, and this database is in "
            "none; name a SQLite file with --database"
        )
    name = f"{os.urandom(16).hex()}.{image.extension}"
    try:
        _make(session, folder)
        # Before there is anything to undo, so that no interruption comes in between.
        on_rollback(session, lambda: _remove(folder, name))
        _write(session, folder, name, image.content)
    except OSError as error:
        raise DatabaseUnusable(
            f"the picture cannot be written in {folder}: {error.strerror}"
        ) from error
    return f"{FOLDER}/{name}"


def discard(session: Session, name: object) -> None:
    """Remove a picture once the session's transaction is committed.

    Arguments:
        session: the session in whose transaction the picture came to be nobody's.
        name: what a profile had as its picture, as the database says. What is no name of ours
            is left alone, whatever it is.
    """
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    folder = _folder(session) if found else None
    if found is not None and folder is not None:
        file_name = found[1]
        on_commit(session, lambda: _remove_for_good(folder, file_name))


def _folder(session: Session) -> Path | None:
    """The folder of a session's pictures, be it there or not; None where there is no place."""
    connection = session.connection(bind_arguments={"mapper": Profile})
    if connection.dialect.name != "sqlite":
        return None
    # SQLite is asked, since relative paths mean something else once a receiver changes folder.
    for _, name, file in connection.exec_driver_sql("PRAGMA database_list"):
        if name == "main" and file:
            return Path(file).with_name(FOLDER)
    return None


def _make(session: Session, folder: Path) -> None:
    """Have a folder for pictures; one that is made is removed again with what makes it."""
    if not os.path.lexists(folder):
        on_rollback(session, lambda: _remove_if_empty(folder))
        with suppress(FileExistsError):
            folder.mkdir()
    if not _is_own(folder):
        raise InvalidValue(
            f"profile pictures are kept in {folder}, which is a link or a file; move it away"
        )


def _write(session: Session, folder: Path, name: str, content: bytes) -> None:
    """Write a new file, for good."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    for tries_left in reversed(range(_TRIES)):
        try:
            number = os.open(folder / name, flags, 0o666)
            break
        except FileNotFoundError:
            # Somebody who made the folder too has removed it, having undone what they did.
            if not tries_left:
                raise
            _make(session, folder)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _sync(folder)
    except BaseException:
        _remove(folder, name)
        raise


def _sync(folder: Path) -> None:
    """Have the names in a folder outlast a loss of power, where the system can do that."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _remove(folder: Path, name: str) -> None:
    """Remove a picture, if there is one."""
    with suppress(FileNotFoundError):
        if _is_own(folder) and stat.S_ISREG((folder / name).lstat().st_mode):
            (folder / name).unlink()


def _remove_for_good(folder: Path, name: str) -> None:
    try:
        _remove(folder, name)
    except OSError as error:
        raise DatabaseUnusable(
            f"the picture {folder / name} cannot be removed: {error.strerror}"
        ) from error


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _is_own(folder: Path) -> bool:
    """Whether a folder is one itself, and no link to another."""
    return stat.S_ISDIR(folder.lstat().st_mode)
