"""What the tests of rows read with."""

from pathlib import Path

from signalcli.rows import BadRow, Row, RowsUnreadable, open_rows

NEEDED = ("username", "email")
ALLOWED = ("first_name",)


def read(path: Path) -> list[Row | BadRow]:
    with open_rows(str(path), NEEDED, ALLOWED) as rows:
        return list(rows)


def read_until_error(path: Path) -> tuple[list[Row | BadRow], str]:
    """The rows of a file before it cannot be read any further, and why."""
    found: list[Row | BadRow] = []
    try:
        with open_rows(str(path), NEEDED, ALLOWED) as rows:
            found.extend(rows)
    except RowsUnreadable as error:
        return found, str(error).replace(str(path), "FILE")
    raise AssertionError("the file was read to its end")


def read_bytes(folder: Path, content: bytes, name: str = "users.csv") -> list[Row | BadRow]:
    path = folder / name
    path.write_bytes(content)
    return read(path)


def error_of(folder: Path, content: bytes, name: str = "users.csv") -> str:
    path = folder / name
    path.write_bytes(content)
    return read_until_error(path)[1]


def user(number: int, line: int, username: str, email: str, **more: str) -> Row:
    return Row(number, line, {"username": username, "email": email, **more})
