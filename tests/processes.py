"""Processes that tests start: signals reach them, and none outlives its test."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

# Where the folder of the tests is a package.
ROOT = Path(__file__).parents[1]
# How long anything may take before it counts as hanging. Nothing is to come near it, however busy
# the machine.
PATIENCE_SECONDS = 600
# What tests send, and what the system sends of itself to those who end or lose their terminal.
_HEEDED = (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)

_under_way: dict[int, Callable[[], None]] = {}


def have_processes_heed_signals() -> None:
    """Have the processes that this one starts heed the signals that it was started to ignore.

    A background job of a shell, ``nohup`` and some CI runners ignore or block signals. That is
    inherited by every process beneath, where a test that sends such a signal would wait for ever.
    A handler is not inherited. So this process has one in its stead, which does nothing: it goes
    on ignoring what it was told to, and those that it starts begin as if at a terminal.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    for number in _HEEDED:
        if number in blocked or signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _pass_over)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED)


def _pass_over(number: int, frame: FrameType | None) -> None:
    """Ignore a signal."""


def start(command: Sequence[object], **options: Any) -> subprocess.Popen[str]:
    """Start a process in a session of its own, which is over when the test is.

    Arguments:
        command: the program and its arguments.
        options: those of :class:`subprocess.Popen`.
    """
    options.setdefault("encoding", "utf-8")
    process = subprocess.Popen([*map(str, command)], start_new_session=True, **options)
    end_with_the_test(process.pid, lambda: _put_away(process))
    return process


def finish(process: subprocess.Popen[str], given: Any = None) -> tuple[str, str]:
    """Wait for the end of a process; what it printed to its two streams.

    Arguments:
        process: the process; whatever it started in turn is ended with it.
        given: what is written to its standard input.

    Raises:
        subprocess.TimeoutExpired: it hangs.
    """
    try:
        return process.communicate(given, timeout=PATIENCE_SECONDS)
    finally:
        end(process.pid)


def run(
    command: Sequence[object], *, given: Any = None, check: bool = False, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run a process to its end; what it printed is in the answer.

    Arguments:
        command: the program and its arguments.
        given: its standard input; by default, there is none.
        check: whether it has to end well.
        options: those of :class:`subprocess.Popen`.

    Raises:
        subprocess.CalledProcessError: it did not end well, but has to.
        subprocess.TimeoutExpired: it hangs.
    """
    streams = {"stdin": subprocess.DEVNULL if given is None else subprocess.PIPE}
    streams |= dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    process = start(command, **{**streams, **options})
    out, err = finish(process, given)
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def end_with_the_test(group: int, put_away: Callable[[], object]) -> None:
    """Have a group of processes killed when the test is over, or when it hangs on them.

    Arguments:
        group: the group's number.
        put_away: what is to be done when it is dead.
    """

    def end_it() -> None:
        hanging.cancel()
        _kill(group)
        put_away()

    # Who waits for the process to say something hears by this that it never will.
    hanging = threading.Timer(PATIENCE_SECONDS, _kill, (group,))
    hanging.daemon = True
    hanging.start()
    _under_way[group] = end_it


def end_all() -> None:
    """End whatever the test that is over has started, and what that started in turn."""
    for group in list(_under_way):
        end(group)


def end(group: int) -> None:
    """End a group of processes of which nothing more is wanted."""
    if group in _under_way:
        _under_way.pop(group)()


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _put_away(process: subprocess.Popen[str]) -> None:
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            # What was to be written to it has nobody left who would read it.
            with suppress(BrokenPipeError):
                stream.close()
