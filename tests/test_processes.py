"""What the tests themselves rely on when they start processes."""

import os
import signal
import subprocess
import sys

import pytest

from tests import processes

NUMBERS = [int(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)]
BEGINNING = """
import os, signal, sys
for number in {numbers}:
    {how}
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
HEEDING = """
import os, subprocess
from tests import processes

processes.have_processes_heed_signals()
for number in {numbers}:
    # It does not end itself.
    os.kill(os.getpid(), number)
    print(subprocess.run(["sh", "-c", f"kill -{{number}} $$; echo went on"]).returncode, flush=True)
"""


@pytest.mark.parametrize(
    "how",
    ["signal.signal(number, signal.SIG_IGN)", "signal.pthread_sigmask(signal.SIG_BLOCK, [number])"],
    ids=["ignored", "blocked"],
)
def test_signals_that_the_tests_were_started_to_ignore_end_processes(how: str) -> None:
    beginning, code = (text.format(numbers=NUMBERS, how=how) for text in (BEGINNING, HEEDING))
    path = {"PYTHONPATH": str(processes.ROOT)}
    done = processes.run([sys.executable, "-c", beginning, code], env={**os.environ, **path})
    assert (done.returncode, done.stderr) == (0, "")
    assert list(map(int, done.stdout.split())) == [-number for number in NUMBERS]


def test_nothing_is_left_of_a_process_and_those_beneath() -> None:
    held, holding = os.pipe()
    line = "trap '' HUP INT TERM; sleep 1000 & echo begun; wait"
    process = processes.start(["sh", "-c", line], stdout=subprocess.PIPE, pass_fds=[holding])
    os.close(holding)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    processes.end_all()
    assert process.returncode == -signal.SIGKILL
    # It is at its end when nobody holds it any more.
    assert os.read(held, 1) == b""
    os.close(held)
