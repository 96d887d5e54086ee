"""The commands on every database engine: each does there what it does on SQLite.

A test here runs on the engines that SIGNALCLI_TEST_DATABASES names.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.commands import COMMANDS
from tests.cli.program import (
    Finished,
    Forker,
    finished,
    wait_until_it_waits,
    with_receivers,
)
from tests.cli.running import Run, listed, register

MANUAL = Path(__file__).parents[2] / "docs" / "servers.md"
USERS = "username,email,first_name,last_name\n"
# They look at no rows of a database.
WITHOUT = {"tour", "explain", "why", "signals", "receivers", "apps", "startapp", "help", "config"}
# Begins a driver that waits until nobody can write to its standard input any more.
AT_THE_SAME_MOMENT = 'os.write(2, b"waiting\\n")\nos.read(0, 1)\n'


@pytest.fixture
def red(tmp_path: Path) -> Path:
    """A picture."""
    path = tmp_path / "red.png"
    Image.new("RGB", (9, 9), "red").save(path)
    return path


@pytest.fixture
def users(tmp_path: Path) -> Callable[..., str]:
    """Writes a file of users."""

    def write(*rows: str) -> str:
        (tmp_path / "users.csv").write_text(USERS + "".join(f"{row}\n" for row in rows))
        return "users.csv"

    return write


def rows(count: int) -> list[str]:
    return [f"u{n},u{n}@mail.com,First{n}," for n in range(count)]


def received(done: Finished) -> list[str]:
    return [
        f"{each['signal']} {response['receiver'].rpartition('.')[2]}"
        for each in done.work
        for response in each["responses"]
    ]


class TestUsers:
    def test_a_user_is_registered_updated_notified_and_deleted(self, run: Run) -> None:
        done = run("register", "ada", "-e", "ada@mail.com", "--first-name", "Ada", "--json")
        assert received(done) == [
            "post_save create_profile",
            "post_save update_profile",
            "notification show_notification",
        ]
        run("update", "ada", "--email", "new@mail.com", "--last-name", "L", "-q")
        columns = ("username", "email", "first_name", "last_name")
        assert listed(run, *columns) == [("ada", "new@mail.com", "Ada", "L")]
        assert run("show", "ada", "--json").document["result"]["email"] == "new@mail.com"
        assert received(run("notify", "ada", "--json")) == ["notification show_notification"]
        run("delete", "ada", "-q")
        assert listed(run) == []
        assert "'ada'" in run("show", "ada", code=3).error

    def test_a_user_that_exists_already_is_refused_and_nothing_is_written(self, run: Run) -> None:
        register(run, "ada", "bob")
        for command in (("register", "ada", "-e", "x@mail.com"), ("create", "User", "username=ada",
                         "email=x@mail.com")):  # fmt: skip
            done = run(*command, "-q", code=4)
            assert re.search("already; choose another( username)?$", done.error)
        assert listed(run, "username", "email") == [
            ("ada", "ada@mail.com"),
            ("bob", "bob@mail.com"),
        ]

    def test_a_password_is_kept_and_checked(self, run: Run) -> None:
        register(run, "ada")
        run("passwd", "ada", "-q", "--password-stdin", piped="correct horse\n")
        run("login", "ada", "-q", "--password-stdin", piped="wrong horse\n", code=2)
        run("login", "ada", "-q", "--password-stdin", piped="correct horse\n")
        run("logout", "ada", "-q")

    @pytest.mark.sqlite("a picture is kept beside the file of the database")
    def test_a_picture_is_kept_replaced_and_removed_with_its_user(
        self, run: Run, red: Path, tmp_path: Path
    ) -> None:
        blue = tmp_path / "blue.png"
        Image.new("RGB", (9, 9), "blue").save(blue)

        def kept() -> list[bytes]:
            return [each.read_bytes() for each in (tmp_path / "pics").iterdir()]

        run("register", "ada", "-e", "ada@mail.com", "--profile-pic", "red.png", "-q")
        assert kept() == [red.read_bytes()]
        run("update", "ada", "--profile-pic", "blue.png", "-q")
        assert kept() == [blue.read_bytes()]
        run("delete", "ada", "-q")
        assert kept() == []

    @pytest.mark.usefixtures("server_database", "red")
    def test_a_picture_without_a_file_to_be_beside_is_refused(
        self, run: Run, tmp_path: Path
    ) -> None:
        register(run, "ada")
        for command in (("register", "bob", "-e", "bob@mail.com"), ("update", "ada")):
            done = run(*command, "--profile-pic", "red.png", "-q", code=2)
            assert (
                "kept beside the file of the database, and this database is in none" in done.error
            )
        assert listed(run, "username", "profile_pic") == [("ada", "x")]
        assert not (tmp_path / "pics").exists()


class TestManyRows:
    def test_users_of_a_file_are_registered_updated_and_deleted(
        self, run: Run, users: Callable[..., str], tmp_path: Path
    ) -> None:
        file = users(*rows(7), "u1,twice@mail.com,,", "bad,nobody,,")
        done = run("register", "--from", file, "--batch-size", "3", "--json", code=2)
        assert [each["row"] for each in done.document["result"]["errors"]] == [8, 9]
        assert listed(run) == [f"u{n}" for n in range(7)]
        file = users("u0,zero@mail.com,Zero,", "u6,six@mail.com,,")
        run("update", "--from", file, "-q")
        assert listed(run, "email", "first_name")[0] == ("zero@mail.com", "Zero")
        (tmp_path / "names.csv").write_text("username\nu0\nu6\n")
        run("delete", "--from", "names.csv", "-q")
        assert listed(run) == [f"u{n}" for n in range(1, 6)]

    @pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "os.kill(os.getpid(), 9)"])
    def test_a_run_that_was_stopped_or_killed_is_gone_on_with(
        self, run_with: Callable[[str], Run], users: Callable[..., str], end: str
    ) -> None:
        run = run_with(f"""
@receiver(post_save, sender=User)
def stop(instance, **kwargs):
    if instance.username == os.environ.get("STOP_AT"):
        {end}
""")
        file = users(*rows(10))
        command = ("register", "--from", file, "--batch-size", "3", "-q")
        code = 130 if "Interrupt" in end else -9
        run(*command, code=code, STOP_AT="u7")
        # Whole batches only, each of them once.
        assert listed(run) == [f"u{n}" for n in range(6)]
        run(*command, "--resume")
        assert listed(run, "username", "first_name") == [(f"u{n}", f"First{n}") for n in range(10)]

    def test_a_script_is_carried_out_line_by_line(self, run: Run, tmp_path: Path) -> None:
        lines = "register ada -e ada@mail.com\nnotify nobody\nupdate ada --first-name Ada\n"
        (tmp_path / "script.txt").write_text(lines)
        run("batch", "script.txt", "-q", "--stop-on-error", code=3)
        assert listed(run, "username", "first_name") == [("ada", "")]
        done = run("batch", "script.txt", "-q", code=4)
        assert "line 1: the user 'ada' exists already" in done.err
        assert listed(run, "username", "first_name") == [("ada", "Ada")]


class TestObjects:
    def test_objects_are_created_got_changed_and_removed(self, run_shop: Run) -> None:
        run = run_shop
        for line in (
            "Customer email=ADA@mail.com name=Ada level=2 born=1815-12-10",
            "Category name=Books",
            "Category name=Novels parent=1",
            "Tag slug=new",
            "Tag slug=old colour=grey",
            "Product sku=A1 price=1.50 stock=5 category=2 tags=new,old",
            "DigitalProduct sku=D1 url=https://mail.com/d size=7 tags=new",
            "Order customer=1 number=2026-1",
            "Line order=1 position=1 product=1 quantity=2",
        ):
            run("create", *line.split(" "), "-q")
        fields = run("get", "Customer", "1", "--json").document["result"]["fields"]
        assert (fields["email"], fields["level"], fields["born"]) == (
            "ada@mail.com",
            2,
            "1815-12-10",
        )
        # A receiver has reduced the stock.
        product = run("get", "Product", "1", "--json").document["result"]["fields"]
        assert (product["price"], product["stock"]) == ("1.50", 3)
        run("change", "Product", "1", "price=2.25", "tags=old", "-q")
        product = run("get", "Product", "1", "--json").document["result"]["fields"]
        assert product["price"] == "2.25"
        assert "referred to by shop.Line" in run("remove", "Product", "1", "-q", code=2).error
        run("remove", "Order", "1", "-q")
        run("remove", "Product", "1", "-q")
        assert run("get", "Product", "1", code=3).out == ""
        assert run("get", "Line", "--json").document["result"] == []

    @pytest.mark.parametrize(
        ("values", "code", "words"),
        [
            ("Tag slug=new", 4, "there is a shop.Tag with the same slug already; choose another"),
            (
                "Coupon series=S number=1",
                4,
                "there is a shop.Coupon with the same series, number already; choose another",
            ),
            ("Category name=Books", 4, "a shop.Category with the same name already"),
            (
                "Product sku=A1 stock=-1",
                2,
                "shop.Product: the values break the rule stock_is_not_negative",
            ),
            ("Order customer=9", 3, "there is no shop.Customer '9' for customer"),
        ],
    )
    def test_what_breaks_a_rule_is_refused_in_the_same_words(
        self, run_shop: Run, values: str, code: int, words: str
    ) -> None:
        for line in ("Tag slug=new", "Coupon series=S number=1", "Category name=Books"):
            run_shop("create", *line.split(" "), "-q")
        assert words in run_shop("create", *values.split(" "), "-q", code=code).error


def test_a_signal_is_sent_for_an_object_that_is_there(run: Run) -> None:
    register(run, "ada")
    done = run(
        "send", "post_save", "--sender", "User", "instance=1", "created:=false", "raw:=false",
        "update_fields:=null", "--json",
    )  # fmt: skip
    assert received(done) == ["post_save create_profile", "post_save update_profile"]


def test_the_log_keeps_finds_counts_exports_and_forgets_runs(run: Run) -> None:
    register(run, "ada", "bob")
    run("show", "nobody", code=3)
    runs = run("log", "--ndjson").objects
    assert [each["command"] for each in runs if each["command"] == "register"] == ["register"] * 2
    assert "create_profile" in run("log", "show", "1").out
    found = run("log", "stats", "--json").document["result"]["receivers"]
    counts = {each["receiver"].rpartition(".")[2]: each["calls"] for each in found}
    assert counts == {"create_profile": 2, "update_profile": 2, "show_notification": 2}
    assert "create_profile" in run("log", "export", "1", "--format", "mermaid").out
    run("log", "prune", "--keep", "1", "-q")
    assert len(run("log", "--ndjson").objects) == 1


@pytest.mark.usefixtures("server_database")
def test_commands_that_come_first_at_once_make_the_tables_once(
    tmp_path: Path, forker: Forker, database: str, run: Run
) -> None:
    names = [f"first{n}" for n in range(8)]
    program = with_receivers(tmp_path, AT_THE_SAME_MOMENT, forker)
    env = {"SIGNALCLI_DATABASE": database}
    gate, opening = os.pipe()
    started = [
        program.start("register", name, "-e", "x@mail.com", "-q", env=env, stdin=gate)
        for name in names
    ]
    for each in started:
        wait_until_it_waits(each)
    os.close(gate)
    os.close(opening)
    assert [finished(each) for each in started] == [Finished(0, "", "")] * len(names)
    assert sorted(listed(run)) == names
    runs = run("log", "--ndjson").objects
    assert sorted(each["users"] for each in runs) == [[name] for name in names]


def test_the_manual_says_which_commands_are_run_here() -> None:
    files = (MANUAL, Path(__file__), Path(__file__).with_name("running.py"))
    page, *sources = (path.read_text(encoding="utf-8") for path in files)
    rows = re.findall(r"^\| (.*) \| yes \| (.*) \| (.*) \|$", page, re.MULTILINE)
    told = {
        name: others == ["yes", "yes"]
        for first, *others in reversed(rows)
        for name in re.findall(r"`([a-z ]+?)(?: --[^`]*)?`", first)
    }
    assert set(told) == set(COMMANDS) - WITHOUT
    words = re.findall(r'\(\s*"([a-z]+)"(?:, "([a-z]+)")?', "".join(sources))
    run_here = {name for first, second in words for name in (first, f"{first} {second}")}
    assert {name for name, is_whole in told.items() if is_whole} <= run_here
