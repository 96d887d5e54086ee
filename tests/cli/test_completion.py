"""What the shell is offered when a line is completed."""

import re
import sqlite3

import pytest

from tests.cli.program import Forked, Program, complete, offered

ORDERS = """
from enum import Enum
from typing import Literal
from sqlmodel import Field, SQLModel

class Status(Enum):
    OPEN = "open"
    PAID = "paid in full"

class Order(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    number: str
    status: Status = Status.OPEN
    gift: bool | None = None
    way: Literal["post", "van"] = Field(default="post", sa_type=__import__("sqlalchemy").String)
"""


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("signalcli re", ["register", "remove", "receivers"]),
        ("signalcli log s", ["show", "stats"]),
        ("signalcli register x --em", ["--email"]),
        ("signalcli list --tr", ["--trace", "--traceback"]),
        ("signalcli list --ap", ["--app"]),
        ("signalcli notify --ro", ["--robust"]),
        ("signalcli show ", ["alice", "bob"]),
        ("signalcli update al", ["alice"]),
        ("signalcli --database demo.db delete b", ["bob"]),
        ("signalcli notify --database demo.db b", ["bob"]),
        ("signalcli -d sqlite:///demo.db show b", ["bob"]),
        ("signalcli -d sqlite:///demo.db?timeout=3 show b", ["bob"]),
        ("signalcli --database other.db show ", []),
        ("signalcli log --user b", ["bob"]),
        ("signalcli notify alice --fail sh", ["show_notification"]),
        ("signalcli notify alice --delay sh", ["show_notification="]),
        ("signalcli --mute notif", ["notification"]),
        ("signalcli log --signal notif", ["notification"]),
        ("signalcli log stats --receiver create", ["create_profile"]),
        ("signalcli log --receiver=create", ["--receiver=create_profile"]),
        ("signalcli log --sender ", ["Profile", "User"]),
        ("signalcli receivers --sender U", ["User"]),
        ("signalcli receivers --receiver sh", ["show_notification"]),
        ("signalcli log show ", ["2", "1"]),
        ("signalcli log export -f svg 1", ["1"]),
        ("signalcli log --before ", ["2", "1"]),
        ("signalcli send notification ", ["email=", "username="]),
        ("signalcli send notification user", ["username="]),
        ("signalcli send notification username=x ", ["email="]),
        ("signalcli get Pro", ["Profile"]),
        ("signalcli get User user", ["username="]),
        ("signalcli change Profile 1 first_name=X la", ["last_name="]),
        ("signalcli list --fields ", None),
        ("signalcli list --fields username,e", ["username,email"]),
        ("signalcli list --fields username,u", []),
        ("signalcli get Profile --fields first_name,l", ["first_name,last_name"]),
        ("signalcli help e", ["exit-codes", "explain"]),
        ("signalcli help st", ["startapp"]),
    ],
)
def test_commands_options_and_names_are_completed(
    forked_filled: Program, line: str, offers: list[str] | None
) -> None:
    done = complete(forked_filled, line)
    assert (done.code, done.err) == (0, "")
    if offers is None:
        assert "username" in done.lines
    else:
        assert done.lines == offers
    assert forked_filled.files == {"demo.db"}


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("create Order ", ["id=", "number=", "status=", "gift=", "way="]),
        ("create Order status=", ["status=open", "status=paid in full"]),
        ("get orders.Order gift=", ["gift=true", "gift=false"]),
        ("change Order 1 way=v", ["way=van"]),
        ("create Order number=", []),
        ("create Order nosuch=", []),
    ],
)
def test_values_that_are_few_are_offered(forked: Forked, line: str, offers: list[str]) -> None:
    (forked.folder / "orders.py").write_text(ORDERS, encoding="utf-8")
    assert complete(forked, f"signalcli --app orders.py {line}").lines == offers


def test_apps_of_the_working_directory_are_offered(forked: Forked) -> None:
    (forked.folder / "orders.py").write_text(ORDERS, encoding="utf-8")
    (forked.folder / "shop").mkdir()
    (forked.folder / "shop" / "__init__.py").touch()
    (forked.folder / "notes").mkdir()
    assert complete(forked, "signalcli list --app ").lines == [
        "signalcli.core",
        "orders.py",
        "shop",
    ]


def test_descriptions_are_whole_with_their_apostrophes_and_brackets(forked: Forked) -> None:
    told = dict(re.findall(r"(\S+)\t(.*)", offered(forked, "signalcli ").out))
    assert told["passwd"] == "Set a user's password, which is asked for on the terminal."
    assert told["receivers"] == "List which receivers are connected to which signals, in order."
    of_options = dict(re.findall(r"(\S+)\t(.*)", offered(forked, "signalcli list --").out))
    assert of_options["--delay"] == "Make receivers of this name slow: create_profile=200ms."


def test_a_run_is_told_by_its_command(forked_filled: Program) -> None:
    newest, *_ = offered(forked_filled, "signalcli log show ").lines[1:]
    assert newest == "2\tregister bob --email bob@mail.com"


@pytest.mark.parametrize(
    "line",
    [
        "signalcli --database ",
        "signalcli list -d ",
        "signalcli register x --profile-pic ",
        "signalcli register --from ",
        "signalcli log export --output ",
        "signalcli batch ",
    ],
)
def test_files_are_left_to_the_shell(forked: Forked, line: str) -> None:
    assert offered(forked, line).lines == ["files"]


@pytest.mark.parametrize("line", ["signalcli show ", "signalcli register "])
def test_files_are_offered_nowhere_else(forked: Forked, line: str) -> None:
    assert offered(forked, line).lines == ["values"]


def test_the_names_that_are_read_by_sql_alone_are_those_of_the_library(
    forked_filled: Program,
) -> None:
    for name in ("Ännchen", "anna", "a_b", "a%b", "Bob"):
        email = f"{abs(hash(name))}@mail.com"
        forked_filled("register", name, "--email", email)
    # A URL with a driver is no plain file: the library reads it.
    for line in ("show ", "show a", "show b", "log show ", "log show 1"):
        by_sql = complete(forked_filled, f"signalcli {line}")
        by_library = complete(forked_filled, f"signalcli -d sqlite+pysqlite:///demo.db {line}")
        assert by_sql.lines == by_library.lines


def test_the_database_of_the_environment_is_asked_for_usernames(filled: Program) -> None:
    filled.database.rename(filled.folder / "other.db")
    done = complete(filled, "signalcli show b", SIGNALCLI_DATABASE="other.db")
    assert (done.code, done.out.split(), done.err) == (0, ["bob"], "")


def test_the_database_of_the_settings_file_is_asked_for_usernames(forked_filled: Program) -> None:
    forked_filled.database.rename(forked_filled.folder / "other.db")
    (forked_filled.folder / "signalcli.toml").write_text("database = 'other.db'\n")
    assert complete(forked_filled, "signalcli show b").lines == ["bob"]
    assert complete(forked_filled, "signalcli -d demo.db show b").lines == []


@pytest.mark.parametrize("database", ["notes.txt", ".", "missing/demo.db", "nonsense://x"])
@pytest.mark.parametrize("line", ["signalcli show ", "signalcli log show "])
def test_completion_prints_no_errors_where_the_database_is_broken(
    forked: Program, database: str, line: str
) -> None:
    (forked.folder / "notes.txt").write_text("Nothing of a database.\n" * 100)
    done = complete(forked, line, SIGNALCLI_DATABASE=database)
    assert (done.code, done.out.split(), done.err) == (0, [], "")


def test_nobody_is_kept_waiting_by_a_locked_database(forked_filled: Program) -> None:
    connection = sqlite3.connect(forked_filled.database)
    connection.execute("BEGIN EXCLUSIVE")
    assert complete(forked_filled, "signalcli show b").code == 0
    connection.close()


def test_what_apps_print_is_no_part_of_the_answer(forked: Forked) -> None:
    (forked.folder / "noisy.py").write_text("print('values\\nnoise')\n", encoding="utf-8")
    done = offered(forked, "signalcli --app noisy.py signals x")
    assert done.lines == ["values"]
