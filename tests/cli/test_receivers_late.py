"""What receivers leave for after the commit fails: how a command and its log tell of that."""

import pytest

from tests.cli.program import Driver, Program

LATE = """
from signalcli.db import on_commit

mailed = Signal()

def smtp():
    raise RuntimeError("smtp down")

@receiver(post_save, sender=User)
def mailer(instance, created, session, **kwargs):
    if created and not instance.username.startswith("calm"):
        on_commit(session, smtp)
    return "asked"

@receiver(post_save, sender=User)
def after(**kwargs):
    pass

@receiver(mailed)
def deliver(**kwargs):
    raise OSError("no network")

@receiver(post_save, sender=User)
def sender_of_mail(instance, session, **kwargs):
    if instance.username.startswith("calm"):
        on_commit(session, lambda: mailed.send(User))
"""
REGISTER = ("register", "eve", "--email", "eve@mail.com")
STORY = (
    "after the commit: the function __main__.smtp, which __main__.mailer asked for, failed: "
    "RuntimeError: smtp down (driver.py:"
)


@pytest.fixture
def program(driver: Driver) -> Program:
    return driver(LATE)


def test_the_table_the_answer_and_the_error_tell_of_it(program: Program) -> None:
    done = program(*REGISTER)
    assert done.code == 1
    assert done.error.startswith(STORY)
    assert done.error.endswith("; what was committed before stays")
    (row,) = [line for line in done.lines if "─▶ mailer" in line]
    assert "✗ on commit raised RuntimeError: smtp down (driver.py:" in row
    assert "not called" not in done.out
    assert done.lines[-1].startswith("Registered eve")
    assert program("log", "show").out == done.out


def test_a_document_has_what_was_stored_and_the_response_that_failed(program: Program) -> None:
    document = program(*REGISTER, "--json").document
    assert document["ok"] is False
    assert document["error"]["code"] == "receiver_failed"
    assert document["error"]["message"].startswith(STORY)
    assert document["result"]["username"] == "eve"
    responses = [each for of in document["dispatches"] for each in of["responses"]]
    (failed,) = [each for each in responses if not each["ok"]]
    assert failed["receiver"] == "__main__.mailer"
    assert failed["value"] == "asked"
    assert failed["error"]["type"] == "RuntimeError"
    assert failed["error"]["on_commit"] == "__main__.smtp"
    kept = program("log", "show", "--json").document
    assert kept["dispatches"] == document["dispatches"]
    assert kept["result"]["rolled_back"] is False


def test_the_log_finds_it_and_why_tells_of_it(program: Program) -> None:
    program(*REGISTER, "--quiet")
    found = program("log", "--failed", "--receiver", "mailer", "--ndjson").objects
    assert [each["counts"]["failures"] for each in found] == [1]
    run = str(found[0]["run"])
    told = program("why", "post_save", "--receiver", "mailer", "--run", run).out
    assert "mailer did receive it" in told
    assert (
        "it returned 'asked'; the function __main__.smtp, which it asked for, raised "
        "RuntimeError: smtp down"
    ) in " ".join(told.split())


def test_a_receiver_of_what_the_function_sends_is_named_itself(program: Program) -> None:
    done = program("register", "calm", "--email", "calm@mail.com", "--json")
    assert done.document["error"]["message"].startswith("the receiver __main__.deliver failed")
    failed = {
        each["receiver"]: each["error"]["on_commit"]
        for dispatch in done.document["dispatches"]
        for each in dispatch["responses"]
        if not each["ok"]
    }
    asked = "__main__.sender_of_mail"
    assert failed == {asked: f"{asked}.<locals>.<lambda>", "__main__.deliver": None}


@pytest.mark.parametrize(("options", "asking"), [((), ""), (("--trace",), "mailer")])
def test_rows_tell_of_it_in_the_same_words(
    program: Program, options: tuple[str, ...], asking: str
) -> None:
    (program.folder / "users.csv").write_text("username,email\neve,eve@mail.com\n")
    done = program("register", "--from", "users.csv", *options)
    asked = f", which __main__.{asking} asked for," if asking else ""
    story = f"after the commit: the function __main__.smtp{asked} failed: RuntimeError: smtp down"
    assert f"error: {story}" in done.err
    result = program("register", "--from", "users.csv", *options, "--json").document["result"]
    assert result["errors"][0]["code"] == "exists"
    assert ("✗ on commit raised" in done.out) == bool(asking)
