"""The commands passwd, login and logout, and what they leave in the database and the log."""

import json
import re
import sqlite3
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.cli.program import Driver, Finished, Forked, Program, complete

UPDATE_LAST_LOGIN = "signalcli.core.signals.update_last_login"
UPDATE_PROFILE = "signalcli.core.signals.update_profile"
SECRETS = re.compile("hunter2|argon2|m=65536")
# Counts the failed logins of a user in their first name.
COUNTING = """
from signalcli.core.signals import user_login_failed

@receiver(user_login_failed)
def count(credentials, session, **kwargs):
    user = users.load(session, credentials["username"])
    user.profile.first_name += "x"
    print(credentials)
"""
# Prints and answers all that it gets, and has the database refuse what it does to clash.
TELLING = """
from signalcli.db import pre_init

@receiver([pre_init, post_init, pre_save, post_save])
def tell(signal, sender, **named):
    print(named)
    instance = named.get("instance")
    if isinstance(instance, Profile) and instance.first_name == "clash" and signal is pre_save:
        eve = users.load(named["session"], "eve")
        named["session"].execute(User.__table__.insert().values(
            username="eve", email="x", password=eve.password, date_joined=eve.date_joined,
        ))
    return [named, instance]
"""


def protect(program: Program, username: str = "alice") -> Forked:
    """The program, when it has given a user the password `secret`."""
    assert isinstance(program, Forked)
    assert program("passwd", username, "--password-stdin", "-q", piped="secret\n").code == 0
    return program


@pytest.fixture
def protected(forked_filled: Forked) -> Forked:
    """The program, with a database in which alice has the password `secret` and bob has none."""
    return protect(forked_filled)


def login(program: Forked, username: str, password: str, *more: str) -> Finished:
    return program("login", username, "--password-stdin", *more, piped=password)


def dispatches(document: dict[str, Any], *signals: str) -> list[tuple[Any, ...]]:
    """Each dispatch of those signals: its sender, the receiver that caused it, its arguments."""
    return [
        (
            entry["signal"],
            entry["sender"],
            entry["parent"] and entry["parent"]["receiver"],
            entry["arguments"],
        )
        for entry in document["dispatches"]
        if entry["signal"] in signals
    ]


def hash_of(program: Program, username: str) -> Any:
    ((encoded,),) = program.select(f"SELECT password FROM core_user WHERE username = '{username}'")
    return encoded


class TestPasswd:
    def test_the_password_is_set_and_the_profile_saved(self, forked_filled: Forked) -> None:
        done = forked_filled("passwd", "bob", "--password-stdin", "--json", piped="secret")
        assert (done.code, done.err) == (0, "")
        result = done.document["result"]
        assert (result["username"], result["has_password"], result["changed"]) == (
            "bob",
            True,
            True,
        )
        ((_, _, _, arguments), *_) = dispatches(done.document, "pre_save")
        assert arguments["update_fields"] == ["password"]
        causes = [cause for _, sender, cause, _ in dispatches(done.document, "post_save")]
        assert causes == [None, UPDATE_PROFILE]
        assert login(forked_filled, "bob", "secret").code == 0

    def test_people_are_told(self, protected: Forked) -> None:
        done = protected("passwd", "alice", "--password-stdin", piped="other")
        assert (done.code, done.err) == (0, "")
        assert done.lines[-1] == "Set the password of alice in demo.db"
        assert login(protected, "alice", "secret").code == 2
        done = protected("passwd", "alice", "--remove")
        assert done.lines[-1] == "Took the password of alice in demo.db"
        assert login(protected, "alice", "other").code == 2
        done = protected("passwd", "alice", "--remove")
        assert (done.code, done.lines[-1]) == (0, "Nothing to change for alice in demo.db")

    @pytest.mark.parametrize("more", [("--remove",), ("--password-stdin",)], ids=" ".join)
    def test_who_does_not_exist_is_not_found(
        self, forked_filled: Forked, more: tuple[str, ...]
    ) -> None:
        before = forked_filled.rows()
        done = forked_filled("passwd", "zoe", *more, piped="secret")
        assert done.code == 3
        assert "'zoe'" in done.error
        assert forked_filled.rows() == before


class TestLogin:
    def test_the_receiver_notes_when_and_the_profile_is_saved(self, protected: Forked) -> None:
        assert protected("show", "alice", "--json").document["result"]["last_login"] is None
        done = login(protected, "alice", "secret\n", "--json")
        assert (done.code, done.err) == (0, "")
        ((_, sender, cause, arguments),) = dispatches(done.document, "user_logged_in")
        assert (sender, cause) == ("User", None)
        assert arguments["user"] == "<User alice>"
        assert arguments["request"] is None
        ((_, _, cause, arguments), *_) = dispatches(done.document, "pre_save")
        assert (cause, arguments["update_fields"]) == (UPDATE_LAST_LOGIN, ["last_login"])
        assert dispatches(done.document, "user_login_failed") == []
        when = done.document["result"]["last_login"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", when)
        assert protected("show", "alice", "--json").document["result"]["last_login"] == when

    def test_people_are_told(self, protected: Forked) -> None:
        done = login(protected, "alice", "secret\n")
        assert (done.code, done.err) == (0, "")
        assert done.lines[-1] == "Logged alice in to demo.db"
        shown = protected("show", "alice").lines
        assert "Password         set" in shown
        assert re.search(r"Last login +\d{4}-\d\d-\d\d \d\d:\d\d UTC", shown[-1])
        assert "Password" not in protected("show", "bob").out

    @pytest.mark.parametrize("form", [(), ("--json",), ("--quiet",)], ids=["", "json", "quiet"])
    def test_whatever_is_wrong_the_answer_is_the_same(
        self, protected: Forked, form: tuple[str, ...]
    ) -> None:
        before = protected.rows()
        answers = set()
        for username in ("alice", "bob", "zoe"):
            done = login(protected, username, "wrong", "--no-log", *form)
            assert done.code == 2
            out = re.sub(r'(?<=_ms": )[\d.]+', "0", done.out)
            answers.add((out.replace(username, "X"), done.err.replace(username, "X")))
        assert len(answers) == 1
        ((out, err),) = answers
        if "--json" in form:
            error = json.loads(out)["error"]
            assert error["code"] == "login_failed"
            assert "the username or the password is wrong" in error["message"]
        else:
            assert err.startswith("error: cannot log in 'X': the username or the password is wrong")
            assert err.count("\n") == 1
            assert "" not in out.splitlines()
        assert protected.rows() == before

    def test_the_log_tells_who_tried(self, protected: Forked) -> None:
        assert protected("login", "--password-stdin", "alice", "-q", piped="wrong").code == 2
        (run, *_) = protected("log", "--json").document["result"]
        assert run["command_line"] == "signalcli login --password-stdin alice -q"
        assert run["users"] == ["alice"]
        assert protected("log", "show").out == ""
        shown = protected("log", "show", "--all").lines_of_the_work
        assert "user_login_failed" in shown[-1]

    def test_in_a_missing_database_nobody_can_log_in_and_none_is_made(self, forked: Forked) -> None:
        done = login(forked, "alice", "secret")
        assert done.code == 2
        assert "the username or the password is wrong" in done.error
        assert forked.files == set()

    def test_receivers_of_a_failure_are_not_told_the_password(self, driver: Driver) -> None:
        done = login(protect(driver(COUNTING)), "alice", "hunter2", "--json")
        ((_, sender, cause, arguments),) = dispatches(done.document, "user_login_failed")
        assert (sender, cause) == ("signalcli.core.authorization", None)
        assert arguments["request"] is None
        assert "hunter2" not in done.out + done.err
        (failed,) = [
            entry for entry in done.document["dispatches"] if entry["signal"] == "user_login_failed"
        ]
        assert f"'password': '{'*' * 20}'" in failed["responses"][0]["output"]

    def test_what_they_write_is_kept(self, driver: Driver) -> None:
        program = protect(driver(COUNTING))
        for _ in range(2):
            assert login(program, "alice", "wrong", "-q").code == 2
        shown = program("show", "alice", "--json").document["result"]
        assert shown["profile"]["first_name"] == "Alicexx"
        (run, *_) = program("log", "--user", "alice", "--json").document["result"]
        assert (run["outcome"], run["exit_code"], run["rolled_back"]) == ("failed", 2, False)

    def test_one_that_fails_itself_leaves_nothing(self, driver: Driver) -> None:
        failing = COUNTING + "    session.flush()\n    raise ValueError('no')\n"
        program = protect(driver(failing))
        before = program.rows()
        done = login(program, "alice", "wrong")
        assert done.code == 1
        assert "__main__.count failed on user_login_failed" in done.error
        assert program.rows() == before

    def test_an_old_hash_is_made_anew(self, forked_filled: Forked) -> None:
        old = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("secret")
        with sqlite3.connect(forked_filled.database) as connection:
            connection.execute("UPDATE core_user SET password = ?", (old,))
        connection.close()
        assert login(forked_filled, "bob", "wrong").code == 2
        assert hash_of(forked_filled, "bob") == old
        done = login(forked_filled, "bob", "secret", "--json")
        saved = [
            arguments["update_fields"]
            for _, sender, _, arguments in dispatches(done.document, "pre_save")
            if sender == "User"
        ]
        assert saved == [["password"], ["last_login"]]
        assert hash_of(forked_filled, "bob") != old
        assert login(forked_filled, "bob", "secret").code == 0


class TestLogout:
    def test_the_signal_is_sent_and_nothing_written(self, forked_filled: Forked) -> None:
        before = forked_filled.rows()
        done = forked_filled("logout", "alice", "--json")
        assert (done.code, done.err) == (0, "")
        ((_, sender, cause, arguments),) = dispatches(done.document, "user_logged_out")
        assert (sender, cause) == ("User", None)
        assert (arguments["user"], arguments["request"]) == ("<User alice>", None)
        assert done.document["result"]["username"] == "alice"
        assert forked_filled.rows() == before
        assert forked_filled("logout", "bob").lines[-1] == "Logged bob out of demo.db"

    def test_who_does_not_exist_is_not_found(self, forked_filled: Forked) -> None:
        done = forked_filled("logout", "zoe")
        assert done.code == 3
        assert "'zoe'" in done.error


def test_neither_passwords_nor_hashes_are_printed_or_kept_anywhere_else(driver: Driver) -> None:
    program = protect(driver(TELLING))
    commands = [
        (("register", "eve", "-e", "eve@mail.com", "--password-stdin"), 0),
        (("register", "eve", "-e", "eve@mail.com", "--password-stdin"), 4),
        (("login", "eve", "--password-stdin", "--json"), 0),
        (("login", "zoe", "--password-stdin"), 2),
        (("passwd", "alice", "--password-stdin"), 0),
        (("update", "eve", "--first-name", "Eve", "--json"), 0),
        (("list", "--trace", "--json"), 0),
        (("show", "eve", "--trace"), 0),
        (("update", "bob", "--first-name", "clash"), 1),
        (("log", "export", "--format", "mermaid"), 0),
        (("log", "export", "--format", "html"), 0),
        (("log", "show", "--json"), 0),
    ]
    for arguments, code in commands:
        traceback = {"SIGNALCLI_TRACEBACK": "1"}
        done = program(*arguments, piped="hunter2", env=traceback)
        assert done.code == code, done.err
        assert not SECRETS.search(done.out + done.err)
    assert "IntegrityError" in done.out
    with sqlite3.connect(program.database) as connection:
        telling = [row for row in connection.iterdump() if SECRETS.search(row)]
    connection.close()
    assert len(telling) == 2
    assert all(row.startswith('INSERT INTO "core_user"') for row in telling)
    assert b"hunter2" not in program.database.read_bytes()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("signalcli pass", ["passwd"]),
        ("signalcli login ", ["alice", "bob"]),
        ("signalcli logout b", ["bob"]),
        ("signalcli passwd al", ["alice"]),
        ("signalcli passwd alice --", None),
        ("signalcli register x --pass", ["--password", "--password-stdin"]),
    ],
)
def test_commands_and_usernames_are_completed(
    forked_filled: Forked, line: str, offered: list[str] | None
) -> None:
    done = complete(forked_filled, line)
    assert (done.code, done.err) == (0, "")
    if offered is None:
        assert {"--remove", "--password-stdin"} <= set(done.out.split())
    else:
        assert done.out.split() == offered


@pytest.mark.parametrize("command", ["passwd", "login", "logout"])
def test_the_help_shows_an_example(forked: Program, command: str) -> None:
    done = forked(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Example: signalcli {command} xyz" in done.out
    assert "0 done" in done.out
