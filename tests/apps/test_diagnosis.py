"""Why a receiver did not run, by what is connected and by the evidence of a run."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from signalcli.apps.diagnosis import RANKS, Finding, Question, diagnose, ranked
from signalcli.apps.evidence import evidence
from signalcli.apps.registry import apps
from signalcli.core.models import Profile, User
from signalcli.core.signals import notification, show_notification
from signalcli.db import post_save, pre_init
from signalcli.dispatch import DeadReceiverWarning
from signalcli.log.runs import Run
from signalcli.trace import Faults, Recorder, Trace, injected, record


@pytest.fixture(scope="module", autouse=True)
def ready() -> None:
    apps.populate()


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In an empty folder; the dead are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    yield
    post_save._table.deaths.clear()
    notification._table.deaths.clear()


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def audit(**named: Any) -> None: ...


def fail(**named: Any) -> None:
    raise ValueError("no")


# --- what is connected ---------------------------------------------------------------------------


def test_a_receiver_that_is_connected_would_run() -> None:
    (finding,) = diagnose(Question(post_save, "User", "create_profile"))
    assert finding.code == "connected"
    assert finding.message == (
        "create_profile is connected to post_save of User, and would receive it now."
    )
    assert "touch(instance)" in finding.advice


def test_a_receiver_may_be_connected_for_another_sender() -> None:
    (finding,) = diagnose(Question(post_save, "Profile", "create_profile"))
    assert finding.code == "other_sender"
    assert "for User alone, not for Profile" in finding.message
    assert finding.advice == "Connect it with sender=Profile as well, or without a sender."
    with post_save.connected_to(audit, Profile):
        found = diagnose(Question(post_save, "Profile"))
        assert codes(found) == ["other_sender", "other_sender", "connected"]


def test_a_receiver_may_be_connected_to_another_signal() -> None:
    (finding,) = diagnose(Question(notification, receiver="create_profile"))
    assert finding.code == "other_signal"
    assert "is connected to post_save, not to notification" in finding.message


def test_a_receiver_may_be_defined_and_not_connected() -> None:
    (finding,) = diagnose(Question(notification, receiver="discard"))
    assert finding.code == "not_connected"
    assert "pictures.py:" in finding.message


def test_a_receiver_may_not_exist() -> None:
    (finding,) = diagnose(Question(post_save, receiver="create_profil"))
    assert finding.code == "no_such_receiver"
    assert finding.advice.startswith("Did you mean create_profile")
    (finding,) = diagnose(Question(post_save, receiver="qqq"))
    assert "signalcli receivers" in finding.advice


def test_nobody_may_be_connected() -> None:
    assert codes(diagnose(Question(pre_init))) == ["not_connected"]


def test_a_sender_may_not_exist() -> None:
    first, *_ = diagnose(Question(post_save, "Usr"))
    assert (first.code, first.advice) == ("unknown_sender", "Did you mean User?")
    assert "unknown_sender" not in codes(
        diagnose(Question(post_save, "signalcli.core.models.User"))
    )
    assert "unknown_sender" not in codes(diagnose(Question(post_save, "core.User")))
    assert "unknown_sender" not in codes(diagnose(Question(notification, "Usr")))


def test_a_sender_by_name_may_not_be_defined() -> None:
    post_save.connect(audit, sender="nowhere.User")
    (finding,) = diagnose(Question(post_save, "User", "audit"))
    assert finding.code == "no_such_sender"
    assert "nowhere.User" in finding.message
    post_save.disconnect(audit, sender="nowhere.User")


def test_a_receiver_may_be_dead() -> None:
    def connect() -> None:
        def local(**named: Any) -> None: ...

        post_save.connect(local, sender=User)

    with pytest.warns(DeadReceiverWarning):
        connect()
    (finding,) = diagnose(Question(post_save, "User", "local"))
    assert finding.code == "dead"
    assert f"{__file__}:" in finding.message
    assert "function within another one" in finding.message
    assert diagnose(Question(post_save, "User"))[0] == finding
    assert "dead" not in codes(diagnose(Question(post_save, "Profile")))
    assert "dead" not in codes(diagnose(Question(post_save, "User", "create_profile")))


def test_the_object_of_a_method_may_be_dead() -> None:
    class Ledger:
        def enter(self, **named: Any) -> None: ...

    ledger = Ledger()
    notification.connect(ledger.enter)
    assert codes(diagnose(Question(notification, receiver="enter"))) == ["connected"]
    del ledger
    (finding,) = diagnose(Question(notification, receiver="enter"))
    assert finding.code == "dead"
    assert finding.advice.startswith("Keep the object")


def test_a_signal_may_be_muted() -> None:
    with notification.muted():
        assert codes(diagnose(Question(notification)))[0] == "muted"
    with injected(Faults(mute=("notification",))):
        first, *_ = diagnose(Question(notification))
    assert (first.code, first.advice) == ("muted", "Leave out --mute.")


def test_the_likeliest_is_first_and_what_explains_less_is_left_out() -> None:
    found = [Finding(code, code) for code in ("connected", "not_received", "rolled_back", "dead")]
    assert codes(ranked(found)) == ["dead", "rolled_back", "connected"]
    assert codes(ranked(found[:2])) == ["not_received", "connected"]


def test_the_manual_lists_every_reason_in_its_rank() -> None:
    page = (Path(__file__).parents[2] / "docs" / "why.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)) == RANKS


# --- the evidence of a run -----------------------------------------------------------------------

RUN = Run(
    number=7, begun=datetime(2026, 1, 1), command="notify", command_line="", exit_code=0, seconds=1
)
ARGUMENTS = {"email": "a@mail.com", "username": "a"}


def traced(*senders: Any, faults: Faults | None = None, robust: bool = False) -> Trace:
    """The trace of some notifications."""
    with injected(faults or Faults()), record(Recorder()) as recorder:
        for sender in senders:
            try:
                (notification.send_robust if robust else notification.send)(sender, **ARGUMENTS)
            except ValueError:
                break
    return recorder.trace


def test_a_receiver_that_did_run(capsys: pytest.CaptureFixture[str]) -> None:
    (finding,) = evidence(Question(notification, "User", "show_*"), RUN, traced(User))
    assert finding.code == "received"
    assert finding.message == (
        "In run 7 (notify) notification of User was sent, and show_notification did receive it "
        "(7: 1.1): it returned None, and printed 'Sender: User'."
    )


def test_a_receiver_that_was_not_called_after_a_failure() -> None:
    with (
        notification.connected_to(fail),
        notification.connected_to(audit),
    ):
        trace = traced(User)
    (finding,) = evidence(Question(notification, receiver="audit"), RUN, trace)
    assert finding.code == "failed_before"
    assert "audit was not called, as fail failed before it (7: 1)" in finding.message
    (finding,) = evidence(Question(notification, receiver="fail"), RUN, trace)
    assert "it raised ValueError: no" in finding.message


def test_a_signal_that_was_muted() -> None:
    trace = traced(User, faults=Faults(mute=("notification",)))
    (finding,) = evidence(Question(notification), RUN, trace)
    assert (finding.code, finding.advice) == ("muted", "Leave out --mute.")


def test_a_receiver_that_was_not_reached() -> None:
    (finding,) = evidence(Question(notification, receiver="audit"), RUN, traced(User))
    assert finding.code == "not_received"
    notification.disconnect(show_notification)
    try:
        (finding,) = evidence(Question(notification), RUN, traced(None))
    finally:
        notification.connect(show_notification)
    assert (
        finding.message == "In run 7 (notify) notification was sent (7: 1), and nobody received it."
    )


def test_a_run_that_was_rolled_back() -> None:
    run = replace(RUN, is_rolled_back=True, exit_code=1)
    question = Question(notification, receiver="show_notification")
    assert codes(evidence(question, run, traced(User))) == ["received", "rolled_back"]


def test_a_run_that_did_not_send_the_signal() -> None:
    (finding,) = evidence(Question(notification, "Profile"), RUN, traced(User))
    assert finding.code == "other_sender_sent"
    assert "sent no notification of Profile, only of User" in finding.message
    (finding,) = evidence(Question(post_save, "User"), RUN, traced(User))
    assert finding.code == "not_sent"
    assert "touch(instance)" in finding.advice
    (finding,) = evidence(Question(notification), RUN, Trace())
    assert finding.code == "not_sent"
    failed = replace(RUN, exit_code=3, error_message="there is no user 'a'")
    (finding,) = evidence(Question(notification), failed, Trace())
    assert finding.message.endswith("It ended with exit code 3.")
    assert finding.advice == "See why: there is no user 'a'."


def test_dispatches_of_other_senders_do_not_matter_where_one_was_received() -> None:
    with notification.connected_to(audit, User):
        trace = traced(User, Profile)
    assert codes(evidence(Question(notification, receiver="audit"), RUN, trace)) == ["received"]


def test_what_reached_nobody_says_for_whom_receivers_are_connected() -> None:
    trace = traced(None)
    with notification.connected_to(audit, Profile), notification.connected_to(fail, User):
        (one,) = evidence(Question(notification, receiver="audit"), RUN, trace)
        (told,) = evidence(Question(notification, "*", "audit"), RUN, traced(Profile, User))
        (both,) = evidence(Question(notification, receiver="[af]*"), RUN, trace)
    assert (one.code, one.advice) == ("other_sender", "Connect it without a sender.")
    assert told.code == "received"
    assert both.message.endswith("audit and fail are connected for Profile and User alone.")
    assert both.advice == "Connect them without a sender."


def test_only_a_few_of_many_dispatches_are_told_of() -> None:
    found = evidence(Question(notification, receiver="show_*"), RUN, traced(*[User] * 9))
    assert len(found) == 3
