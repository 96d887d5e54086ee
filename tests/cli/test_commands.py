"""Every command: its table, its message, its JSON document, and its silence."""

import re
import shlex
import sys
from typing import Any

import pytest

from tests.cli.program import Driver, Program, of_the_work

DOCUMENT_KEYS = {"ok", "command", "run", "result", "dispatches", "error"}
DISPATCH_KEYS = {
    "seq",
    "parent",
    "signal",
    "signal_path",
    "sender",
    "robust",
    "arguments",
    "duration_ms",
    "responses",
    "not_called",
}
RESPONSE_KEYS = {"receiver", "ok", "value", "error", "output", "duration_ms"}
CREATE_PROFILE = "signalcli.core.signals.create_profile"
UPDATE_PROFILE = "signalcli.core.signals.update_profile"
SHOW_NOTIFICATION = "signalcli.core.signals.show_notification"

ALICE = {
    "username": "alice",
    "email": "alice@mail.com",
    "profile": {"first_name": "Alice", "last_name": "Young", "profile_pic": "x"},
}


def without_times(lines: list[str]) -> list[str]:
    """The lines of a table without what differs from run to run: times, and blanks between."""
    return [re.sub(r" +", " ", re.sub(r"[\d.]+ (?:ms|s)$", "TIME", line)) for line in lines]


def outline(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Each dispatch of the work as its signal, its sender, and the receiver that caused it."""
    return [
        (entry["signal"], entry["sender"], entry["parent"] and entry["parent"]["receiver"])
        for entry in of_the_work(document["dispatches"])
    ]


def signals(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Each dispatch as its signal and its sender."""
    return [(entry["signal"], entry["sender"]) for entry in document["dispatches"]]


def response(document: dict[str, Any], signal: str, sender: str, receiver: str) -> dict[str, Any]:
    """What a receiver did."""
    (found,) = [
        entry
        for dispatch in document["dispatches"]
        if (dispatch["signal"], dispatch["sender"]) == (signal, sender)
        for entry in dispatch["responses"]
        if entry["receiver"] == receiver
    ]
    return dict(found)


def check_form(document: dict[str, Any]) -> None:
    """Every key that the specification names is there, with the right kind of value."""
    assert set(document) >= DOCUMENT_KEYS
    numbers = [dispatch["seq"] for dispatch in document["dispatches"]]
    assert numbers == sorted(set(numbers))
    for dispatch in document["dispatches"]:
        assert set(dispatch) >= DISPATCH_KEYS
        assert dispatch["signal_path"].endswith("." + dispatch["signal"])
        assert dispatch["duration_ms"] >= 0
        if dispatch["parent"] is not None:
            assert set(dispatch["parent"]) == {"seq", "receiver"}
            assert dispatch["parent"]["seq"] < dispatch["seq"]
        for entry in dispatch["responses"]:
            assert set(entry) >= RESPONSE_KEYS
            assert entry["duration_ms"] >= 0


class TestRegister:
    def test_the_table_shows_every_signal_and_the_message_says_what_happened(
        self, signalcli: Program
    ) -> None:
        done = signalcli("register", "xyz", "--email", "xyz@mail.com")
        assert (done.code, done.err) == (0, "")
        lines = without_times(done.lines)
        heading = "# register xyz: signal n ─▶ receivers n.1, n.2 Time with all inside"
        assert lines[0].strip() == heading
        assert lines[2:] == [
            " 1–4 unheard: command_started from register; connection_created from Engine;",
            " pre_migrate, post_migrate from <CoreConfig core>",
            " 5–7 unheard: pre_init, post_init, pre_save from User",
            " 8 post_save from User TIME",
            " 8.1 ├─▶ create_profile TIME",
            " 9–10 │ ├─ unheard: pre_init, post_init from Profile",
            " │ ├─ prints ┊ Profile Created !",
            "11–12 │ └─ unheard: pre_save, post_save from Profile",
            " 8.2 └─▶ update_profile TIME",
            "13 notification from User TIME",
            "13.1 └─▶ show_notification TIME",
            " └─ prints ┊ Sender: User",
            " ┊ Hello xyz <xyz@mail.com>",
            " ┊ Notified",
            "14 unheard: command_finished from register",
            "Registered xyz in demo.db. Sent notification",
        ]
        assert signalcli.select(
            "SELECT username, email, first_name, last_name, profile_pic FROM core_user"
            " JOIN core_profile ON core_profile.user_id = core_user.id"
        ) == [("xyz", "xyz@mail.com", "", "", "x")]
        assert signalcli.files == {"demo.db"}

    def test_the_document_holds_the_user_and_the_tree_of_dispatches(self, forked: Program) -> None:
        done = forked("register", "xyz", "-e", "xyz@mail.com", "--first-name", "Xenia", "--json")
        assert (done.code, done.err) == (0, "")
        document = done.document
        check_form(document)
        assert document["ok"] is True
        assert document["command"] == "register"
        assert document["error"] is None
        joined = document["result"].pop("date_joined")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", joined)
        assert document["result"] == {
            "username": "xyz",
            "email": "xyz@mail.com",
            "last_login": None,
            "has_password": False,
            "profile": {"first_name": "Xenia", "last_name": "", "profile_pic": "x"},
        }
        assert outline(document) == [
            ("pre_init", "User", None),
            ("post_init", "User", None),
            ("pre_save", "User", None),
            ("post_save", "User", None),
            ("pre_init", "Profile", CREATE_PROFILE),
            ("post_init", "Profile", CREATE_PROFILE),
            ("pre_save", "Profile", CREATE_PROFILE),
            ("post_save", "Profile", CREATE_PROFILE),
            ("notification", "User", None),
        ]
        made = response(document, "post_save", "User", CREATE_PROFILE)
        assert (made["ok"], made["value"], made["error"]) == (True, None, None)
        assert made["output"] == "Profile Created !\n"
        shown = response(document, "notification", "User", SHOW_NOTIFICATION)
        assert shown["output"] == ("Sender: User\nHello xyz <xyz@mail.com>\nNotified\n")
        assert signals(document) == [
            ("command_started", "register"),
            ("connection_created", "Engine"),
            ("pre_migrate", "<CoreConfig core>"),
            ("post_migrate", "<CoreConfig core>"),
            *[(signal, sender) for signal, sender, _ in outline(document)],
            ("command_finished", "register"),
        ]
        saved = of_the_work(document["dispatches"])[3]
        assert saved["arguments"]["created"] is True
        assert saved["arguments"]["instance"] == "<User xyz>"
        assert saved["robust"] is False

    def test_quiet_prints_nothing_and_stores_the_user(self, forked: Program) -> None:
        done = forked("register", "xyz", "--email", "xyz@mail.com", "--quiet")
        assert (done.code, done.out, done.err) == (0, "", "")
        assert forked.usernames == ["xyz"]


class TestUpdate:
    def test_the_profile_is_saved_once_and_under_update_profile(self, filled: Program) -> None:
        done = filled("update", "alice", "--last-name", "Old")
        assert (done.code, done.err) == (0, "")
        assert without_times(done.lines_of_the_work)[2:] == [
            "1–3 unheard: pre_init, post_init, pre_save from User",
            "4 post_save from User TIME",
            "4.1 ├─▶ create_profile TIME",
            "4.2 └─▶ update_profile TIME",
            "5–6 ├─ unheard: pre_init, post_init from Profile",
            " ├─ prints ┊ Profile Updated!",
            "7–8 └─ unheard: pre_save, post_save from Profile",
            "Updated alice in demo.db",
        ]

    def test_all_that_is_given_changes_and_the_document_shows_it(
        self, forked_filled: Program
    ) -> None:
        done = forked_filled(
            "update",
            "alice",
            *("--username", "alicia"),
            *("--email", "alicia@mail.com"),
            *("--first-name", "Alicia"),
            *("--last-name", ""),
            "--json",
        )
        assert (done.code, done.err) == (0, "")
        document = done.document
        check_form(document)
        assert document["command"] == "update"
        result = document["result"]
        assert result["changed"] is True
        assert (result["username"], result["email"]) == ("alicia", "alicia@mail.com")
        assert result["profile"] == {"first_name": "Alicia", "last_name": "", "profile_pic": "x"}
        profile_saves = [
            dispatch
            for dispatch in document["dispatches"]
            if (dispatch["signal"], dispatch["sender"]) == ("post_save", "Profile")
        ]
        assert [save["parent"]["receiver"] for save in profile_saves] == [UPDATE_PROFILE]
        assert response(document, "post_save", "User", UPDATE_PROFILE)["output"] == (
            "Profile Updated!\n"
        )
        assert forked_filled.usernames == ["alicia", "bob"]

    def test_quiet_prints_nothing_and_changes_the_user(self, forked_filled: Program) -> None:
        done = forked_filled("-q", "update", "bob", "-u", "rob")
        assert (done.code, done.out, done.err) == (0, "", "")
        assert forked_filled.usernames == ["alice", "rob"]

    def test_an_update_that_changes_nothing_says_so_and_sends_nothing(
        self, forked_filled: Program
    ) -> None:
        before = forked_filled.rows()
        done = forked_filled(
            "update", "alice", "--email", "alice@mail.com", "--first-name", "Alice"
        )
        assert (done.code, done.err) == (0, "")
        assert done.lines_of_the_work == ["Nothing to change for alice in demo.db"]
        assert forked_filled.rows() == before

    def test_the_document_of_an_update_that_changes_nothing_has_no_dispatches(
        self, forked_filled: Program
    ) -> None:
        done = forked_filled("update", "alice", "--json")
        assert (done.code, done.err) == (0, "")
        assert done.document["ok"] is True
        assert done.document["result"]["changed"] is False
        assert done.work == []


class TestDelete:
    def test_the_profile_goes_first_in_djangos_order(self, filled: Program) -> None:
        done = filled("delete", "alice")
        assert (done.code, done.err) == (0, "")
        assert without_times(done.lines_of_the_work)[2:] == [
            "1–6 unheard: pre_init, post_init from User; pre_init, post_init,",
            " pre_delete from Profile; pre_delete from User",
            "7 post_delete from Profile TIME",
            "7.1 └─▶ remove_picture TIME",
            "8 unheard: post_delete from User",
            "Deleted alice from demo.db",
        ]
        assert filled.usernames == ["bob"]
        assert filled.select("SELECT count(*) FROM core_profile") == [(1,)]

    def test_the_document_shows_the_user_as_they_were(self, forked_filled: Program) -> None:
        done = forked_filled("delete", "alice", "--json")
        assert (done.code, done.err) == (0, "")
        document = done.document
        check_form(document)
        assert document["command"] == "delete"
        assert {key: document["result"][key] for key in ALICE} == ALICE
        assert outline(document)[-4:] == [
            ("pre_delete", "Profile", None),
            ("pre_delete", "User", None),
            ("post_delete", "Profile", None),
            ("post_delete", "User", None),
        ]

    def test_quiet_prints_nothing_and_removes_the_user(self, forked_filled: Program) -> None:
        done = forked_filled("delete", "bob", "-q")
        assert (done.code, done.out, done.err) == (0, "", "")
        assert forked_filled.usernames == ["alice"]


class TestNotify:
    def test_the_receivers_three_lines_stand_under_it(self, filled: Program) -> None:
        done = filled("notify", "alice")
        assert (done.code, done.err) == (0, "")
        assert without_times(done.lines)[2:] == [
            "1–2 unheard: command_started from notify; connection_created from Engine",
            "3 notification from User TIME",
            "3.1 └─▶ show_notification TIME",
            " └─ prints ┊ Sender: User",
            " ┊ Hello alice <alice@mail.com>",
            " ┊ Notified",
            "4 unheard: command_finished from notify",
            "Sent notification for alice in demo.db",
        ]

    def test_the_document_says_whether_it_was_robust(self, forked_filled: Program) -> None:
        done = forked_filled("notify", "alice", "--robust", "--json")
        assert (done.code, done.err) == (0, "")
        document = done.document
        check_form(document)
        assert document["command"] == "notify"
        assert document["result"]["username"] == "alice"
        (dispatch,) = done.work
        assert dispatch["robust"] is True
        assert dispatch["signal_path"] == "signalcli.core.signals.notification"
        assert dispatch["arguments"] == {"email": "alice@mail.com", "username": "alice"}

    def test_quiet_prints_nothing(self, forked_filled: Program) -> None:
        done = forked_filled("notify", "alice", "--quiet")
        assert (done.code, done.out, done.err) == (0, "", "")


def test_a_command_that_a_receiver_fails_announces_it_before_its_end(driver: Driver) -> None:
    program = driver(
        "@receiver(post_save, sender=User)\ndef audit(**kwargs): raise OSError('no')\n"
    )
    done = program("register", "xyz", "--email", "xyz@mail.com", "--json")
    assert (done.code, done.err) == (1, "")
    document = done.document
    assert signals(document) == [
        ("command_started", "register"),
        ("connection_created", "Engine"),
        ("pre_init", "User"),
        ("post_init", "User"),
        ("pre_save", "User"),
        ("post_save", "User"),
        ("pre_init", "Profile"),
        ("post_init", "Profile"),
        ("got_command_exception", "register"),
        ("command_finished", "register"),
    ]
    started, *_, exception, finished = document["dispatches"]
    assert started["arguments"] == {
        "command": "register",
        "arguments": ["register", "xyz", "--email", "xyz@mail.com", "--json"],
    }
    assert "OSError" in exception["arguments"]["exception"]
    assert finished["arguments"] == {"command": "register", "exit_code": 1}


class TestList:
    def test_users_are_listed_in_the_order_in_which_they_registered(self, filled: Program) -> None:
        done = filled("list")
        assert (done.code, done.err) == (0, "")
        assert done.lines[0].split() == [
            "Username",
            "Email",
            "First",
            "name",
            "Last",
            "name",
            "Joined",
        ]
        assert [line.split()[:-1] for line in done.lines[2:]] == [
            ["alice", "alice@mail.com", "Alice", "Young"],
            ["bob", "bob@mail.com"],
        ]

    def test_the_document_lists_the_users_without_dispatches(self, forked_filled: Program) -> None:
        document = forked_filled("list", "--json").document
        check_form(document)
        assert (document["ok"], document["command"]) == (True, "list")
        assert [user["username"] for user in document["result"]] == ["alice", "bob"]
        assert {key: document["result"][0][key] for key in ALICE} == ALICE
        assert document["dispatches"] == []

    def test_trace_adds_the_signals_of_loading(self, forked_filled: Program) -> None:
        document = forked_filled("list", "--trace", "--json").document
        check_form(document)
        assert signals(document) == [
            ("command_started", "list"),
            ("connection_created", "Engine"),
            *2
            * [
                ("pre_init", "User"),
                ("post_init", "User"),
                ("pre_init", "Profile"),
                ("post_init", "Profile"),
            ],
            ("command_finished", "list"),
        ]
        assert [user["username"] for user in document["result"]] == ["alice", "bob"]

    def test_a_database_that_does_not_exist_has_no_users_and_is_not_made(
        self, forked: Program
    ) -> None:
        done = forked("list")
        assert (done.code, done.err) == (0, "")
        assert done.out == (
            f"No users: there is no demo.db in {forked.folder}. "
            "This makes one: signalcli register xyz --email xyz@mail.com\n"
        )
        assert forked.files == set()

    @pytest.mark.parametrize("command", ["log", "log stats", "log show", "get User"])
    def test_other_listings_say_which_file_is_missing(self, forked: Program, command: str) -> None:
        done = forked(*command.split(), "--database", "other.db")
        assert f"there is no other.db in {forked.folder}" in done.out + done.err
        assert forked.files == set()

    def test_get_says_what_makes_an_object(self, forked: Program) -> None:
        said = forked("get", "User", "--database", "my own.db").out.rstrip()
        _, _, command = said.partition("This makes one: signalcli ")
        given = {"username": "xyz", "email": "xyz@mail.com"}
        words = shlex.split(re.sub(r"(\w+)=…", lambda each: f"{each[1]}={given[each[1]]}", command))
        assert forked(*words, "--quiet").code == 0
        assert forked.files == {"my own.db"}

    def test_the_command_that_makes_another_database_names_it(self, forked: Program) -> None:
        done = forked("list", "--database", "my own.db")
        _, _, command = done.out.rstrip().partition("This makes one: signalcli ")
        assert forked(*shlex.split(command), "--quiet").code == 0
        assert forked.files == {"my own.db"}
        assert "xyz@mail.com" in forked("list", "--database", "my own.db").out


class TestShow:
    def test_the_user_and_the_profile_are_shown(self, filled: Program) -> None:
        done = filled("show", "alice")
        assert (done.code, done.err) == (0, "")
        shown = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.lines)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", shown.pop("Joined"))
        assert shown == {
            "Username": "alice",
            "Email": "alice@mail.com",
            "First name": "Alice",
            "Last name": "Young",
            "Profile picture": "none",
        }

    def test_the_document_holds_the_user(self, forked_filled: Program) -> None:
        document = forked_filled("show", "alice", "--json").document
        check_form(document)
        assert (document["ok"], document["command"]) == (True, "show")
        assert {key: document["result"][key] for key in ALICE} == ALICE
        assert document["dispatches"] == []

    def test_trace_shows_the_signals_of_loading_before_the_answer(
        self, forked_filled: Program
    ) -> None:
        done = forked_filled("show", "alice", "--trace")
        assert (done.code, done.err) == (0, "")
        assert without_times(done.lines_of_the_work)[:2] == [
            "1–4 unheard: pre_init, post_init from User; pre_init, post_init from Profile",
            "Username alice",
        ]
        done = forked_filled("show", "alice", "--trace", "--all")
        assert (done.code, done.err) == (0, "")
        assert without_times(done.lines_of_the_work)[2:7] == [
            "1 pre_init from User unheard",
            "2 post_init from User unheard",
            "3 pre_init from Profile unheard",
            "4 post_init from Profile unheard",
            "Username alice",
        ]


def test_python_m_signalcli_is_the_same_program(filled: Program) -> None:
    as_module = Program(filled.folder, (sys.executable, "-m", "signalcli"))
    assert as_module("show", "bob", "--json") == filled("show", "bob", "--json")
    assert "signalcli register --help" in as_module("register").error
