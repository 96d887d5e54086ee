"""Profile pictures from the command line: kept, replaced, removed, refused."""

import importlib.util
import json
import re
import sqlite3
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.program import Driver, Forked, Program, finished, interrupt, without_roots_rights

FORMS = pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
NAME = re.compile(r"pics/[0-9a-f]{32}\.png")
REGISTER = ("register", "new", "--email", "new@mail.com", "--profile-pic")

FAILING = """
@receiver({signal}, sender={sender})
def audit(**kwargs):
    raise RuntimeError("no audit")
"""
SLEEPING = """
@receiver(post_save, sender=User)
def slow(**kwargs):
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(3600)
"""
WANDERING = """
@receiver(pre_save, sender=User)
def wander(**kwargs):
    os.chdir("/")
"""
WITHOUT_PILLOW = """
sys.modules["PIL"] = None
"""
AFTER_COMMIT = """
from signalcli.db import on_commit

mailed = Signal(providing_args=["to"])

@receiver(mailed)
def deliver(to, **kwargs):
    print("mail to", to)
    if to == "bad":
        raise OSError("no network")

@receiver(post_save, sender=User)
def mail(instance, session, **kwargs):
    on_commit(session, lambda: mailed.send(User, to=instance.username))

@receiver(post_save, sender=User)
def count(instance, session, **kwargs):
    if instance.username == "worse":
        on_commit(session, lambda: 1 / 0)
"""


@pytest.fixture
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given") / "red.png"
    Image.effect_noise((40, 40), 50).save(path)
    return path


@pytest.fixture
def blue(red: Path) -> Path:
    path = red.with_name("blue.png")
    Image.effect_noise((40, 40), 90).save(path)
    return path


def pictures(program: Program) -> list[bytes]:
    folder = program.folder / "pics"
    return [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []


def named(program: Program) -> list[str]:
    """What the database calls the pictures."""
    return [name for (name,) in program.select("SELECT profile_pic FROM core_profile ORDER BY id")]


def test_a_picture_is_kept_replaced_and_removed(
    signalcli: Program, forked: Forked, red: Path, blue: Path
) -> None:
    done = signalcli(*REGISTER, str(red), "--json")
    assert (done.code, done.err) == (0, "")
    (name,) = named(signalcli)
    assert NAME.fullmatch(name)
    assert done.document["result"]["profile"]["profile_pic"] == name
    assert (signalcli.folder / name).read_bytes() == red.read_bytes()
    assert any(name in line for line in forked("show", "new").lines)

    done = forked("update", "new", "--profile-pic", str(blue), "--json")
    assert (done.code, done.document["result"]["changed"]) == (0, True)
    assert pictures(signalcli) == [blue.read_bytes()]
    assert named(signalcli) == [done.document["result"]["profile"]["profile_pic"]]

    assert forked("delete", "new").code == 0
    assert pictures(signalcli) == []


def test_nothing_of_the_image_is_in_the_trace_or_the_database(forked: Forked, red: Path) -> None:
    done = forked(*REGISTER, str(red), "--json")
    content = red.read_bytes()
    piece = content[len(content) // 2 :][:16]
    files = [path for path in forked.folder.iterdir() if path.is_file()]
    assert files
    assert all(piece not in path.read_bytes() for path in files)
    assert "IHDR" not in done.out


@FORMS
@pytest.mark.parametrize(
    ("signal", "sender"),
    [("pre_save", "User"), ("post_save", "Profile"), ("notification", "User")],
)
def test_a_receiver_that_fails_leaves_no_picture(
    driver: Driver, red: Path, form: tuple[str, ...], signal: str, sender: str
) -> None:
    program = driver(FAILING.format(signal=signal, sender=sender))
    before = program.files
    done = program(*REGISTER, str(red), *form)
    assert done.code == 1
    assert program.usernames == ["alice", "bob"]
    assert program.files == before


def test_an_update_or_a_deletion_that_fails_leaves_the_old_picture(
    forked_filled: Forked, driver: Driver, red: Path, blue: Path
) -> None:
    assert forked_filled("update", "bob", "--profile-pic", str(red)).code == 0
    before = named(forked_filled)
    failing = driver(FAILING.format(signal="post_save", sender="Profile"))
    assert failing("update", "bob", "--profile-pic", str(blue)).code == 1
    failing = driver(
        "from signalcli.db import post_delete" + FAILING.format(signal="post_delete", sender="User")
    )
    assert failing("delete", "bob").code == 1
    assert named(forked_filled) == before
    assert pictures(forked_filled) == [red.read_bytes()]


def test_ctrl_c_leaves_no_picture(driver: Driver, red: Path) -> None:
    program = driver(SLEEPING)
    before = program.files
    process = program.start(*REGISTER, str(red))
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    assert len(pictures(program)) == 1
    interrupt(process)
    assert finished(process).code == 130
    assert program.files == before


def test_a_process_that_is_killed_leaves_no_row(driver: Driver, red: Path) -> None:
    program = driver(SLEEPING)
    process = program.start(*REGISTER, str(red))
    assert process.stderr is not None
    assert process.stderr.readline() == "asleep\n"
    process.kill()
    finished(process)
    assert program.usernames == ["alice", "bob"]


def test_a_receiver_that_changes_folder_changes_nothing(driver: Driver, red: Path) -> None:
    program = driver(WANDERING)
    assert program(*REGISTER, str(red), "--database", "demo.db").code == 0
    assert pictures(program) == [red.read_bytes()]


def test_the_pictures_are_beside_the_database(forked: Forked, red: Path) -> None:
    (forked.folder / "data").mkdir()
    done = forked(*REGISTER, str(red), "--database", "data/users.db")
    assert done.code == 0
    assert [path.read_bytes() for path in (forked.folder / "data" / "pics").iterdir()] == [
        red.read_bytes()
    ]
    assert forked.files == {"data"}


@FORMS
@pytest.mark.parametrize("name", ["nothing", "data", "text.png", "cut.png", "large.png", ""])
def test_what_is_no_picture_is_refused_in_one_line(
    forked_filled: Forked, red: Path, form: tuple[str, ...], name: str
) -> None:
    folder = forked_filled.folder
    (folder / "data").mkdir()
    (folder / "text.png").write_text("hello")
    (folder / "cut.png").write_bytes(red.read_bytes()[:-200])
    with (folder / "large.png").open("wb") as file:
        file.write(red.read_bytes())
        file.truncate(11_000_000)
    before = forked_filled.rows(), forked_filled.files
    for command in (REGISTER, ("update", "bob", "--profile-pic")):
        done = forked_filled(*command, name, *form)
        assert done.code == 2
        if form:
            error = done.document["error"]
            assert (error["code"], done.work) == ("invalid_value", [])
            message = error["message"]
        else:
            message = done.error
        assert f"'{name or '.'}'" in message
    assert (forked_filled.rows(), forked_filled.files) == before


def test_without_pillow_a_picture_is_refused_with_what_to_install(
    driver: Driver, red: Path
) -> None:
    program = driver(WITHOUT_PILLOW)
    done = program(*REGISTER, str(red))
    assert done.code == 2
    assert re.search(r"without Pillow: .*install .*\[pictures\]", done.error)
    assert program("register", "new", "--email", "new@mail.com").code == 0
    assert program("delete", "new").code == 0


@FORMS
def test_a_database_in_no_file_takes_no_picture(
    forked: Forked, red: Path, form: tuple[str, ...]
) -> None:
    done = forked(*REGISTER, str(red), "--database", ":memory:", *form)
    assert done.code == 2
    message = done.document["error"]["message"] if form else done.error
    assert "this database is in none" in message
    assert forked.files == set()


def test_a_link_in_the_place_of_the_folder_is_refused(forked_filled: Forked, red: Path) -> None:
    elsewhere = forked_filled.folder / "elsewhere"
    elsewhere.mkdir()
    (forked_filled.folder / "pics").symlink_to(elsewhere)
    done = forked_filled(*REGISTER, str(red))
    assert done.code == 2
    assert "is a link or a file" in done.error
    assert list(elsewhere.iterdir()) == []
    assert forked_filled.usernames == ["alice", "bob"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are Unix's")
def test_a_folder_that_cannot_be_written(filled: Program, forked: Forked, red: Path) -> None:
    assert forked("update", "bob", "--profile-pic", str(red)).code == 0
    folder = filled.folder / "pics"
    folder.chmod(0o555)
    limited = without_roots_rights(filled)
    done = limited(*REGISTER, str(red))
    assert done.code == 5
    assert "cannot be written" in done.error
    assert "Permission denied" in done.error
    assert filled.usernames == ["alice", "bob"]

    done = limited("delete", "bob")
    folder.chmod(0o755)
    assert done.code == 1
    assert "signalcli.core.signals.remove_picture" in done.error
    assert "cannot be removed: Permission denied" in done.error
    assert "what was committed before stays" in done.error
    assert filled.usernames == ["alice"]
    assert pictures(filled) == [red.read_bytes()]


def test_a_row_that_names_another_file_is_harmless(forked_filled: Forked) -> None:
    victim = forked_filled.folder / "victim.png"
    victim.write_text("mine")
    connection = sqlite3.connect(forked_filled.database)
    connection.execute("UPDATE core_profile SET profile_pic = '../victim.png'")
    connection.commit()
    connection.close()
    for name in ("alice", "bob"):
        assert forked_filled("delete", name).code == 0
    assert victim.exists()


def test_what_is_done_after_the_commit_is_traced_under_its_receiver(driver: Driver) -> None:
    program = driver(AFTER_COMMIT)
    done = program("register", "new", "--email", "new@mail.com", "--json")
    assert done.code == 0
    (mailed,) = [each for each in done.document["dispatches"] if each["signal"] == "mailed"]
    assert mailed["parent"]["receiver"].endswith("mail")
    assert mailed["responses"][0]["output"] == "mail to new\n"
    kept = program("log", "show", "--json").document
    assert kept["dispatches"] == done.document["dispatches"]


@pytest.mark.parametrize(
    ("username", "receiver", "error"),
    [("bad", "deliver", "no network"), ("worse", "count", "division by zero")],
)
def test_what_fails_after_the_commit_is_said_and_takes_nothing_back(
    driver: Driver, username: str, receiver: str, error: str
) -> None:
    program = driver(AFTER_COMMIT)
    done = program("register", username, "--email", "new@mail.com")
    assert done.code == 1
    assert f"__main__.{receiver}" in done.error
    assert error in done.error
    assert "what was committed before stays" in done.error
    assert program.usernames == ["alice", "bob", username]


def test_pillow_is_only_loaded_for_a_picture(driver: Driver) -> None:
    assert importlib.util.find_spec("PIL") is not None
    program = driver(
        "import atexit\natexit.register(lambda: print(sorted(set(sys.modules) & {'PIL'}),"
        " file=sys.stderr))"
    )
    done = program.start("register", "new", "--email", "new@mail.com", "--json")
    out, err = done.communicate()
    assert json.loads(out)["ok"]
    assert err == "[]\n"
