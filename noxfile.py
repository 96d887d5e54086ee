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
OF_THE_COMMAND_LINE = ("tests/cli", "tests/log", "tests/render", "tests/test_manual.py")
LOADED_FROM_THE_NET = re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:https?:)?//[^>]*>")
REGISTERING = ("register", "xyz", "--email", "xyz@mail.com")
# An app is linted by what its author is likely to have chosen: no settings of this project.
RULES_FOR_APPS = ("--select=B,C4,D,E,F,I,PT,PTH,RUF,SIM,UP,W", "--ignore=D105,D203,D213")

nox.needs_version = ">=2024.4.15"
# uv makes an environment in a tenth of the time.
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = [f"tests-{OLDEST}", "lint", "startapp", "docs", "built", f"lowest-{OLDEST}"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the README's test command in a fresh clone of the last commit, which stays as it was."""
    clone = Path(session.create_tmp(), "clone")
    shutil.rmtree(clone, ignore_errors=True)
    session.run("git", "clone", "-q", ".", str(clone), external=True)
    with session.chdir(clone):
        command = " ".join((readme_command(), *session.posargs))
        session.run("bash", "-c", command, external=True)
        versions = session.run(".venv/bin/pip", "freeze", external=True, silent=True)
        session.log(" ".join(re.findall(r"(?mi)^sql(?:alchemy|model)==.*$", str(versions))))
        left = session.run("git", "status", "--porcelain", external=True, silent=True)
        if left:
            session.error(f"the tests leave files behind:\n{left}")


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
def docs(session: nox.Session) -> None:
    """Build the manual's site, in which a lost page or link is an error."""
    session.install(*nox.project.load_toml()["project"]["optional-dependencies"]["docs"])
    site = Path(session.create_tmp(), "site").resolve()
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    session.run("mkdocs", "build", "-q", "-s", "-f", "docs/mkdocs.yml", "-d", str(site), env=quiet)
    for page in site.rglob("*.html"):
        if found := LOADED_FROM_THE_NET.search(page.read_text(encoding="utf-8")):
            session.error(f"{page.name} loads something from the net: {found[0]}")


@nox.session(python=OLDEST)
def built(session: nox.Session) -> None:
    """Build the wheel and the sdist, and try each as users install it, outside the checkout."""
    place = Path(session.create_tmp()).resolve()
    shutil.rmtree(place)
    wheels, made = place / "wheels", place / "made"
    session.install("build", "pip")
    session.run("python", "-m", "build", "-q", "--outdir", str(made), ".")
    # What the installers need is fetched once; then none of them asks the net.
    archives = sorted(map(str, made.iterdir()))
    contents = str(session.run("tar", "tzf", archives[1], external=True, silent=True)).split()
    if lost := lost_links({name.partition("/")[2] for name in contents}):
        session.error(f"the README leads to what the sdist lacks: {lost}")
    needed = ["-d", str(wheels), *archives[:1], "flit_core>=3.9"]
    session.run("python", "-m", "pip", "download", "-q", *needed)
    local = ["--no-index", "--find-links", str(wheels)]
    tools = [tool for tool in ("pipx", "uv") if can_be_had(session, tool)]
    for archive in archives:
        for name, commands in installations(session, archive, local, tools).items():
            session.log(f"{Path(archive).name} by {name}")
            try_installation(session, place / f"{name} {Path(archive).name}", commands)


@nox.session(python=PYTHONS)
def lowest(session: nox.Session) -> None:
    """Test all but the command line with the oldest libraries that pyproject.toml allows."""
    session.install("pip", "-e", ".[test]", *lowest_versions("sqlalchemy", "sqlmodel"))
    left_out = [f"--ignore={path}" for path in OF_THE_COMMAND_LINE]
    session.run("pytest", "-q", "-n", "auto", *left_out, *session.posargs)


@nox.session(python=OLDEST)
def servers(session: nox.Session) -> None:
    """Test on the database servers that answer; the others are skipped with the reason."""
    session.install("-e", ".[test]")
    asked = {"SIGNALCLI_TEST_DATABASES": "postgresql mariadb"}
    rooms = [f"tests/{room}" for room in ("db", "bulk", "testing", "trace", "log")]
    names = ("test_engines*.py", "test_log_servers.py")
    commands = [str(path) for name in names for path in sorted(Path("tests/cli").glob(name))]
    command = ("pytest", "-q", "-n", "auto", "-m", "server")
    session.run(*command, *rooms, *commands, *session.posargs, env=asked)


@nox.session(python=OLDEST)
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches of signalcli the tests reach."""
    session.install("-e", ".[test]", "coverage>=7.10")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", "-n", "auto", *session.posargs)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


def lost_links(names: set[str]) -> list[str]:
    """The files that the README leads to and that are not among those of a name."""
    links = re.findall(r"\]\((?!https:)([^)#]+)", Path("README.md").read_text(encoding="utf-8"))
    return sorted(set(links) - names)


def can_be_had(session: nox.Session, tool: str) -> bool:
    """Install a tool; where that cannot be done, say so."""
    try:
        session.install(tool)
    except nox.command.CommandFailed:
        session.warn(f"{tool} cannot be installed here: not tried")
        return False
    return True


def installations(
    session: nox.Session, archive: str, local: list[str], tools: list[str]
) -> dict[str, list[list[str]]]:
    """The ways to install an archive, each with its commands; the last one runs signalcli.

    The commands are carried out in an empty folder, where ``bin`` is for programs.
    """
    python = f"{session.bin}/python"
    ways = {
        "pip": [
            [python, "-m", "venv", "--without-pip", "venv"],
            [
                python,
                "-m",
                "pip",
                "--python",
                "venv",
                "install",
                "-q",
                "--no-compile",
                *local,
                archive,
            ],
            ["venv/bin/signalcli"],
        ]
    }
    if "pipx" in tools:
        arguments = f"--pip-args={' '.join(local)} --no-compile"
        ways["pipx"] = [
            ["pipx", "install", "-q", arguments, "--python", python, archive],
            ["bin/signalcli"],
        ]
    if "uv" in tools:
        ways["uv"] = [
            ["uv", "tool", "install", "-q", *local, "--python", python, archive],
            ["bin/signalcli"],
        ]
        ways["uvx"] = [["uvx", "-q", *local, "--python", python, "--from", archive, "signalcli"]]
    return ways


def try_installation(session: nox.Session, folder: Path, commands: list[list[str]]) -> None:
    """Install signalcli in an empty folder, and register a user there."""
    (folder / "bin").mkdir(parents=True)
    places = {
        "HOME": folder,
        "PIPX_BIN_DIR": folder / "bin",
        "PIPX_HOME": folder / "pipx",
        "PIPX_SHARED_LIBS": folder.parent / "shared",
        "UV_CACHE_DIR": folder.parent / "cache",
        "UV_TOOL_BIN_DIR": folder / "bin",
        "UV_TOOL_DIR": folder / "tools",
    }
    environment = {name: str(path) for name, path in places.items()}
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONPATH": ""}
    *installing, program = commands
    with session.chdir(folder):
        for command in installing:
            session.run(*command, env=environment, external=True, silent=True)
        said = session.run(*program, *REGISTERING, env=environment, external=True, silent=True)
    if "Registered xyz in demo.db" not in str(said):
        session.error(f"signalcli says:\n{said}")


def readme_command() -> str:
    """What the README says below its heading "Test it"."""
    section = Path("README.md").read_text(encoding="utf-8").partition("\n## Test it\n")[2]
    return re.findall(r"^\$ (.+)$", section, re.MULTILINE)[0]


def lowest_versions(*names: str) -> list[str]:
    """For pip: the oldest allowed version of each library that pyproject.toml bounds."""
    dependencies = nox.project.load_toml()["project"]["dependencies"]
    bounds = [re.match(r"([\w-]+)[^>]*>=\s*([\w.]+)", each) for each in dependencies]
    return [f"{bound[1]}=={bound[2]}" for bound in bounds if bound and bound[1] in names]
