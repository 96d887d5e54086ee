"""Profile pictures: the rules for image files, and the folder ``pics`` where pictures are kept.

The folder stands beside the file of the database. A picture is written there before the row that
names it is committed, and removed after the row is gone: whatever happens in between, no row names
a missing picture. Its name is made here, at random, and no other file is ever removed.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from signalcli.core.models import Profile
from signalcli.core.values import abridged
from signalcli.db import Session, on_commit
from signalcli.db.transaction import on_rollback
from signalcli.errors import DatabaseUnusable, InvalidValue

FOLDER = "pics"

MOST_BYTES = 10 * 1000 * 1000
MOST_PIXELS = 50 * 1000 * 1000
MOST_FRAMES = 1000

# What Pillow calls the formats (an MPO is a JPEG with more than one image, as some cameras write).
_EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "GIF": "gif", "WEBP": "webp"}
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_NAMES = "PNG, JPEG, GIF or WebP"

# The names that pictures get here.
_NAME = re.compile(rf"{FOLDER}/([0-9a-f]{{32}}\.(?:{'|'.join(_EXTENSIONS.values())}))")
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Image:
    """An image that has been checked.

    Attributes:
        content: the bytes of its file, all of them.
        extension: what files of its format end in, such as ``png``.
    """

    content: bytes = field(repr=False)
    extension: str


def checked_image(path: Path) -> Image:
    """The image in a file, which is read once.

    Arguments:
        path: the file.

    Raises:
        InvalidValue: it is no file, cannot be read, has more than 10 MB, is no whole image in one
            of the formats PNG, JPEG, GIF and WebP, or unpacks to more than 50 million pixels or
            1000 frames; or Pillow, which checks it, is not installed.
    """
    name = abridged(str(path))
    content = _read(path, name)
    return Image(content, _EXTENSIONS[_format_of(content, name)])


def _read(path: Path, name: str) -> bytes:
    """The content of a file, unless it is large."""
    try:
        # Looked at before it is opened: opening a pipe can wait, opening a device can make it act.
        _refuse_other_than_file(path.stat(), name)
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            status = os.fstat(file.fileno())
            _refuse_other_than_file(status, name)
            # The file may be growing, or be one of the system's files that do not know their size.
            content = b"" if status.st_size > MOST_BYTES else file.read(MOST_BYTES + 1)
            if max(status.st_size, len(content)) > MOST_BYTES:
                raise InvalidValue(
                    f"the picture {name} has more than {MOST_BYTES // 10**6} MB; make it smaller"
                )
            return content
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidValue(f"the picture {name} cannot be read: {reason}") from error


_FLAGS = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
)


def _refuse_other_than_file(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InvalidValue(f"the picture {name} is a folder; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InvalidValue(f"the picture {name} is not a regular file; name one")


def _format_of(content: bytes, name: str) -> str:
    """What Pillow calls the format of an image that it can decode."""
    try:
        import PIL.Image
    except ImportError as error:
        from signalcli.extras import how_to_install

        raise InvalidValue(
            f"the picture {name} cannot be checked without Pillow: {how_to_install('pictures')}"
        ) from error
    try:
        with _opened(content) as image:
            found = str(image.format)
            if image.width * image.height > MOST_PIXELS:
                raise _too_many_pixels(name)
            image.verify()
        # A verified image cannot be decoded.
        with _opened(content) as image:
            _decode(image, name)
    except InvalidValue:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise _too_many_pixels(name) from error
    except PIL.UnidentifiedImageError as error:
        raise InvalidValue(f"the picture {name} is not a {_NAMES} image") from error
    except Exception as error:
        # Decoders raise exceptions of all kinds about damaged images.
        raise InvalidValue(f"the picture {name} is damaged: {_reason(error)}") from error
    return found


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    """The image, without Pillow's warnings on standard error about how well it is made."""
    import warnings

    import PIL.Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with PIL.Image.open(BytesIO(content), formats=_FORMATS) as image:
            yield image


def _decode(image: Any, name: str) -> None:
    """Decode all frames of an image."""
    frame = pixels = 0
    while True:
        try:
            image.seek(frame)
        except EOFError:
            return
        frame += 1
        pixels += image.width * image.height
        if pixels > MOST_PIXELS:
            raise _too_many_pixels(name)
        if frame > MOST_FRAMES:
            raise InvalidValue(
                f"the picture {name} has more than {MOST_FRAMES} frames; make it shorter"
            )
        image.load()


def _too_many_pixels(name: str) -> InvalidValue:
    return InvalidValue(
        f"the picture {name} has more than {MOST_PIXELS // 10**6} million pixels; make it smaller"
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__


def store(session: Session, image: Image) -> str:
    """Put a picture in its place; it is removed again if the session's transaction is undone.

    Arguments:
        session: the session in whose transaction the picture is given to a profile.
        image: the picture.

    Returns:
        Its name for the profile, relative to the folder of the database.

    Raises:
        InvalidValue: the database is in no file, or ``pics`` beside it is no folder.
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
        # Registered before the write, so that no interruption comes in between.
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
        session: the session in whose transaction the profile lost the picture.
        name: the picture's name in the database. A name that was not made here is left alone,
            whatever it is.
    """
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    folder = _folder(session) if found else None
    if found is not None and folder is not None:
        file_name = found[1]
        on_commit(session, lambda: _remove_for_good(folder, file_name))


def _folder(session: Session) -> Path | None:
    """The folder of a session's pictures, whether it exists or not; None where there is none."""
    connection = session.connection(bind_arguments={"mapper": Profile})
    if connection.dialect.name != "sqlite":
        return None
    # SQLite knows the absolute path, also after a receiver has changed the folder.
    for _, name, file in connection.exec_driver_sql("PRAGMA database_list"):
        if name == "main" and file:
            return Path(file).with_name(FOLDER)
    return None


def _make(session: Session, folder: Path) -> None:
    """Make the folder for pictures, unless it exists; a rollback removes it again."""
    if not os.path.lexists(folder):
        on_rollback(session, lambda: _remove_if_empty(folder))
        with suppress(FileExistsError):
            folder.mkdir()
    if not _is_own(folder):
        raise InvalidValue(
            f"profile pictures are kept in {folder}, which is a link or a file; move it away"
        )


def _write(session: Session, folder: Path, name: str, content: bytes) -> None:
    """Write a new file, and wait until the disk has it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    for tries_left in reversed(range(_TRIES)):
        try:
            number = os.open(folder / name, flags, 0o666)
            break
        except FileNotFoundError:
            # Another process has removed the folder, in the rollback of its own picture.
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
    """Wait until the disk has the names in a folder, where the system can do that."""
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
    """Whether a path is a folder itself, and no link to one."""
    return stat.S_ISDIR(folder.lstat().st_mode)
