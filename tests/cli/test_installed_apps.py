"""Apps of one's own: who lists them, and how those that do not load are told."""

import pytest

from tests.cli.files import write
from tests.cli.program import Finished, Forked, Program

APP = """
from signalcli.apps import AppConfig
class Config(AppConfig):
    name = {name!r}
    def ready(self):
        {ready}
"""
# Each name stands for an app of its own that prints it as it is made ready.
SAYING = "from signalcli.dispatch import Signal\nprint({text!r})\nmine = Signal()\n"
LISTED = 'installed-apps = ["signalcli.core", "{name}"]\n'
INSTALLED = "SIGNALCLI_INSTALLED_APPS"


def loaded(done: Finished) -> list[str]:
    """What the apps printed as they loaded; the answer is one document."""
    assert done.code == 0, done.err
    assert done.document["ok"] is True
    return done.err.split()


def within(program: Forked, folder: str) -> Forked:
    (program.folder / folder).mkdir(parents=True, exist_ok=True)
    return Forked(program.folder / folder, forker=program.forker)


class TestWhoListsThem:
    def test_an_option_goes_before_a_variable_before_files_before_the_default(
        self, forked: Forked
    ) -> None:
        names = ("option", "variable", "own", "project", "above")
        write(forked.folder, {"below/pyproject.toml": "", "below/signalcli.toml": ""})
        write(
            forked.folder,
            {
                **{f"below/{name}_app.py": SAYING.format(text=name) for name in names},
                "above_app.py": SAYING.format(text="above"),
                "signalcli.toml": LISTED.format(name="above_app"),
                "below/signalcli.toml": LISTED.format(name="own_app"),
                "below/pyproject.toml": "[tool.signalcli]\n" + LISTED.format(name="project_app"),
            },
        )
        below = within(forked, "below")
        named = ("--app", "signalcli.core", "--app", "option_app")
        variable = {INSTALLED: "signalcli.core, variable_app"}
        assert loaded(below("signals", "--json", *named, env=variable)) == ["option"]
        assert loaded(below(*named, "signals", "--json")) == ["option"]
        assert loaded(below("signals", "--json", env=variable)) == ["variable"]
        assert loaded(below("signals", "--json", env={INSTALLED: " , "})) == ["own"]
        (below.folder / "signalcli.toml").unlink()
        assert loaded(below("signals", "--json")) == ["project"]
        (below.folder / "pyproject.toml").write_text("[tool.other]\nsignalcli = 1\n")
        assert loaded(below("signals", "--json")) == ["above"]
        assert loaded(within(forked, "below/far/down")("signals", "--json")) == ["above"]
        (forked.folder / "signalcli.toml").unlink()
        assert loaded(below("signals", "--json")) == []

    def test_a_file_that_is_listed_is_looked_for_where_the_list_is(self, forked: Forked) -> None:
        write(
            forked.folder,
            {
                "apps/orders.py": SAYING.format(text="orders"),
                "signalcli.toml": LISTED.format(name="apps/orders.py"),
            },
        )
        for folder in (".", "deep/down"):
            assert loaded(within(forked, folder)("signals", "mine", "--json")) == ["orders"]
        # A file that the command line names, where the command is given.
        above = within(forked, "deep")("signals", "--json", "--app", "../apps/orders.py")
        assert loaded(above) == ["orders"]

    def test_a_lone_file_may_describe_itself(self, forked: Forked) -> None:
        ready = "print(self.label, self.verbose)"
        source = APP.format(name="orders", ready=ready) + "    label = 'sales'\n    verbose = 1\n"
        write(forked.folder, {"orders.py": source})
        assert loaded(forked("signals", "--json", "--app", "orders.py")) == ["sales", "1"]
        by_name = forked("signals", "--json", "--app", "orders.Config")
        assert loaded(by_name) == ["sales", "1"]


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("signalcli.toml", "installed-apps = [", "is not TOML"),
        ("signalcli.toml", "installed-apps = 'shop'", "takes a list"),
        ("signalcli.toml", "installed-apps = []", "takes a list"),
        ("signalcli.toml", "installed-apps = ['shop', 3]", "takes a list"),
        ("signalcli.toml", "installed_apps = ['shop']", "no setting 'installed_apps'"),
        ("pyproject.toml", "[tool.signalcli]\nnonsense = 1", "no setting 'nonsense'"),
        ("pyproject.toml", "[tool]\nsignalcli = 'shop'", "is no table"),
        ("pyproject.toml", "tool = { signalcli = ", "is not TOML"),
        ("signalcli.toml", "\udcff", "cannot be read"),
        ("signalcli.toml", "", ""),
    ],
)
def test_a_list_that_says_nothing_sensible_is_named(
    forked: Forked, file: str, text: str, named: str
) -> None:
    if named:
        (forked.folder / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    else:
        (forked.folder / file).mkdir()
    done = forked("register", "x", "-e", "x@mail.com")
    assert (done.code, done.out) == (2, "")
    assert named in done.error
    assert file in done.error
    assert forked.files == {file}


@pytest.mark.parametrize("name", ["json", "rich", "queue", "sqlmodel", "typing_extensions"])
def test_a_file_that_is_called_like_a_library_is_not_taken_for_it(
    signalcli: Program, name: str
) -> None:
    write(
        signalcli.folder,
        {
            f"{name}.py": "raise RuntimeError('taken for a library')",
            "shop/__init__.py": "",
            "shop/models.py": "from sqlmodel import SQLModel\n",
        },
    )
    listed = {INSTALLED: "signalcli.core,shop"}
    done = signalcli("register", "x", "-e", "x@mail.com", env=listed)
    assert (done.code, done.err) == (0, "")


def test_an_app_goes_before_a_library_of_its_name(signalcli: Program) -> None:
    write(signalcli.folder, {"pexpect/__init__.py": SAYING.format(text="mine")})
    assert loaded(signalcli("signals", "--json", "--app", "pexpect")) == ["mine"]


def test_what_an_app_imports_later_is_found(forked: Forked) -> None:
    write(
        forked.folder,
        {
            "late.py": "print('late')",
            "shop.py": (
                "from signalcli.core.signals import notification\n"
                "from signalcli.dispatch import receiver\n"
                "@receiver(notification)\ndef use(**kwargs):\n    import late\n"
            ),
        },
    )
    listed = {INSTALLED: "signalcli.core,shop.py"}
    done = forked("register", "x", "-e", "x@mail.com", env=listed)
    assert (done.code, done.err) == (0, "")
    assert any(line.endswith("─ prints ┊ late") for line in done.lines)


MODEL = """
from sqlmodel import Field, Relationship, SQLModel
class {name}(SQLModel, table=True):
    __tablename__ = "{table}"
    id: int | None = Field(default=None, primary_key=True)
"""
RELATED = MODEL + (
    "    user_id: int | None = Field(default=None, foreign_key='core_user.id')\n"
    '    other: "Nowhere" = Relationship()\n'
)
BROKEN: dict[str, tuple[dict[str, str], str, str]] = {
    # The files, the place of the cause, and what is said of it.
    "import error": (
        {"shop/__init__.py": "\nimport nothing_there"},
        "shop/__init__.py:2",
        "nothing",
    ),
    "of a package above": (
        {"shop/__init__.py": "\n\nraise ValueError('above')", "shop/sub/__init__.py": ""},
        "shop/__init__.py:3",
        "above",
    ),
    "syntax error": (
        {"shop/__init__.py": "", "shop/models.py": "\ndef ("},
        "shop/models.py:2",
        "Syntax",
    ),
    "ready": (
        {"shop/__init__.py": "", "shop/apps.py": APP.format(name="shop", ready="1 / 0")},
        "shop/apps.py:6",
        "ZeroDivisionError",
    ),
    "exits": (
        {"shop/__init__.py": "", "shop/models.py": "raise SystemExit(0)"},
        "shop/models.py:1",
        "",
    ),
    "skips": (
        {
            "shop/__init__.py": "",
            "shop/models.py": "import pytest\npytest.skip('later', allow_module_level=True)",
        },
        "shop/models.py:2",
        "later",
    ),
    "cancels": (
        {
            "shop/__init__.py": "",
            "shop/apps.py": APP.format(
                name="shop", ready="raise __import__('asyncio').CancelledError"
            ),
        },
        "shop/apps.py:6",
        "CancelledError",
    ),
    "table within": (
        {
            "shop/__init__.py": "",
            "shop/models.py": MODEL.format(name="A", table="t") + MODEL.format(name="B", table="t"),
        },
        "shop/models.py:8",
        "'t' is already defined",
    ),
    "table of two": (
        {"shop/__init__.py": "", "shop/models.py": MODEL.format(name="A", table="core_user")},
        "shop/models.py:3",
        "'core_user' is already defined",
    ),
    "relationship": (
        {"shop/__init__.py": "", "shop/models.py": RELATED.format(name="Order", table="t")},
        "shop/models.py:3",
        "Nowhere",
    ),
    "deep": (
        {
            "shop/__init__.py": "",
            "shop/models.py": "import json\nfrom shop.parts import deep",
            "shop/parts/__init__.py": "",
            "shop/parts/deep.py": "\n\nimport helping",
            "helping.py": "import nothing_there",
        },
        "helping.py:1",
        "nothing_there",
    ),
}


@pytest.mark.parametrize("what", list(BROKEN))
def test_an_app_that_does_not_load_is_one_line_with_its_cause(forked: Forked, what: str) -> None:
    files, place, story = BROKEN[what]
    app = "shop.sub" if "shop/sub/__init__.py" in files else "shop"
    write(forked.folder, files)
    env = {INSTALLED: f"signalcli.core,{app}"}
    before = forked.files | {"__pycache__"}
    arguments = ("register", "x", "-e", "x@mail.com")
    done = forked(*arguments, env=env)
    assert (done.code, done.out) == (2, "")
    assert f"app {app!r}" in done.error
    assert story in done.error
    assert place in done.error
    as_document = forked(*arguments, "--json", env=env)
    assert (as_document.code, as_document.err) == (2, "")
    assert as_document.document["error"] == {"code": "app", "message": done.error}
    assert as_document.document["dispatches"] == []
    for told in (("--traceback", *arguments), (*arguments, "--traceback")):
        with_traceback = forked(*told, env=env)
        assert with_traceback.err.startswith("Traceback (most recent call last):\n")
        assert with_traceback.err.endswith(f"\nerror: {done.error}\n")
        assert (with_traceback.code, with_traceback.out) == (2, "")
    assert forked.files <= before
    for command in ("list", "signals", "receivers"):
        assert forked(command, env=env).error == done.error
    log = forked("log", env=env)
    assert log.code == 0
    assert done.error in log.warning
    assert forked("log", "--json", "--quiet", env=env).err == ""


def test_two_apps_of_one_label_are_both_named_with_their_places(forked: Forked) -> None:
    write(forked.folder, {"a/shop/__init__.py": "", "b/shop/__init__.py": ""})
    done = forked("list", "--app", "a.shop", "--app", "b.shop")
    assert (done.code, done.out) == (2, "")
    for word in ("'a.shop'", "'b.shop'", "label 'shop'", "a/shop/__init__.py:1", "b/shop"):
        assert word in done.error


@pytest.mark.parametrize("name", ["json.py", "my-shop.py", "missing.py", "signalcli.py"])
def test_a_lone_file_that_cannot_be_a_module_is_named(forked: Forked, name: str) -> None:
    if name != "missing.py":
        write(forked.folder, {name: "mine = 1"})
    done = forked("list", "--app", name)
    assert (done.code, done.out) == (2, "")
    assert f"app {name!r}" in done.error


def test_a_command_for_users_says_which_app_it_needs(forked: Forked) -> None:
    write(forked.folder, {"shop.py": "mine = 1"})
    done = forked("register", "x", "-e", "x@mail.com", "--app", "shop.py")
    assert (done.code, done.out) == (2, "")
    assert "signalcli.core" in done.error
    assert "--app lists shop.py" in done.error
    assert forked.files <= {"shop.py", "__pycache__"}


def test_it_ends_with_the_options_that_install_the_app_too(forked: Forked) -> None:
    write(
        forked.folder,
        {
            "mine.py": "from sqlmodel import Field, SQLModel\n\n\n"
            "class Hero(SQLModel, table=True):\n"
            "    id: int = Field(primary_key=True)\n"
        },
    )
    for command in ("register x -e x@mail.com", "list"):
        done = forked(*command.split(), "--app", "mine.py")
        assert done.code == 2
        assert done.error.endswith("; to have it, too: --app signalcli.core --app mine.py")
        is_told = "`signalcli get Hero --app mine.py` lists the rows of a model" in done.error
        assert is_told is (command == "list")
