"""What the lessons claim, held against what their commands did."""

from typing import Any

import pytest

from signalcli.errors import NotFound
from signalcli.tour.lesson import Lesson
from signalcli.tour.lessons import LESSONS, find_lesson
from tests.tour.conftest import Taught

Dispatch = dict[str, Any]


def sent(lesson: dict[str, Any], step: int, signal: str, sender: str | None = None) -> Dispatch:
    """The one dispatch of a signal in the trace of a step."""
    (found,) = all_sent(lesson, step, signal, sender)
    return found


def all_sent(
    lesson: dict[str, Any], step: int, signal: str, sender: str | None = None
) -> list[Dispatch]:
    return [
        each
        for each in lesson["steps"][step]["document"]["dispatches"]
        if each["signal"] == signal and sender in (None, each["sender"])
    ]


def receivers(dispatch: Dispatch) -> list[str]:
    return [each["receiver"].rpartition(".")[2] for each in dispatch["responses"]]


def ran(lesson: dict[str, Any], step: int, receiver: str) -> list[dict[str, Any]]:
    return [
        response
        for dispatch in lesson["steps"][step]["document"]["dispatches"]
        for response in dispatch["responses"]
        if response["receiver"].endswith(f".{receiver}")
    ]


def chosen(lesson: dict[str, Any]) -> str:
    """The answer that the lesson gives to its question."""
    choice: str = lesson["choices"][lesson["answer"] - 1]
    return choice


class TestClaims:
    def test_a_receiver_prints_what_a_signal_leads_to(self, taught: Taught) -> None:
        lesson = taught["signal"]
        assert chosen(lesson) == "A receiver of notification."
        (response,) = sent(lesson, 0, "notification")["responses"]
        assert response["receiver"] == "signalcli.core.signals.show_notification"
        assert "Hello ada" in response["output"]

    def test_a_sender_is_one_model_and_none_is_all(self, taught: Taught) -> None:
        lesson = taught["sender"]
        assert chosen(lesson) == "Once."
        assert [each["output"] for each in ran(lesson, 0, "tally")] == ["saved a User\n"]
        assert receivers(sent(lesson, 0, "post_save", "Profile")) == []
        assert "@receiver(post_save)\n" in lesson["steps"][1]["program"]
        outputs = [each["output"] for each in ran(lesson, 1, "tally")]
        assert outputs == ["saved a User\n", "saved a Profile\n"]
        of_profile = sent(lesson, 1, "post_save", "Profile")
        assert of_profile["parent"]["receiver"].endswith(".create_profile")

    def test_created_is_an_argument_and_not_another_signal(self, taught: Taught) -> None:
        lesson = taught["created"]
        assert chosen(lesson) == "Both."
        of_user = sent(lesson, 0, "post_save", "User")
        assert receivers(of_user) == ["create_profile", "update_profile"]
        assert of_user["arguments"]["created"] is False
        assert [each["output"] for each in of_user["responses"]] == ["", "Profile Updated!\n"]

    def test_a_signal_hangs_on_the_receiver_that_caused_it(self, taught: Taught) -> None:
        lesson = taught["causes"]
        assert chosen(lesson) == "On welcome, which hangs below create_profile."
        welcomed = sent(lesson, 0, "welcomed")
        assert welcomed["parent"]["receiver"] == "welcome.welcome"
        of_profile = sent(lesson, 0, "post_save", "Profile")
        assert welcomed["parent"]["seq"] == of_profile["seq"]
        assert of_profile["parent"]["receiver"].endswith(".create_profile")

    def test_receivers_run_in_the_order_of_connection_each_once(self, taught: Taught) -> None:
        lesson = taught["order"]
        assert chosen(lesson) == "Zoe, Anna."
        called = receivers(sent(lesson, 0, "notification"))
        assert called == ["show_notification", "zoe", "anna"]

    def test_a_weak_receiver_vanishes_and_another_stays(self, taught: Taught) -> None:
        lesson = taught["weak"]
        assert chosen(lesson) == "show_notification alone."
        assert receivers(sent(lesson, 0, "notification")) == ["show_notification"]
        assert "connect(greet, weak=False)" in lesson["steps"][1]["program"]
        assert receivers(sent(lesson, 1, "notification")) == ["show_notification", "greet"]

    def test_send_stops_at_an_exception_and_send_robust_does_not(self, taught: Taught) -> None:
        lesson = taught["robust"]
        assert chosen(lesson) == "It is not called."
        plain, robust = (sent(lesson, step, "notification") for step in (0, 1))
        assert (plain["robust"], robust["robust"]) == (False, True)
        assert receivers(plain) == ["show_notification", "broken"]
        assert plain["not_called"] == ["broken.archive"]
        assert receivers(robust) == ["show_notification", "broken", "archive"]
        assert [step["exit_code"] for step in lesson["steps"]] == [1, 1]

    def test_a_receiver_that_fails_undoes_what_was_written(self, taught: Taught) -> None:
        lesson = taught["faults"]
        assert chosen(lesson) == "Neither bob nor a profile."
        failed, slow = lesson["steps"]
        assert failed["document"]["error"]["message"].endswith("nothing was written")
        (response,) = ran(lesson, 1, "create_profile")
        assert response["injected"] == {"failure": False, "delay_ms": 300.0}
        assert response["duration_ms"] >= 300
        assert sent(lesson, 1, "notification")["muted"] is True
        assert slow["document"]["ok"] is True

    def test_on_commit_waits_for_a_commit(self, taught: Taught) -> None:
        lesson = taught["commit"]
        assert chosen(lesson) == "hasty."
        assert lesson["steps"][0]["document"]["error"]["message"].endswith("nothing was written")
        assert [each["sender"] for each in all_sent(lesson, 0, "mail")] == ["hasty"]
        at_once, later = all_sent(lesson, 1, "mail")
        assert at_once["parent"]["receiver"] == "mails.hasty"
        assert later["parent"]["receiver"] == "mails.patient"
        before = [
            each["seq"]
            for each in lesson["steps"][1]["document"]["dispatches"]
            if each["signal"] != "command_finished"
        ]
        assert later["seq"] == max(before)

    def test_async_receivers_run_at_the_same_time(self, taught: Taught) -> None:
        lesson = taught["async"]
        assert chosen(lesson) == "0.3 seconds and a little."
        dispatch = sent(lesson, 0, "notification")
        assert [each["concurrent"] for each in dispatch["responses"]] == [False, True, True]
        together = sum(each["duration_ms"] for each in dispatch["responses"])
        assert 300 <= dispatch["duration_ms"] < together

    def test_each_of_many_rows_sends_its_signals(self, taught: Taught) -> None:
        lesson = taught["rows"]
        assert chosen(lesson) == "A thousand times."
        assert lesson["steps"][0]["document"]["result"]["done"] == 1000


class TestData:
    def test_every_lesson_is_run_in_its_order(self, taught: Taught) -> None:
        assert list(taught) == [lesson.name for lesson in LESSONS]
        assert [lesson["lesson"] for lesson in taught.values()] == list(range(1, len(LESSONS) + 1))

    @pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
    def test_a_lesson_is_ascii_and_complete(self, lesson: Lesson) -> None:
        told = [lesson.title, lesson.question, *lesson.text, *lesson.choices, lesson.source]
        for step in lesson.steps:
            told += [step.command, step.lead, *step.why]
        assert "".join(told).isascii()
        assert 1 <= lesson.answer <= len(lesson.choices)
        changes = [step.change for step in lesson.steps if step.change is not None]
        assert all(lesson.source.count(change.old) == 1 for change in changes)
        assert all(step.lead for step in lesson.steps[1:])

    def test_the_right_answers_stand_in_different_places(self) -> None:
        assert {lesson.answer for lesson in LESSONS} == {1, 2, 3}

    def test_a_listing_leaves_out_imports_and_what_is_not_shown(self) -> None:
        mails = find_lesson("commit")
        assert mails.listing.startswith("@receiver(post_save, sender=User)\ndef hasty(**kwargs):\n")
        assert "import" not in mails.listing
        assert "def post" not in mails.listing
        assert find_lesson("order").listing.endswith(
            '"Zoe was here"\n\nnotification.connect(zoe)\nnotification.connect(anna)\n'
            "notification.connect(zoe)"
        )


class TestFinding:
    @pytest.mark.parametrize("wanted", ["6", "weak", "Weak"])
    def test_a_lesson_is_found_by_its_number_and_its_name(self, wanted: str) -> None:
        assert find_lesson(wanted).title == "Receivers that vanish"

    @pytest.mark.parametrize("wanted", ["0", "12", "-1", "", "²", "comit"])
    def test_any_other_is_not_there(self, wanted: str) -> None:
        with pytest.raises(NotFound, match="there is no lesson") as caught:
            find_lesson(wanted)
        assert ("did you mean commit?" in str(caught.value)) is (wanted == "comit")
