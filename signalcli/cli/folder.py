"""The folder that a command is given in."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def back_to_this_folder() -> Iterator[None]:
    """Return from wherever receivers go, so that relative paths mean the same after them."""
    folder = None
    with contextlib.suppress(OSError):
        folder = Path.cwd()
    try:
        yield
    finally:
        if folder is not None:
            with contextlib.suppress(OSError):
                os.chdir(folder)
