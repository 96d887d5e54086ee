"""What holds for all tests: no machine is too busy, and no process is left behind."""

import gc

import pytest
from hypothesis import HealthCheck, settings

from tests import processes

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    # Who hands the tests out to others runs none; those others ignore what they are started to.
    if hasattr(config, "workerinput") or not config.getoption("tx", None):
        processes.have_processes_heed_signals()


@pytest.fixture(scope="module", autouse=True)
def _garbage_is_looked_for_among_what_is_new() -> None:
    """Pass over the hundreds of thousands of objects that stay, as looking at them takes a while.

    What tests left behind is cleared up before.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    processes.end_all()
