"""What bad input gets: one line, the right exit code, and a database that stays as it was."""

from dataclasses import dataclass

import pytest

from tests.cli.program import PATIENT, Finished, Program, finished

FORMS = pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])


@dataclass(frozen=True)
class Bad:
    """A command line that is refused.

    Attributes:
        arguments: the command line.
        code: the exit code.
        word: the code in the document.
        names: what the message must name, so that the user finds the fault.
    """

    arguments: tuple[str, ...]
    code: int
    word: str
    names: str


def register(username: str, *more: str) -> tuple[str, ...]:
    return ("register", "--email", "new@mail.com", *more, "--", username)


BAD = {
    "no email": Bad(("register", "new"), 2, "usage", "--email"),
    "invalid email": Bad(
        ("register", "new", "--email", "new@mail"), 2, "invalid_value", "'new@mail'"
    ),
    "empty username": Bad(register(""), 2, "invalid_value", "username is empty"),
    "username of 151 characters": Bad(register("n" * 151), 2, "invalid_value", "151 characters"),
    "username with spaces": Bad(register("new user"), 2, "invalid_value", "'new user'"),
    "username with control characters": Bad(
        register("new\x07\nuser"), 2, "invalid_value", r"'new\x07\nuser'"
    ),
    "username with markup": Bad(register("[bold]x"), 2, "invalid_value", "'[bold]x'"),
    "username with an escape sequence": Bad(
        register("\x1b[31mred"), 2, "invalid_value", r"'\x1b[31mred'"
    ),
    "first name of 21 characters": Bad(
        register("new", "--first-name", "N" * 21), 2, "invalid_value", f"first name '{'N' * 21}'"
    ),
    "last name of 21 characters": Bad(
        ("update", "alice", "--last-name", "N" * 21), 2, "invalid_value", "last name"
    ),
    "registering an existing username": Bad(register("alice"), 4, "exists", "'alice'"),
    "registering it in another Unicode form": Bad(register("\uff41lice"), 4, "exists", "'alice'"),
    "updating someone who does not exist": Bad(
        ("update", "zoe", "--email", "zoe@mail.com"), 3, "not_found", "'zoe'"
    ),
    "deleting someone who does not exist": Bad(("delete", "zoe"), 3, "not_found", "'zoe'"),
    "notifying someone who does not exist": Bad(("notify", "zoe"), 3, "not_found", "'zoe'"),
    "showing someone who does not exist": Bad(("show", "zoe"), 3, "not_found", "'zoe'"),
    "renaming onto an existing name": Bad(
        ("update", "bob", "--username", "alice"), 4, "exists", "'alice'"
    ),
    "an invalid new email": Bad(
        ("update", "bob", "--email", "nowhere"), 2, "invalid_value", "'nowhere'"
    ),
    "an unknown command": Bad(("frobnicate",), 2, "usage", "'frobnicate'"),
    "an unknown option": Bad(("show", "alice", "--frobnicate"), 2, "usage", "--frobnicate"),
    "too many arguments": Bad(("show", "alice", "bob"), 2, "usage", "bob"),
}


def check_refusal(done: Finished, bad: Bad, *, as_document: bool) -> None:
    assert done.code == bad.code
    if not as_document:
        assert done.lines_of_the_work == []
        assert bad.names in done.error
        return
    assert done.err == ""
    assert done.document["ok"] is False
    assert done.document["result"] is None
    assert done.document["error"]["code"] == bad.word
    assert bad.names in done.document["error"]["message"]


@FORMS
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_leaves_the_database_as_it_was(
    forked_filled: Program, bad: Bad, form: tuple[str, ...]
) -> None:
    before = forked_filled.rows()
    check_refusal(forked_filled(*form, *bad.arguments), bad, as_document=bool(form))
    assert forked_filled.rows() == before
    assert forked_filled.files == {"demo.db"}


@pytest.mark.parametrize(
    "name", ["no email", "username with markup", "showing someone who does not exist"]
)
def test_the_installed_program_refuses_in_the_same_words(
    filled: Program, forked: Program, name: str
) -> None:
    done = filled(*BAD[name].arguments)
    check_refusal(done, BAD[name], as_document=False)
    assert forked(*BAD[name].arguments) == done


@pytest.mark.parametrize(
    "arguments",
    [
        ("update", "zoe", "--email", "zoe@mail.com"),
        ("delete", "zoe"),
        ("notify", "zoe"),
        ("show", "zoe"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_asking_for_someone_in_a_missing_database_makes_no_file(
    forked: Program, arguments: tuple[str, ...]
) -> None:
    done = forked(*arguments)
    assert done.code == 3
    assert "'zoe'" in done.error
    assert forked.files == set()


def test_a_registration_that_is_refused_makes_no_database(forked: Program) -> None:
    assert forked("register", "x y", "--email", "x@mail.com").code == 2
    assert forked.files == set()


def test_quiet_still_prints_errors(forked_filled: Program) -> None:
    done = forked_filled("show", "zoe", "--quiet")
    assert (done.code, done.out) == (3, "")
    assert "'zoe'" in done.error


def test_two_processes_that_register_the_same_name_at_once_make_one_user(
    signalcli: Program,
) -> None:
    for name in ("first", "second", "third"):
        processes = [
            signalcli.start("register", name, "-e", f"{number}@mail.com", "--json", env=PATIENT)
            for number in range(2)
        ]
        done = [finished(process) for process in processes]
        assert sorted(one.code for one in done) == [0, 4]
        assert [one.err for one in done] == ["", ""]
        refused = next(one.document for one in done if one.code == 4)
        assert refused["error"]["code"] == "exists"
        winner = next(one.document for one in done if one.code == 0)
        assert signalcli.select(f"SELECT email FROM core_user WHERE username = '{name}'") == [
            (winner["result"]["email"],)
        ]
    assert signalcli.select("SELECT count(*) FROM core_profile") == [(3,)]
    assert signalcli.files == {"demo.db"}
