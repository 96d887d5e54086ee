"""What is remembered of a learner."""

import json
from pathlib import Path

import pytest

from signalcli.tour.lessons import LESSONS, find_lesson
from signalcli.tour.progress import Progress, state_folder


def kept(state: Path) -> Path:
    return state / "signalcli" / "tour" / "progress.json"


def test_the_folder_is_the_one_of_the_specification(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state_folder() == state / "signalcli" / "tour"
    monkeypatch.setenv("HOME", "/home/of/ada")
    for given in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", given)
        assert state_folder() == Path("/home/of/ada/.local/state/signalcli/tour")


def test_a_tour_begins_with_the_first_lesson(state: Path) -> None:
    assert Progress.kept().next is LESSONS[0]
    assert not kept(state).exists()


def test_looking_at_it_makes_no_folder(state: Path) -> None:
    assert Progress.kept(to_go_on=False).next is LESSONS[0]
    assert list(state.iterdir()) == []


def test_a_tour_goes_on_where_it_was_left(state: Path) -> None:
    progress = Progress.kept()
    progress.begin(find_lesson("order"))
    assert Progress.kept().next is find_lesson("order")
    progress.end(find_lesson("order"), predicted=False)
    again = Progress.kept()
    assert again.next is find_lesson("weak")
    assert again.predicted == {"order": False}
    assert [path.name for path in kept(state).parent.iterdir()] == ["progress.json"]


def test_after_the_last_lesson_there_is_none(state: Path) -> None:
    Progress.kept().end(LESSONS[-1], predicted=None)
    assert Progress.kept().next is None
    Progress.kept().forget()
    assert Progress.kept().next is LESSONS[0]
    assert Progress.kept().predicted == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "\x00", '{"next": 7, "done": [1]}', '{"done": {"signal": []}}']
)
def test_what_cannot_be_read_begins_anew(state: Path, text: str) -> None:
    kept(state).parent.mkdir(parents=True)
    kept(state).write_text(text)
    assert Progress.kept().next is LESSONS[0]
    assert Progress.kept().predicted == {}


def test_lessons_that_there_are_no_more_are_left_out(state: Path) -> None:
    kept(state).parent.mkdir(parents=True)
    kept(state).write_text(json.dumps({"next": "gone", "done": {"gone": True, "weak": True}}))
    assert Progress.kept().next is LESSONS[0]
    assert Progress.kept().predicted == {"weak": True}


def test_where_no_folder_can_be_made_nothing_is_kept(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(state / "file"))
    progress = Progress.kept()
    assert progress.folder is None
    assert "Not a directory" in progress.trouble
    progress.begin(find_lesson("weak"))
    assert progress.next is find_lesson("weak")


def test_a_folder_that_goes_away_is_trouble_and_no_error(state: Path) -> None:
    progress = Progress.kept()
    kept(state).parent.rmdir()
    progress.begin(find_lesson("weak"))
    assert progress.folder is None
    assert "No such file" in progress.trouble
    assert progress.next is find_lesson("weak")
