"""The process around a command: its folder, apps, logs, warnings and garbage, and how they stay."""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from signalcli.cli.problems import TRACEBACK_VARIABLE

if TYPE_CHECKING:
    from signalcli.apps.registry import Installed

# `--version` loads this module, too. Therefore the functions import what they need beyond it.

# After so many more new objects than freed ones, Python looks for garbage.
GARBAGE_THRESHOLD = 100_000
# Nobody has use for what these log on standard error.
LOGGERS = ("signalcli", "sqlalchemy")


def look_for_garbage_seldom() -> None:
    """Have Python look for garbage seldom: nearly all that a command line loads stays."""
    gc.set_threshold(GARBAGE_THRESHOLD)


@cache
def pass_over_what_is_loaded() -> None:
    """Have Python look for no garbage among what is loaded by now, not even when the process ends.

    Called before the users' apps are loaded: their objects are cleared up as ever. Only the first
    call does anything, as there may be garbage later.
    """
    gc.freeze()


def make_apps_ready(named: Sequence[str]) -> "Installed":
    """Make the installed apps ready.

    Arguments:
        named: the apps that ``--app`` names; where there are none, those of
            :func:`signalcli.apps.registry.find_installed`.

    Raises:
        ImproperlyConfigured: one does not load.
    """
    from signalcli.apps.registry import make_ready

    pass_over_what_is_loaded()
    return make_ready(named)


def leave_logs_to_others() -> None:
    """Have nothing logged on standard error, where nobody has set logging up.

    The table shows what a robust dispatch would log; and what SQLAlchemy logs when Ctrl-C comes at
    a bad moment is of no use to anybody.
    """
    import logging

    if not os.environ.get(TRACEBACK_VARIABLE):
        for name in LOGGERS:
            logging.getLogger(name).addHandler(logging.NullHandler())


def leave_warnings_to_others() -> None:
    """Have SQLAlchemy's warnings, which are for authors of models, printed only when asked for."""
    import warnings

    from sqlalchemy.exc import SAWarning

    if not sys.warnoptions and not os.environ.get(TRACEBACK_VARIABLE):
        warnings.simplefilter("ignore", SAWarning)


@contextlib.contextmanager
def back_to_this_folder() -> Iterator[None]:
    """Return from wherever receivers go, so that relative paths mean the same after them."""
    from pathlib import Path

    folder = None
    with contextlib.suppress(OSError):
        folder = Path.cwd()
    try:
        yield
    finally:
        if folder is not None:
            with contextlib.suppress(OSError):
                os.chdir(folder)


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Give the next command the surroundings of this one.

    Those are the environment, the working directory, the filters of warnings, and the handlers of
    what signalcli and SQLAlchemy log. What apps and receivers keep in their modules is theirs.
    """
    import logging
    import warnings

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
