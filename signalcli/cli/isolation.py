"""Keeping what a command does to its process from the commands after it."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from signalcli.cli.folder import back_to_this_folder
from signalcli.cli.output import LOGGERS


@contextmanager
def isolated() -> Iterator[None]:
    """After it, a command's surroundings are as they were before.

    That is the environment, the working directory, the filters of warnings, and who gets what
    signalcli and SQLAlchemy log. What apps and receivers keep in their modules is theirs.
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
