"""The forms of a listing: lines of JSON, CSV, and some of the fields."""

import csv
import io
import json
import subprocess
from typing import Any

import pytest

from tests.cli.program import Program, finished

LISTINGS = (
    ("list",),
    ("get", "User"),
    ("get", "User", "1"),
    ("signals",),
    ("receivers",),
    ("apps",),
    ("log",),
    ("log", "show"),
    ("log", "stats"),
)
EVERY = pytest.mark.parametrize("listing", LISTINGS, ids=" ".join)


def document_rows(program: Program, *arguments: str) -> list[dict[str, Any]]:
    result = program(*arguments, "--json").document["result"]
    if isinstance(result, dict) and "receivers" in result and "signals" in result:
        rows: list[dict[str, Any]] = [*result["receivers"], *result["signals"]]
        return rows
    return result if isinstance(result, list) else [result]


def csv_rows(program: Program, *arguments: str) -> list[dict[str, str]]:
    done = program(*arguments, "--csv")
    assert (done.code, done.err) == (0, "")
    assert "\r" not in done.out
    return list(csv.DictReader(io.StringIO(done.out, newline="")))


def places(row: dict[str, Any], before: str = "") -> set[str]:
    """The keys that lead to the values of a row, with dots between."""
    found: set[str] = set()
    for key, value in row.items():
        found |= places(value, f"{before}{key}.") if isinstance(value, dict) else {before + key}
    return found


@EVERY
def test_each_line_of_json_is_a_row_of_the_document(
    forked_filled: Program, listing: tuple[str, ...]
) -> None:
    done = forked_filled(*listing, "--ndjson")
    assert (done.code, done.err) == (0, "")
    lines = done.objects
    for line in lines:
        if listing == ("log", "show"):
            assert line.pop("dispatches")
    assert lines == document_rows(forked_filled, *listing)


@EVERY
def test_csv_has_a_line_of_names_and_every_value(
    forked_filled: Program, listing: tuple[str, ...]
) -> None:
    whole, rows = document_rows(forked_filled, *listing), csv_rows(forked_filled, *listing)
    assert len(rows) == len(whole)
    for row, of in zip(rows, whole, strict=True):
        nested = of["fields"] if listing[0] == "get" else of
        for name, text in row.items():
            value: Any = nested
            for key in name.split("."):
                value = (value or {}).get(key)
            plain = "" if value is None else value if isinstance(value, str) else json.dumps(value)
            assert text == plain


@EVERY
def test_every_field_of_a_row_can_be_asked_for(
    forked_filled: Program, listing: tuple[str, ...]
) -> None:
    (row, *_) = document_rows(forked_filled, *listing)
    names = [place.removeprefix("fields.") for place in sorted(places(row))]
    # An error has its parts in the rows of failed runs only.
    names = ["error.code" if name == "error" else name for name in names]
    for form in ((), ("--ndjson",), ("--json",), ("--csv",)):
        done = forked_filled(*listing, "--fields", ",".join(names), *form)
        assert (done.code, done.err) == (0, "")


@EVERY
@pytest.mark.parametrize("form", [(), ("--ndjson",), ("--csv",)])
def test_an_unknown_field_is_refused_and_those_there_are_are_named(
    forked_filled: Program, listing: tuple[str, ...], form: tuple[str, ...]
) -> None:
    done = forked_filled(*listing, "--fields", "nosuch", *form)
    assert (done.code, done.out) == (2, "")
    assert done.error.startswith("there is no field 'nosuch'; the fields are ")
    with_document = forked_filled(*listing, "--fields", "nosuch", "--json")
    assert with_document.code == 2
    assert with_document.document["error"] == {"code": "invalid_value", "message": done.error}


def test_fields_stay_where_they_are_in_json_and_come_in_the_order_that_is_wanted(
    forked_filled: Program,
) -> None:
    fields = ("--fields", "profile.first_name,username")
    wanted = {"profile": {"first_name": "Alice"}, "username": "alice"}
    assert forked_filled("list", *fields, "--ndjson").objects[0] == wanted
    assert forked_filled("list", *fields, "--json").document["result"][0] == wanted
    csv_lines = forked_filled("list", *fields, "--csv").lines
    assert csv_lines == ["profile.first_name,username", "Alice,alice", ",bob"]
    heading, _, alice, *_ = forked_filled("list", *fields).lines
    assert (heading.split(), alice.split()) == (
        ["profile.first_name", "username"],
        ["Alice", "alice"],
    )


def test_what_is_nested_may_be_asked_for_as_a_whole(forked_filled: Program) -> None:
    first, *_ = forked_filled("list", "--fields", "profile", "--ndjson").objects
    assert set(first["profile"]) == {"first_name", "last_name", "profile_pic"}
    first_row, *_ = csv_rows(forked_filled, "list", "--fields", "profile")
    assert json.loads(first_row["profile"]) == first["profile"]


def test_the_key_and_the_model_of_an_object_are_fields_too(forked_filled: Program) -> None:
    fields = ("--fields", "pk,username")
    assert forked_filled("get", "User", *fields, "--csv").lines == [
        "pk,username",
        "1,alice",
        "2,bob",
    ]
    assert forked_filled("get", "User", *fields, "--ndjson").objects[0] == {
        "pk": 1,
        "fields": {"username": "alice"},
    }
    assert forked_filled("get", "User", "1", *fields).lines == ["pk        1", "username  alice"]


def test_all_objects_are_listed_for_programs_and_fifty_for_people(forked: Program) -> None:
    rows = "username,email\n" + "".join(f"u{each},u{each}@mail.com\n" for each in range(60))
    (forked.folder / "users.csv").write_text(rows, encoding="utf-8")
    assert forked("register", "--from", "users.csv").code == 0
    assert len(forked("get", "User", "--csv").lines) == 61
    assert len(forked("get", "User", "--ndjson").lines) == 60
    shown = forked("get", "User", "--fields", "username").lines
    assert shown[-1] == "… and more; --limit shows more than 50"
    assert len(shown) == 53


def test_texts_are_data_in_csv_whatever_they_look_like(forked: Program) -> None:
    nasty = '=1+1,"quoted"'
    done = forked("register", "ann", "--email", "ann@mail.com", "--first-name", nasty)
    assert done.code == 0
    assert forked("list", "--csv", "--fields", "profile.first_name").out == (
        'profile.first_name\n"=1+1,""quoted"""\n'
    )


def test_nothing_found_is_a_line_of_names_or_no_line_at_all(forked_filled: Program) -> None:
    for user in ("alice", "bob"):
        assert forked_filled("delete", user).code == 0
    assert forked_filled("list", "--csv", "--fields", "username").out == "username\n"
    assert forked_filled("list", "--ndjson").out == ""
    assert "No users" in forked_filled("list", "--fields", "username").out
    assert forked_filled("get", "User", "--csv").lines == [
        "id,username,email,date_joined,last_login"
    ]


@pytest.mark.parametrize("listing", [("list",), ("get", "User")], ids=" ".join)
@pytest.mark.parametrize("form", ["--csv", "--ndjson"])
def test_a_trace_cannot_stand_among_lines_for_programs(
    forked_filled: Program, listing: tuple[str, ...], form: str
) -> None:
    done = forked_filled(*listing, "--trace", form)
    assert (done.code, done.out) == (2, "")
    assert f"give --trace or {form}, not both" in done.error


def test_one_form_of_lines_is_enough(forked_filled: Program) -> None:
    done = forked_filled("list", "--csv", "--ndjson")
    assert (done.code, done.out) == (2, "")
    assert "give --ndjson or --csv, not both" in done.error


def test_lines_win_over_a_document_that_the_environment_asks_for(forked_filled: Program) -> None:
    done = forked_filled("list", "--csv", env={"SIGNALCLI_JSON": "1"})
    assert done.out == forked_filled("list", "--csv").out


def test_the_code_of_receivers_is_a_column_where_it_is_asked_for(forked: Program) -> None:
    assert "source" not in csv_rows(forked, "receivers")[0]
    by_option, *_ = csv_rows(forked, "receivers", "--source")
    assert "create_profile" in by_option["source"]
    assert csv_rows(forked, "receivers", "--fields", "source")[0]["source"] == by_option["source"]


def test_statistics_of_receivers_alone(forked_filled: Program) -> None:
    rows = csv_rows(forked_filled, "log", "stats", "--fields", "receiver,calls")
    assert rows
    assert all(row["receiver"] for row in rows)


def test_runs_are_followed_as_csv_line_by_line(filled: Program) -> None:
    process = filled.start(
        *("log", "follow", "--since", "1h", "--limit", "2", "--csv", "--fields", "run,command"),
        stdin=subprocess.DEVNULL,
    )
    done = finished(process)
    assert (done.code, done.lines) == (0, ["run,command", "1,register", "2,register"])


def test_followed_runs_with_some_fields_are_names_and_values(filled: Program) -> None:
    process = filled.start(
        *("log", "follow", "--since", "1h", "--limit", "1", "--fields", "run,command"),
        stdin=subprocess.DEVNULL,
    )
    assert finished(process).lines == ["run      1", "command  register"]
