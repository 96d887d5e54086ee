"""Rows of a file on servers, where others write while they are written."""

from tests.cli.program import Driver, Program

# Somebody else registers a user of the file, after the run has looked who is there.
SOMEBODY_ELSE = """
from sqlalchemy import create_engine, text

come = set()

@receiver(pre_save, sender=User)
def registers(instance, using, session, **kwargs):
    name = instance.username
    if name in {"u2", "u4"} - come:
        come.add(name)
        with create_engine(session.connection().engine.url).begin() as other:
            insert = "INSERT INTO core_user (username, email, date_joined)"
            insert += " VALUES (:name, 'x', now())"
            other.execute(text(insert), {"name": name})
"""


def test_a_user_who_comes_meanwhile_is_skipped(
    driver: Driver, signalcli: Program, server_database: str
) -> None:
    url = server_database
    assert signalcli("register", "first", "-e", "x@mail.com", "-q", "-d", url).code == 0
    program = driver(SOMEBODY_ELSE)
    lines = [f"u{number},u{number}@mail.com\n" for number in range(6)]
    (program.folder / "users.csv").write_text("username,email\n" + "".join(lines))
    done = program("register", "--from", "users.csv", "-d", url, "--json")
    assert done.code == 4
    result = done.document["result"]
    assert (result["done"], result["skipped"], result["failed"]) == (4, 2, 0)
    assert [each["code"] for each in result["errors"]] == ["exists", "exists"]
    rows = program("list", "-d", url, "--ndjson").objects
    assert {row["username"] for row in rows} == {"first", *(f"u{number}" for number in range(6))}
