"""The process around a command: its streams, folder, logs, warnings and garbage, and how they stay.

Commands import this module before they run: it loads neither the apps nor SQLAlchemy.
"""

import contextlib
import gc
import logging
import os
import select
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

from signalcli.cli.late import late
from signalcli.cli.problems import TRACEBACK_VARIABLE, note_answers_alone

with late():
    from signalcli import secrets

# After so many more new objects than freed ones, Python looks for garbage.
GARBAGE_THRESHOLD = 100_000
# The table shows the failures that a robust dispatch logs, and nobody needs SQLAlchemy's record of
# a Ctrl-C at a bad moment.
LOGGERS = ("signalcli", "sqlalchemy")


class WithoutSecrets(logging.Formatter):
    """Has logged messages, and the tracebacks of exceptions, keep secrets to themselves."""

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        return secrets.without_secrets(super().format(record))


def look_for_garbage() -> None:
    """Have Python look for garbage, but not among what is loaded by now, nearly all of which stays.

    To be called before the users' apps are loaded: their objects are cleared up as ever.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    gc.enable()


def leave_logs_to_others() -> None:
    """Have nothing logged on standard error, where nobody has set logging up."""
    if not os.environ.get(TRACEBACK_VARIABLE):
        for name in LOGGERS:
            logging.getLogger(name).addHandler(logging.NullHandler())
    elif logging.lastResort is not None:
        logging.lastResort.setFormatter(WithoutSecrets())


def leave_warnings_to_others(category: type[Warning]) -> None:
    """Have warnings that are for authors of models printed only when asked for."""
    if not sys.warnoptions and not os.environ.get(TRACEBACK_VARIABLE):
        warnings.simplefilter("ignore", category)


@contextlib.contextmanager
def back_to_this_folder() -> Iterator[None]:
    """Return from wherever receivers go, so that relative paths mean the same after them."""
    folder = None
    with contextlib.suppress(OSError):
        folder = os.getcwd()  # noqa: PTH109  # handed back as it is
    try:
        yield
    finally:
        if folder is not None:
            with contextlib.suppress(OSError):
                os.chdir(folder)


@contextlib.contextmanager
def keeping_streams() -> Iterator[None]:
    """Have the standard streams and the environment back afterwards, whatever receivers do to them.

    They may replace a stream, delete its name, close it or the file beneath it.
    """
    environment = dict(os.environ)
    streams = {name: getattr(sys, name, None) for name in ("stdout", "stderr")}
    saved: dict[int, int] = {}
    for number in (1, 2):
        with contextlib.suppress(OSError):
            saved[number] = os.dup(number)
    try:
        yield
    finally:
        for number, own in saved.items():
            with contextlib.suppress(OSError):
                if not _is_same_file(number, own):
                    os.dup2(own, number)
                os.close(own)
        for number, (name, stream) in enumerate(streams.items(), 1):
            if stream is not None and stream.closed and number in saved:
                stream = _opened_again(number)
            if getattr(sys, name, None) is not stream:
                setattr(sys, name, stream)
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)


def _opened_again(number: int) -> TextIO:
    """A standard stream in the place of one that was closed."""
    return open(
        number, "w", encoding="utf-8", errors="backslashreplace", closefd=False
    )  # no path; stays open


def _is_same_file(number: int, other: int) -> bool:
    """Whether two descriptors lead to the same open file; not where one is closed."""
    try:
        return os.path.sameopenfile(number, other)
    except OSError:
        return False


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Give the next command the surroundings of this one.

    These are the environment, the working directory, the filters of warnings, and the handlers of
    the loggers of signalcli and SQLAlchemy. Apps and receivers keep what is in their modules.
    """
    environment = dict(os.environ)
    handlers = [(logger, logger.handlers[:]) for logger in map(logging.getLogger, LOGGERS)]
    try:
        with back_to_this_folder(), warnings.catch_warnings():
            yield
    finally:
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        for logger, before in handlers:
            logger.handlers[:] = before


@contextlib.contextmanager
def kept_clean(*, for_programs: bool, quiet: bool) -> Iterator[None]:
    """Keep the output of apps and receivers out of the answer.

    Arguments:
        for_programs: whether standard output is for JSON; other output goes to standard error.
        quiet: whether other output is dropped.
    """
    note_answers_alone(for_programs=for_programs, quiet=quiet)
    if for_programs:
        with output_to(sys.stderr):
            yield
    elif quiet:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, output_to(nowhere):  # noqa: PTH123  # os.devnull is a name, not a path
            yield
    else:
        yield


@contextlib.contextmanager
def output_to(stream: TextIO) -> Iterator[None]:
    """Send standard output elsewhere, also that of the programs that we start."""
    sys.stdout.flush()
    saved: int | None = None
    try:
        # What stands for standard output may be no file, as in a test.
        saved = os.dup(1)
        os.dup2(stream.fileno(), 1)
    except OSError:
        pass
    try:
        with contextlib.redirect_stdout(stream):
            yield
    finally:
        # A receiver may have closed it.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
        if saved is not None:
            os.dup2(saved, 1)
            os.close(saved)


def stdout_is_read() -> bool:
    """Whether somebody may still read standard output."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not any(event & select.POLLERR for _, event in poll.poll(0))
