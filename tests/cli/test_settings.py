"""The command `config`: the value of each global setting, and where it comes from."""

import csv
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from signalcli.apps.settings_file import KEYS
from tests.cli.program import Program


def settings_of(program: Program, *arguments: str, **env: str) -> dict[str, tuple[object, str]]:
    done = program("config", "--ndjson", *arguments, env=env)
    assert (done.code, done.err) == (0, "")
    rows = [json.loads(line) for line in done.out.splitlines()]
    return {row["setting"]: (row["value"], row["source"]) for row in rows}


def test_without_settings_everything_is_the_default(forked: Program) -> None:
    found = settings_of(forked)
    assert {source for _, source in found.values()} == {"default"}
    assert found["database"] == ("demo.db", "default")
    assert found["installed-apps"] == (["signalcli.core"], "default")
    assert forked("config").lines[-1] == "No settings file"


def test_every_key_of_the_file_is_there_with_its_option_and_variable(forked: Program) -> None:
    rows = forked("config", "--json").document["result"]
    assert {row["setting"] for row in rows} == {*KEYS, "traceback"}
    options = forked("help", "options").out
    for row in rows:
        assert f"{row['option']} " in options.replace(",", " ")
        assert f"{row['variable']}." in options


def test_each_source_is_told(forked: Program) -> None:
    file = forked.folder / "signalcli.toml"
    file.write_text("log-keep = 7\nall = true\nquiet = true\n")
    found = settings_of(forked, "--no-log", SIGNALCLI_QUIET="0", SIGNALCLI_LOG="1")
    assert found["log-keep"] == (7, str(file))
    assert found["all"] == (True, str(file))
    assert found["quiet"] == (False, "SIGNALCLI_QUIET")
    assert found["log"] == (False, "--no-log")
    assert found["json"] == (False, "default")
    shown = forked("config", env={"SIGNALCLI_QUIET": "no"})
    assert shown.lines[-1] == f"Settings file: {file}"


def test_a_path_in_a_file_further_up_is_the_one_that_is_used(forked: Program) -> None:
    (forked.folder / "signalcli.toml").write_text("database = 'shop.db'\n")
    (forked.folder / "below").mkdir()
    found = settings_of(replace(forked, folder=forked.folder / "below"))
    assert found["database"][0] == str(forked.folder / "shop.db")


@pytest.mark.parametrize("arguments", [("--traceback", "config"), ("config", "--traceback")])
def test_tracebacks_by_option(forked: Program, arguments: tuple[str, ...]) -> None:
    rows = list(csv.DictReader(forked(*arguments, "--csv").out.splitlines()))
    assert [row["source"] for row in rows if row["setting"] == "traceback"] == ["--traceback"]
    assert settings_of(forked, SIGNALCLI_TRACEBACK="1")["traceback"] == (
        True,
        "SIGNALCLI_TRACEBACK",
    )


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",), ("--fields", "value")])
def test_passwords_are_masked(forked: Program, form: tuple[str, ...]) -> None:
    url = "postgresql://me:hush@127.0.0.1:1/shop"
    done = forked("config", "-d", url, "--log-database", url, *form)
    assert done.code == 0
    assert "hush" not in done.out + done.err
    assert done.out.count("postgresql://me:********@127.0.0.1:1/shop") == 2


def test_the_place_of_the_log_beside_a_database_of_others_is_told(forked: Program) -> None:
    with closing(sqlite3.connect(forked.folder / "shop.db")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    found = settings_of(forked, "-d", "shop.db")
    assert found["log-database"] == (str(forked.folder / "signals.db"), "default")


def test_it_looks_and_writes_nothing(forked: Program) -> None:
    assert forked("config").code == 0
    assert forked.files == set()


def test_it_works_where_the_apps_do_not_load(forked: Program) -> None:
    done = forked("config", "--app", "nope", "--json")
    assert (done.code, done.document["result"][0]["value"]) == (0, ["nope"])


def test_an_option_on_a_line_of_a_script_is_told_there_alone(forked: Program) -> None:
    (forked.folder / "lines").write_text("-d a.db config --json\nconfig -d b.db\nconfig\n")
    documents = [
        json.loads(line) for line in forked("batch", "lines", "--json").out.splitlines()[:3]
    ]
    databases = [
        (row["value"], row["source"])
        for document in documents
        for row in document["result"]
        if row["setting"] == "database"
    ]
    assert databases == [("a.db", "--database"), ("b.db", "--database"), ("demo.db", "default")]
