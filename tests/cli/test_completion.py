"""What the shell is offered when a line is completed."""

import pytest

from tests.cli.program import Program, complete


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("signalcli re", ["register", "remove", "receivers"]),
        ("signalcli register x --em", ["--email"]),
        ("signalcli list --tr", ["--trace", "--traceback"]),
        ("signalcli list --ap", ["--app"]),
        ("signalcli notify --ro", ["--robust"]),
        ("signalcli show ", ["alice", "bob"]),
        ("signalcli update al", ["alice"]),
        ("signalcli --database demo.db delete b", ["bob"]),
        ("signalcli notify --database demo.db b", ["bob"]),
        ("signalcli --database other.db show ", []),
        ("signalcli notify alice --fail sh", ["show_notification"]),
        ("signalcli --mute notif", ["notification"]),
    ],
)
def test_commands_options_and_usernames_are_completed(
    forked_filled: Program, line: str, offered: list[str]
) -> None:
    done = complete(forked_filled, line)
    assert (done.code, done.err) == (0, "")
    assert done.out.split() == offered
    assert forked_filled.files == {"demo.db"}


def test_the_database_of_the_environment_is_asked_for_usernames(filled: Program) -> None:
    filled.database.rename(filled.folder / "other.db")
    done = complete(filled, "signalcli show b", SIGNALCLI_DATABASE="other.db")
    assert (done.code, done.out.split(), done.err) == (0, ["bob"], "")


@pytest.mark.parametrize("database", ["notes.txt", ".", "missing/demo.db", "nonsense://x"])
def test_completion_prints_no_errors_where_the_database_is_broken(
    forked: Program, database: str
) -> None:
    (forked.folder / "notes.txt").write_text("Nothing of a database.\n" * 100)
    done = complete(forked, "signalcli show ", SIGNALCLI_DATABASE=database)
    assert (done.code, done.out.split(), done.err) == (0, [], "")
