"""Carry out the examples of the README and the manual, and write what they print into the pages.

``python docs/make_examples.py [PAGE …]`` takes all pages, or those named. An example is a block
marked ``console``: its commands follow ``$``, and what they print follows them. The commands of a
page run in one shell, in a folder with the demo's database. A block with a title is written into
that folder as a file. A block marked ``mermaid`` shows the last diagram that was written there. A
block that makes a virtual environment is left alone. An output that differs only in times and
dates stays as it is.
"""

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r'^```(\w+)(?: title="(.+?)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
# What a reader's terminal has at least.
COLUMNS = 80
END_OF_OUTPUT = "\0"


class Block(NamedTuple):
    """A fenced block of a page.

    Attributes:
        kind: its language.
        title: the name of the file that it is; None where it is none.
        text: what stands in it.
        line: the line of the page where it begins.
    """

    kind: str
    title: str | None
    text: str
    line: int

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The commands that are carried out for the block, each with what it prints."""
        if self.title is not None:
            return []
        if self.kind == "mermaid":
            return [("cat $(ls -t *.mmd | head -1)", self.text)]
        is_run = self.kind == "console" and "venv" not in self.text
        return STEP.findall(self.text) if is_run else []

    def with_outputs(self, outputs: Iterator[str]) -> str:
        """The text of the block, with what its commands print now."""
        text = ""
        for command, old in self.steps:
            new = next(outputs)
            output = old if comparable(old) == comparable(new) else _tidy(new)
            text += output if self.kind == "mermaid" else f"$ {command}\n{output}"
        return text or self.text


def pages() -> list[Path]:
    """The README and the pages of the manual."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page."""
    return [
        Block(match[1], match[2], match[3], page[: match.start()].count("\n") + 1)
        for match in FENCE.finditer(page)
    ]


def steps_in(page: str) -> list[tuple[str, str]]:
    """The commands of a page, each with what it prints."""
    return [step for block in blocks(page) for step in block.steps]


def outputs_of(page: str, folder: Path) -> list[str]:
    """What the commands of a page print in a folder."""
    run = subprocess.run(  # noqa: S603  # the commands of our own pages
        ["bash", "-c", _script_of(page)],  # noqa: S607  # whichever bash there is
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return run.stdout.split(END_OF_OUTPUT)[:-1]


def _script_of(page: str) -> str:
    """A page as a script for bash, which marks where the output of each command ends."""
    parts = []
    for block in blocks(page):
        if block.title is not None:
            name = shlex.quote(block.title)
            parts.append(f"cat > {name} <<'END OF FILE'\n{block.text}END OF FILE\n")
        parts += [f"{command}\nprintf '\\0'\n" for command, _ in block.steps]
    return "".join(parts)


def _environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return {"PATH": path, "LANG": "C.UTF-8", "COLUMNS": str(COLUMNS)}


def comparable(output: str) -> list[str]:
    """What is the same in every run: not the times and dates, nor the widths that hang on them."""
    output = re.sub(r"\d+(\.\d+)? ?m?s\b", "TIME", output)
    output = re.sub(r"\d{4}-\d\d-\d\d", "DATE", output)
    # A run of today has only a time, unless midnight comes between.
    output = re.sub(r"\d\d:\d\d:\d\d|DATE \d\d:\d\d", "CLOCK", output)
    return [re.sub(r" +", " ", re.sub("─+", "─", line)).strip() for line in output.splitlines()]


def written(page: str, outputs: list[str]) -> str:
    """The page with the outputs of its commands."""
    rest = iter(outputs)
    old_blocks = iter(blocks(page))

    def renewed(match: re.Match[str]) -> str:
        head, _, _ = match[0].partition("\n")
        return f"{head}\n{next(old_blocks).with_outputs(rest)}```"

    return FENCE.sub(renewed, page)


def _tidy(output: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines())


def put_demo_into(folder: Path) -> None:
    """Copy the demo's database, as it was committed, into a folder."""
    shown = subprocess.run(
        ["git", "show", "HEAD:demo.db"],  # noqa: S607  # whichever git there is
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    (folder / "demo.db").write_bytes(shown.stdout)


def rewrite(path: Path) -> None:
    """Carry out the commands of a page, and write what they print into it."""
    page = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        put_demo_into(Path(scratch))
        path.write_text(written(page, outputs_of(page, Path(scratch))), encoding="utf-8")


if __name__ == "__main__":
    for each in [Path(name) for name in sys.argv[1:]] or pages():
        rewrite(each)
