"""Faults on purpose, through the command line."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.program import Driver, Forked, Program

REGISTER = ("register", "carol", "-e", "carol@mail.com")
EVERY_COMMAND = (
    REGISTER,
    ("update", "alice", "--first-name", "Al"),
    ("delete", "alice"),
    ("notify", "alice"),
    ("list",),
    ("show", "alice", "--trace"),
    ("signals",),
    ("receivers",),
    ("log",),
    ("log", "show"),
    ("log", "stats"),
    ("log", "export", "-f", "json"),
)
SIDE_BY_SIDE = """
import asyncio

async def mail(**kwargs):
    await asyncio.sleep(0)

async def text(**kwargs):
    await asyncio.sleep(0)
    print("texted")

notification.connect(mail)
notification.connect(text)
"""


def responses(document: dict[str, Any], receiver: str) -> list[dict[str, Any]]:
    return [
        response
        for dispatch in document["dispatches"]
        for response in dispatch["responses"]
        if response["receiver"].endswith(receiver)
    ]


def muted(document: dict[str, Any]) -> set[str]:
    return {dispatch["signal"] for dispatch in document["dispatches"] if dispatch["muted"]}


class TestFail:
    def test_a_receiver_that_fails_stops_the_command_and_rolls_it_back(
        self, forked_filled: Forked
    ) -> None:
        before = forked_filled.rows()
        done = forked_filled(*REGISTER, "--fail", "create_profile")
        (dispatch,) = [line for line in done.lines if "all rolled back" in line]
        assert "post_save from User  ✗ failed: all rolled back" in dispatch
        assert forked_filled("log", "show").out == done.out
        assert done.code == 1
        assert "├─▶ create_profile  ✗ raised InjectedFault: raised on purpose " in done.out
        assert "└╌╌ update_profile  not called, since create_profile raised\n" in done.out
        assert "InjectedFault: raised on purpose; nothing was written" in done.error
        assert forked_filled.rows() == before

    def test_its_response_is_marked(self, forked_filled: Forked) -> None:
        document = forked_filled(*REGISTER, "--fail", "signalcli.core.*", "--json").document
        (response,) = responses(document, "create_profile")
        assert response["injected"] == {"failure": True, "delay_ms": 0.0}
        assert response["error"] == {
            "type": "InjectedFault",
            "message": "raised on purpose",
            "place": None,
            "on_commit": None,
        }
        assert document["error"]["code"] == "receiver_failed"

    def test_who_was_not_called_is_told_to_programs_and_kept(self, forked_filled: Forked) -> None:
        document = forked_filled(*REGISTER, "--fail", "create_profile", "--json").document
        skipped = [
            (each["signal"], each["sender"], each["not_called"])
            for each in document["dispatches"]
            if each["not_called"]
        ]
        assert skipped == [("post_save", "User", ["signalcli.core.signals.update_profile"])]
        kept = forked_filled("log", "show", "--json").document["dispatches"]
        assert kept == document["dispatches"]
        shown = forked_filled("log", "show").out
        assert "└╌╌ update_profile  not called, since create_profile raised\n" in shown

    def test_robust_the_others_run(self, driver: Driver) -> None:
        program = driver("notification.connect(lambda **kwargs: 'heard', weak=False)")
        done = program("notify", "alice", "--robust", "--fail", "show_*")
        assert done.code == 1
        assert "heard" in done.out
        assert "Sent notification" in done.out
        assert done.error.endswith("; the others ran")


class TestDelay:
    def test_a_slow_receiver_is_marked(self, forked_filled: Forked) -> None:
        done = forked_filled("notify", "alice", "--delay", "show_notification=2ms")
        assert done.code == 0
        (row,) = [line for line in done.lines if "─▶ show_notification" in line]
        assert "show_notification  delayed 2.00 ms on purpose  " in row
        assert float(re.findall(r"([\d.]+) ms$", row)[0]) >= 2

    def test_the_last_delay_that_fits_counts(self, forked_filled: Forked) -> None:
        document = forked_filled(
            *("--delay", "*=1h", "--delay", "show_*=1h", "notify", "alice", "--json"),
            *("--delay", "show_*=0ms", "--delay", "s*=1ms"),
        ).document
        (response,) = responses(document, "show_notification")
        assert response["injected"] == {"failure": False, "delay_ms": 1.0}

    @pytest.mark.parametrize("value", ["show_*", "", "=1ms", "show_*=", "show_*=1", "x=-1s"])
    def test_a_value_that_is_none_is_refused(self, forked_filled: Forked, value: str) -> None:
        done = forked_filled("notify", "alice", "--delay", value)
        assert (done.code, done.out) == (2, "")
        assert "'--delay'" in done.error

    @settings(
        deadline=None,
        max_examples=25,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
    def test_any_value_is_taken_or_refused_in_one_line(
        self, forked_filled: Forked, value: str
    ) -> None:
        done = forked_filled("signals", "--quiet", f"--delay={value}")
        assert done.code in (0, 2, 3)
        assert done.code == 0 or done.error

    def test_it_can_be_interrupted(self, driver: Driver) -> None:
        program = driver(
            "import signal\n"
            "def press(**kwargs):\n"
            "    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
            "pre_save.connect(press, sender=User)\n"
        )
        before = program.rows()
        done = program(*REGISTER, "--delay", "create_profile=1h")
        assert (done.code, done.error) == (130, "interrupted; nothing was written")
        assert program.rows() == before


class TestMute:
    def test_a_muted_signal_reaches_nobody_and_stands_in_the_table(
        self, forked_filled: Forked
    ) -> None:
        done = forked_filled("notify", "alice", "--mute", "notif*")
        assert done.code == 0
        (line,) = [line for line in done.lines if "notification from User" in line]
        assert re.fullmatch(r"3 +notification from User  muted: nobody received it", line)
        assert "Notified" not in done.out

    def test_before_and_after_the_command_they_add_up(self, forked_filled: Forked) -> None:
        document = forked_filled(
            *("--mute", "pre_save", "--mute", "*.post_save", *REGISTER),
            *("--mute", "notification", "--json"),
        ).document
        assert muted(document) == {"pre_save", "post_save", "notification"}
        assert document["ok"]


@pytest.mark.parametrize("arguments", EVERY_COMMAND, ids=" ".join)
class TestEveryCommand:
    @pytest.mark.parametrize(
        "option", [("--fail", "nobody"), ("--delay", "no*=1ms"), ("--mute", "nothing")]
    )
    def test_a_name_that_nothing_has_is_an_error(
        self, forked_filled: Forked, arguments: tuple[str, ...], option: tuple[str, str]
    ) -> None:
        before = forked_filled.rows()
        done = forked_filled(*arguments, *option)
        assert (done.code, done.out) == (3, "")
        what = "signal" if option[0] == "--mute" else "receiver"
        pattern = option[1].partition("=")[0]
        assert done.error == (
            f"there is no {what} that matches {pattern!r}; `signalcli {what}s` shows what there is"
        )
        assert forked_filled.rows() == before

    def test_a_name_that_something_has_is_taken(
        self, forked_filled: Forked, arguments: tuple[str, ...]
    ) -> None:
        done = forked_filled(*arguments, "--delay", "show_notification=0ms", "--mute", "pre_delete")
        assert (done.code, done.err) == (0, "")


def test_show_prints_again_what_was_marked(driver: Driver) -> None:
    program = driver(SIDE_BY_SIDE)
    done = program("notify", "alice", "--delay", "text=2ms", "--delay", "mail=2ms")
    assert done.code == 0
    assert done.out.count("∥ ") == 2
    assert done.out.count("delayed 2.00 ms") == 2
    assert program("log", "show").out == done.out
    document = program("log", "show", "--json").document
    assert [each["concurrent"] for each in responses(document, "mail")] == [True]
    assert [each["concurrent"] for each in responses(document, "show_notification")] == [False]


def test_faults_are_for_one_run_only(forked_filled: Forked) -> None:
    assert forked_filled("notify", "alice", "--fail", "show_*").code == 1
    assert forked_filled("notify", "alice").code == 0


def test_the_help_has_a_section_for_them(forked: Program) -> None:
    section = forked("help", "options").out.partition("Faults on purpose:\n")[2]
    for option in ("--fail", "--delay", "--mute"):
        assert f"  {option} " in section
