"""What holds for all tests: no machine is too busy, and no process is left behind."""

import compileall
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import signalcli
from tests import engines, garbage, processes

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Each database that a test makes is synced to the disk some ten times, which for many tests is half
# of their time. In memory that costs nothing.
MEMORY = Path("/dev/shm")
ROOM_BYTES = 1_000_000_000

NewDatabase = Callable[..., str]


def pytest_configure(config: pytest.Config) -> None:
    if is_fit_for_tests(MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    if not hasattr(config, "workerinput"):
        # Where Python is told to write no bytecode, each process that a test starts would compile
        # the whole house.
        compileall.compile_dir(Path(signalcli.__file__).parent, quiet=1)
    # Who hands the tests out to others runs none; those others ignore what they are started to.
    if hasattr(config, "workerinput") or not config.getoption("tx", None):
        processes.have_processes_heed_signals()


def is_fit_for_tests(folder: Path) -> bool:
    """Whether tests may have their temporary files in a folder: it is there, with room enough."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    status = os.statvfs(folder)
    has_room = status.f_bavail * status.f_frsize > ROOM_BYTES
    return has_room and not status.f_flag & os.ST_NOEXEC


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_kept_in_the_users_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    # For this process and all that it starts.
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module", autouse=True)
def _garbage_is_looked_for_among_what_is_new() -> None:
    garbage.spare_what_is_there()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest test module, which would otherwise keep one worker busy at the end."""
    items.sort(key=lambda item: not item.path.match("tests/test_manual.py"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    processes.end_all()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on every engine that is wanted."""
    if "engine_name" in metafunc.fixturenames and engines.wanted() != ("sqlite",):
        mark = metafunc.definition.get_closest_marker("sqlite")
        parameters = engines.parameters(None if mark is None else mark.args[0])
        metafunc.parametrize("engine_name", parameters, indirect=True, scope="session")


def pytest_sessionfinish() -> None:
    engines.drop_databases()


@pytest.fixture(scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    """The database engine that the test runs on."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def new_database(engine_name: str, tmp_path: Path) -> Iterator[NewDatabase]:
    """Makes a database of the test's own, prepared as it says; the answer is its path or URL."""
    with ExitStack() as stack:

        def make(name: str, prepare: engines.Prepare | None = None) -> str:
            if engine_name == "sqlite":
                path = str(tmp_path / f"{name}.db")
                if prepare is not None:
                    prepare(path)
                return path
            return stack.enter_context(engines.server(engine_name).database(prepare, prepare))

        yield make


@pytest.fixture
def database(new_database: NewDatabase) -> str:
    """The path or URL of an empty database of the test's own."""
    return new_database("test")


@pytest.fixture
def server_database(engine_name: str, new_database: NewDatabase) -> str:
    """The same, where the engine is a server."""
    if engine_name == "sqlite":
        pytest.skip("about database servers, of which SIGNALCLI_TEST_DATABASES names none")
    return new_database("test")
