"""What holds for all tests: no machine is too busy, and no process is left behind."""

import processes
import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    # Who hands the tests out to other processes runs none; those are started to ignore what it is.
    if hasattr(config, "workerinput") or config.getoption("dist", "no") == "no":
        processes.have_processes_heed_signals()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    processes.end_all()
