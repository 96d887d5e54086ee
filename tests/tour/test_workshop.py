"""The scratch folder, and the commands that are run there."""

from pathlib import Path

import pytest

from signalcli.errors import DatabaseUnusable, InvalidValue
from signalcli.tour.lessons import find_lesson
from signalcli.tour.workshop import Showing, Workshop, opened


def test_a_lesson_has_its_program_its_apps_and_its_database(tmp_path: Path) -> None:
    lesson = find_lesson("weak")
    assert Workshop(tmp_path).begin(lesson) == ""
    folder = tmp_path / "lesson-06-weak"
    names = {path.name for path in folder.iterdir()}
    assert names == {"demo.db", "forgetful.py", "signalcli.toml"}
    assert (folder / "forgetful.py").read_text() == lesson.source
    listed = (folder / "signalcli.toml").read_text()
    assert listed == 'installed-apps = ["signalcli.core", "forgetful"]\n'


def test_each_run_begins_with_the_same_database(tmp_path: Path) -> None:
    lesson = find_lesson("causes")
    workshop = Workshop(tmp_path)
    workshop.begin(lesson)
    runs = [workshop.run(lesson, lesson.steps[0], Showing.DROPPED) for _ in range(2)]
    assert [ran.exit_code for ran in runs] == [0, 0]
    assert [ran.run and ran.run.number for ran in runs] == [1, 1]


def test_what_a_learner_made_of_a_program_is_kept(tmp_path: Path) -> None:
    lesson = find_lesson("sender")
    workshop = Workshop(tmp_path)
    workshop.begin(lesson)
    workshop.program_of(lesson).write_text("mine\n")
    assert workshop.begin(lesson) == "mine_before.py"
    assert workshop.folder_of(lesson).joinpath("mine_before.py").read_text() == "mine\n"
    assert workshop.source_of(lesson) == lesson.source


def test_variables_and_settings_of_the_user_change_no_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "signalcli.toml").write_text('installed-apps = ["nothing"]\n')
    for name, value in (
        ("SIGNALCLI_DATABASE", "elsewhere.db"),
        ("SIGNALCLI_JSON", "1"),
        ("SIGNALCLI_LOG", "0"),
        ("SIGNALCLI_INSTALLED_APPS", "nothing"),
    ):
        monkeypatch.setenv(name, value)
    lesson = find_lesson("signal")
    workshop = Workshop(tmp_path)
    workshop.begin(lesson)
    ran = workshop.run(lesson, lesson.steps[0], Showing.DROPPED)
    assert ran.calls("show_notification") == 1


def test_files_beside_the_program_take_the_place_of_no_library(tmp_path: Path) -> None:
    lesson = find_lesson("sender")
    workshop = Workshop(tmp_path)
    workshop.begin(lesson)
    workshop.folder_of(lesson).joinpath("typer.py").write_text("raise SystemExit(9)\n")
    assert workshop.run(lesson, lesson.steps[0], Showing.DROPPED).exit_code == 0


def test_a_program_that_is_broken_has_no_trace(tmp_path: Path) -> None:
    lesson = find_lesson("sender")
    workshop = Workshop(tmp_path)
    workshop.begin(lesson)
    workshop.write(lesson, "def (\n")
    ran = workshop.run(lesson, lesson.steps[0], Showing.DOCUMENT)
    assert (ran.exit_code, ran.trace.dispatches, ran.calls("tally")) == (2, [], 0)
    assert ran.document is not None
    assert "SyntaxError" in ran.document["error"]["message"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidValue, match=f"cannot be written: {tmp_path}/file/lesson-01-signal"):
        Workshop(tmp_path / "file").begin(find_lesson("signal"))


def test_a_database_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    lesson = find_lesson("signal")
    workshop = Workshop(tmp_path)
    workshop.folder_of(lesson).mkdir()
    workshop.folder_of(lesson).joinpath("demo.db-journal").mkdir()
    with pytest.raises(DatabaseUnusable, match="the tour cannot make a database in"):
        workshop.begin(lesson)


def test_a_passing_folder_is_removed() -> None:
    with opened(None) as workshop:
        workshop.begin(find_lesson("signal"))
        folder = workshop.folder_of(find_lesson("signal"))
        assert folder.exists()
    assert not folder.exists()
