"""The pages of the manual's site, for mkdocs: those that its list of contents names.

They stay where they are, below the root of the project: a link from one to another is the same on
a forge, in a checkout and on the site. mkdocs itself takes pages from one folder, which may not be
the one of its settings.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and the pictures beside them."""
    pictures = (path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.svg"))
    for path in (*_pages_in(config.nav), *pictures):
        files.append(File(path, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def _pages_in(part: Any) -> Iterator[str]:
    """The paths in a part of the list of contents."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from _pages_in(list(part.values()))
    else:
        for each in part:
            yield from _pages_in(each)
