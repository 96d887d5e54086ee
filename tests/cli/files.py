"""Files that the program finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files into a folder, each by its path there."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Have nobody write to a file or a folder, within."""
    mode = path.stat().st_mode
    path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        path.chmod(mode)
