"""The names of the apps that completion keeps, and when it asks the apps again."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import Forked, complete, without_roots_rights

LONG_AGO = 1_000_000_000
SIGNALS = "from signalcli.dispatch import Signal\nshipped = Signal()\n"


def write(file: Path, text: str) -> None:
    """Write a file as if long ago: what has just changed is not kept."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    os.utime(file, (LONG_AGO, LONG_AGO))


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("own-cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "signalcli" / "completion"


def offers(program: Forked, line: str, **variables: str) -> list[str]:
    done = complete(program, f"signalcli {line}", **variables)
    assert (done.code, done.err) == (0, "")
    return done.lines


def shop(program: Forked) -> list[str]:
    return offers(program, "--app shop signals sh")


LINES = (
    "send ",
    "send notification ",
    "create ",
    "create U",
    "create User ",
    "get core.user --fields ",
    "register --fail ",
    "explain s",
    "log --sender ",
)


@pytest.mark.parametrize("line", LINES)
def test_what_is_kept_is_what_the_apps_say(forked: Forked, cache: Path, line: str) -> None:
    read = offers(forked, line)
    (kept,) = cache.iterdir()
    before = kept.read_bytes()
    assert read
    assert offers(forked, line) == read
    assert kept.read_bytes() == before


def edited(folder: Path) -> None:
    write(folder / "shop" / "__init__.py", SIGNALS.replace("shipped", "shelved"))


def grown(folder: Path) -> None:
    write(folder / "shop" / "models.py", SIGNALS.replace("shipped", "shelved"))


def set_otherwise(folder: Path) -> None:
    write(folder / "more.txt", "shelved")


def overtaken(folder: Path) -> None:
    (folder / "shop").rename(folder / "elsewhere")
    write(folder / "shop.py", SIGNALS.replace("shipped", "shelved"))


@pytest.mark.parametrize("change", [edited, grown, set_otherwise, overtaken])
def test_a_change_is_seen_at_once(
    forked: Forked, cache: Path, change: Callable[[Path], None]
) -> None:
    reading = (
        "from pathlib import Path\n"
        "more = Path('more.txt')\n"
        "if more.exists() and (name := more.read_text()):\n"
        "    globals()[name] = Signal()\n"
    )
    write(forked.folder / "shop" / "__init__.py", SIGNALS + reading)
    write(forked.folder / "more.txt", "")
    assert shop(forked) == shop(forked) == ["shipped"]
    assert len(list(cache.iterdir())) == 1
    change(forked.folder)
    assert "shelved" in shop(forked)


def test_a_variable_that_an_app_reads_is_seen(forked: Forked, cache: Path) -> None:
    reading = "import os\nif 'SHELVES' in os.environ:\n    shelved = Signal()\n"
    write(forked.folder / "shop" / "__init__.py", SIGNALS + reading)
    line = "--app shop signals sh"
    assert offers(forked, line) == ["shipped"]
    assert offers(forked, line, SHELVES="1") == ["shipped", "shelved"]
    assert offers(forked, line, SHLVL="7") == ["shipped"]
    assert len(list(cache.iterdir())) == 2


def test_other_apps_have_other_names(forked: Forked, cache: Path) -> None:
    write(forked.folder / "shop" / "__init__.py", SIGNALS)
    write(forked.folder / "signalcli.toml", "installed-apps = ['shop']\n")
    assert offers(forked, "signals sh") == ["shipped"]
    write(forked.folder / "signalcli.toml", "installed-apps = ['signalcli.core']\n")
    assert offers(forked, "signals sh") == []
    assert offers(forked, "--app shop signals sh") == ["shipped"]


@pytest.mark.parametrize(
    "asked",
    [
        "import sqlite3\nsqlite3.connect(':memory:')\n",
        "import subprocess\nsubprocess.run(['true'])\n",
    ],
)
def test_an_app_that_asks_others_is_asked_itself(forked: Forked, cache: Path, asked: str) -> None:
    write(forked.folder / "shop" / "__init__.py", SIGNALS + asked)
    assert shop(forked) == ["shipped"]
    assert not cache.exists()


def test_what_has_just_changed_is_not_kept(forked: Forked, cache: Path) -> None:
    folder = forked.folder / "shop"
    folder.mkdir()
    (folder / "__init__.py").write_text(SIGNALS, encoding="utf-8")
    assert shop(forked) == ["shipped"]
    assert not cache.exists()


def nonsense(file: Path) -> None:
    file.write_text("Nothing of names.")


def other_names(file: Path) -> None:
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({**kept, "catalogue": [[["x", "y", 1]], {}, [], [2]]}))


def huge(file: Path) -> None:
    file.write_text(file.read_text() + " " * 5_000_000)


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [nonsense, other_names, huge, a_pipe, a_folder])
def test_what_was_not_written_here_is_not_believed(
    forked: Forked, cache: Path, spoil: Callable[[Path], None]
) -> None:
    assert offers(forked, "signals notif") == ["notification"]
    (kept,) = cache.iterdir()
    spoil(kept)
    assert offers(forked, "signals notif") == ["notification"]


def test_a_cache_that_cannot_be_written_hinders_nobody(forked: Forked, cache: Path) -> None:
    cache.parent.mkdir()
    cache.parent.chmod(0o500)
    assert complete(without_roots_rights(forked), "signalcli signals notif").lines == [
        "notification"
    ]
    assert not cache.exists()


def test_the_oldest_of_many_are_removed(forked: Forked, cache: Path) -> None:
    cache.mkdir(parents=True)
    for number in range(50):
        write(cache / f"{number}.json", "")
    assert offers(forked, "signals notif") == ["notification"]
    assert len(list(cache.iterdir())) == 32
