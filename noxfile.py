"""The lanes of CI, each in an environment of its own; ``nox -l`` lists them.

``.ci/run`` and the hosted workflow say which lanes they run and on which Python. What a lane does
is said here and nowhere else.
"""

import re
import shutil
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OLDEST = PYTHONS[0]
# These tests start many processes and see little of the Python beneath.
OF_THE_COMMAND_LINE = ("tests/cli", "tests/log", "tests/render", "tests/test_readme.py")
# These tests use the session, and so the libraries beneath it.
OF_THE_SESSION = tuple(
    f"tests/{room}" for room in ("db", "apps", "bulk", "core", "objects", "testing", "trace")
)
# An app is linted by what its author is likely to have chosen: no settings of this project.
RULES_FOR_APPS = ("--select=B,C4,D,E,F,I,PT,PTH,RUF,SIM,UP,W", "--ignore=D105,D203,D213")

nox.needs_version = ">=2024.4.15"
nox.options.sessions = [f"tests-{OLDEST}", "lint", "startapp", "lowest"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the README's test command in a fresh clone of the last commit."""
    test_a_clone(session)


@nox.session(python=PYTHONS)
def library(session: nox.Session) -> None:
    """The same without the tests of the command line."""
    test_a_clone(session, *(f"--ignore={path}" for path in OF_THE_COMMAND_LINE))


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Check the style and the types of everything."""
    session.install("-e", ".[test,lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python=OLDEST)
def startapp(session: nox.Session) -> None:
    """Check the style and the types of the app that ``signalcli startapp`` writes."""
    session.install(".[lint]", "pytest")
    session.cd(session.create_tmp())
    shutil.rmtree("shop", ignore_errors=True)
    session.run("signalcli", "startapp", "shop")
    session.run("ruff", "check", "--isolated", *RULES_FOR_APPS, "shop")
    session.run("ruff", "format", "--isolated", "--check", "shop")
    session.run("mypy", "--strict", "--config-file=", "shop")


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """Test the session with the oldest libraries that pyproject.toml allows."""
    session.install("-e", ".[test]", *lowest_versions("sqlalchemy", "sqlmodel"))
    session.run("pytest", "-q", "-n", "auto", *OF_THE_SESSION, *session.posargs)


@nox.session(python=OLDEST)
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches of signalcli the tests reach."""
    session.install("-e", ".[test]", "coverage>=7.10")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", "-n", "auto", *session.posargs)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


def test_a_clone(session: nox.Session, *options: str) -> None:
    """Run the README's test command in a fresh clone, which it has to leave as it was."""
    clone = Path(session.create_tmp(), "clone")
    shutil.rmtree(clone, ignore_errors=True)
    session.run("git", "clone", "-q", ".", str(clone), external=True)
    with session.chdir(clone):
        command = " ".join((readme_command(), *options, *session.posargs))
        session.run("bash", "-c", command, external=True)
        versions = session.run(".venv/bin/pip", "freeze", external=True, silent=True)
        session.log(" ".join(re.findall(r"(?mi)^sql(?:alchemy|model)==.*$", str(versions))))
        left = session.run("git", "status", "--porcelain", external=True, silent=True)
        if left:
            session.error(f"the tests leave files behind:\n{left}")


def readme_command() -> str:
    """What the README says below its heading "Test it"."""
    section = Path("README.md").read_text(encoding="utf-8").partition("\n## Test it\n")[2]
    return re.findall(r"^\$ (.+)$", section, re.MULTILINE)[0]


def lowest_versions(*names: str) -> list[str]:
    """For pip: the oldest allowed version of each library that pyproject.toml bounds."""
    dependencies = nox.project.load_toml()["project"]["dependencies"]
    bounds = [re.match(r"([\w-]+)[^>]*>=\s*([\w.]+)", each) for each in dependencies]
    return [f"{bound[1]}=={bound[2]}" for bound in bounds if bound and bound[1] in names]
