"""Fixtures of the command line tests."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.program import Driver, Forked, Forker, Program, with_receivers
from tests.cli.running import Run, runner
from tests.cli.shop import copied, fill, shop_in


@pytest.fixture
def signalcli(tmp_path: Path) -> Program:
    """The installed program, in an empty folder."""
    return Program(tmp_path)


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of two users, made by the program itself."""
    program = Program(tmp_path_factory.mktemp("filled"))
    for arguments in (
        ("alice", "--email", "alice@mail.com", "--first-name", "Alice", "--last-name", "Young"),
        ("bob", "--email", "bob@mail.com"),
    ):
        assert program("register", *arguments).code == 0
    return program.folder


@pytest.fixture
def filled(signalcli: Program, filled_folder: Path) -> Program:
    """The installed program, in a folder whose database knows alice and bob."""
    shutil.copy(filled_folder / "demo.db", signalcli.database)
    return signalcli


@pytest.fixture(scope="session")
def forker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forker]:
    """What starts command lines in no time."""
    forker = Forker(tmp_path_factory.mktemp("forker"))
    yield forker
    forker.close()


@pytest.fixture
def forked(tmp_path: Path, forker: Forker) -> Forked:
    """The program, started in no time, in an empty folder."""
    return Forked(tmp_path, forker=forker)


@pytest.fixture
def forked_filled(forked: Forked, filled_folder: Path) -> Forked:
    """The program, started in no time, in a folder whose database knows alice and bob."""
    shutil.copy(filled_folder / "demo.db", forked.database)
    return forked


@pytest.fixture
def driver(filled: Program, forker: Forker) -> Driver:
    """Makes a program that has receivers of a test's own, beside the database of two users."""

    def make(source: str) -> Program:
        return with_receivers(filled.folder, source, forker)

    return make


@pytest.fixture
def empty_shop(tmp_path: Path, forker: Forker) -> Forked:
    """The program with the shop installed, in a folder without a database."""
    return shop_in(tmp_path, forker)


@pytest.fixture(scope="session")
def stocked_folder(tmp_path_factory: pytest.TempPathFactory, forker: Forker) -> Path:
    """A folder with a database of a shop that has something to sell."""
    shop = shop_in(tmp_path_factory.mktemp("stocked"), forker)
    fill(shop)
    return shop.folder


@pytest.fixture
def shop(empty_shop: Forked, stocked_folder: Path) -> Forked:
    """The program with the shop installed, and something to sell."""
    return copied(empty_shop, stocked_folder)


@pytest.fixture
def shop_driver(tmp_path: Path, forker: Forker, stocked_folder: Path) -> Driver:
    """Makes the program with the shop installed that has receivers of a test's own."""

    def make(source: str) -> Program:
        return copied(shop_in(tmp_path, forker, source), stocked_folder)

    return make


@pytest.fixture
def run(forked: Forked, database: str) -> Run:
    """Runs commands of the demo on a database that is empty at first, on each engine."""
    return runner(forked, database)


@pytest.fixture
def run_with(tmp_path: Path, forker: Forker, database: str) -> Callable[[str], Run]:
    """The same with receivers of a test's own."""
    return lambda source: runner(with_receivers(tmp_path, source, forker), database)


@pytest.fixture
def run_shop(tmp_path: Path, forker: Forker, database: str) -> Run:
    """Runs commands of the shop on a database that is empty at first, on each engine."""
    return runner(shop_in(tmp_path, forker), database)
