"""Command lines of every kind, made of the commands and options that there are.

The names come from the program's own tree, so a new command or option is covered by itself. The
values come by the word that the help has for them, and from texts that do harm elsewhere.
"""

import base64
import gzip
import json
import os
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import strategies as st

from signalcli.cli.app import Entry, LazyGroup, program
from tests.cli.commands import COMMANDS

# Nothing that comes out may have it. It is longer than any name, so nobody stores it as one.
SECRET = "Xk7-hunter2-Qz9-correct-horse"  # of nothing
ONE_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
APP = """\
from signalcli.core.models import User
from signalcli.db import post_save
from signalcli.dispatch import Signal, receiver

odd = Signal(providing_args=["what"])

@receiver(post_save, sender=User)
def watch(instance, **kwargs):
    print("\\x1b[31mred\\u202e", instance)
    return {"password": "Xk7-hunter2-Qz9-correct-horse"}

@receiver(odd)
def fail(**kwargs):
    raise ValueError("https://ada:Xk7-hunter2-Qz9-correct-horse@mail.com/ \\udc80\\n")
"""

# Commands that change no row of an app.
READING = frozenset(
    {"tour", "explain", "why", "list", "show", "get", "signals", "receivers", "apps", "startapp",
     "help", "log", "log show", "log stats", "log follow", "log export", "log prune"}
)  # fmt: skip
# Files that a run may find; what is in them is drawn anew.
FILES = ("rows.csv", "rows.jsonl", "rows.csv.gz", "script.txt", "noise")

USERNAMES = ("alice", "bob", "zoe", "new", "new1", "\uff41lice", "a@b+c.d-e_f", "n" * 151, "ALICE")
SECRETS = (
    f"postgresql://ada:{SECRET}@127.0.0.1:1/shop", f"mysql+pymysql://ada:p@{SECRET}@127.0.0.1:1/",
    f"sqlite:///x.db?password={SECRET}", f"https://ada:{SECRET}@mail.com", f"password={SECRET}",
    f"token:={SECRET}", f"--api-key={SECRET}", f'{{"password": "{SECRET}"}}', f"Bearer {SECRET}",
    f"nonsense://ada:{SECRET}@nowhere",
)  # fmt: skip
HOSTILE = (
    "", " ", "-", "--", "--x", "-q", "=", ":=", "a=", "=a", "0", "-1", "1", "1.5", "inf", "-inf",
    "nan", "1e400", "9" * 19, "9" * 5000, "9223372036854775807", "9223372036854775808", "\u0661",
    "1_000", "null", "true", "[", "[" * 3000, "{}", '{"a": [1]}', "*", "**", "[!", "?", "%", "_",
    "[red]x[/red]", "[/]", ":smile:", "{0}", "%s", "\x1b[31m", "\x07", "a\nb", "a\r\nb", "\t",
    "\x80", "\x9b31m", "\u202e", "\u2066", "\u2028", "\ufeff", "e\u0301", "\U0001f600", "\udc80",
    "a\udcffb", "' OR 1=1 --", "'; DROP TABLE core_user; --", '"', "\\", "$(id)", "`id`", "~",
    ".", "..", "/proc/nothing", "/dev/null", "/dev/full", "/dev/zero", "/dev/stdin", "folder",
    "missing", "missing/x", "demo.db",
    "a" * 300, "a/" * 2500, "CON", "x" * 100_000, "2026-01-01", "50ms",
    *SECRETS,
)  # fmt: skip
LIKELY: dict[str | None, tuple[str, ...]] = {
    "USERNAME": USERNAMES,
    "NAME": USERNAMES,
    "ADDRESS": ("new@mail.com", "alice@mail.com", "x@y", "a@[127.0.0.1]", "ä@ö.de", "@", "a@b@c.d"),
    "NUMBER": ("1", "2", "10", "0", "-1", "1e3", "+1"),
    "ROWS": ("1", "2", "1000", "0", "-1"),
    "RUN": ("1", "2", "3", "last", "-1", "0", "99"),
    "FILE": (*FILES, "-", "picture.png", "demo.db", "folder", "out.txt", "missing/out.txt"),
    "PATH|URL": (
        "demo.db",
        "new.db",
        "missing/new.db",
        "noise",
        "sqlite://",
        "sqlite:///new.db",
        "sqlite:///demo.db?timeout=0",
        "sqlite:///demo.db?mode=ro",
        "file:demo.db?mode=ro&uri=true",
        "env:NOBODY",
        "env:HOME",
        "nowhere:engine",
        "odd_app:odd",
        "odd_app:nothing",
        "nonsense://",
        "sqlite:///demo.db?nonsense=1",
        "postgresql://127.0.0.1:1/x",
        "oracle://127.0.0.1:1/x",
        ":memory:",
    ),
    "FORMAT": ("html", "json", "mermaid", "otlp", "perfetto", "svg"),
    "NAMES": ("username", "username,email", "name", "run,command", "pk", ",", "username,,email"),
    "PATTERN": ("post_save", "post_*", "User", "create_profile", "alice", "*.create_*", "zoe"),
    "SIGNAL": ("post_save", "pre_save", "notification", "odd", "post_*", "core.notification"),
    "SENDER": ("User", "core.User", "Profile", "Product", "register", "nobody"),
    "RECEIVER": ("create_profile", "watch", "*", "show_*", "core.signals.create_profile"),
    "RECEIVER=TIME": ("create_profile=1ms", "*=0s", "watch=1us", "nobody=5d", "create_profile=-1s"),
    "MODEL": ("User", "core.Profile", "Product", "Tag", "Order", "Line", "Customer", "Nobody"),
    "PK": ("1", "2", "1,1", "new", "[1]", "alice", "-1"),
    "WHEN": ("2h", "0s", "2026-01-31", "2026-01-31T08:30+14:00", "0001-01-01", "9999-12-31"),
    "DURATION": ("0ms", "50ms", "1us", "1e3s", "99999999999w"),
    "LESSON": ("1", "2", "99"),
    "WORD": ("post_save", "create_profile", "receiver_failed", "receiver", "5", "core", "User"),
    "[TOPIC]": (*COMMANDS, "options", "exit-codes"),
    "DIRECTORY": ("folder", ".", "missing/folder", "demo.db"),
}
FIELDS = (
    "username", "email", "first_name", "password", "date_joined", "id", "user_id", "profile_pic",
    "sku", "price", "stock", "slug", "tags", "number", "name", "level", "born", "options", "what",
)  # fmt: skip
COLUMNS = (
    "username",
    "email",
    "first_name",
    "last_name",
    "profile_pic",
    "new_username",
    "password",
)
ON_OR_OFF = ("1", "0", "yes", "no")
VARIABLES = {
    "SIGNALCLI_DATABASE": LIKELY["PATH|URL"],
    "SIGNALCLI_JSON": ON_OR_OFF,
    "SIGNALCLI_QUIET": ON_OR_OFF,
    "SIGNALCLI_ALL": ON_OR_OFF,
    "SIGNALCLI_LOG": ON_OR_OFF,
    "SIGNALCLI_LOG_KEEP": LIKELY["NUMBER"],
    "SIGNALCLI_LOG_DATABASE": LIKELY["PATH|URL"],
    "SIGNALCLI_MIGRATE": ON_OR_OFF,
    "SIGNALCLI_INSTALLED_APPS": ("signalcli.core,odd_app", "odd_app", "signalcli.core,", "nobody"),
    "SIGNALCLI_TRACEBACK": ("1",),
    "COLUMNS": ("20", "60", "0", "1"),
    "FORCE_COLOR": ("1",),
    "NO_COLOR": ("1",),
    "TERM": ("dumb", "xterm"),
    "PYTHONIOENCODING": ("utf-8",),
    "TZ": ("Pacific/Kiritimati", "nowhere"),
    "LC_ALL": ("C", "POSIX", "de_DE.UTF-8"),
}

# No path from the root on: nothing is to be written there.
any_text = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), max_size=12)
no_characters = st.binary(max_size=4).map(lambda raw: os.fsdecode(raw.translate(None, b"\0/")))
hostile = st.sampled_from(HOSTILE) | any_text | no_characters


def often(draw: st.DrawFn, times: int, out_of: int) -> bool:
    """Whether something is to be, so many times out of so many."""
    return draw(st.integers(1, out_of)) <= times


@st.composite
def values(draw: st.DrawFn, metavar: str | None, likely: tuple[str, ...] = ()) -> str:
    """A value of an option or argument, by the word that the help has for it."""
    if metavar is not None and "=VALUE" in metavar and often(draw, 7, 8):
        name = draw(st.sampled_from(FIELDS) | hostile)
        text = draw(st.sampled_from(USERNAMES[:4]) | st.integers(-1, 9).map(str) | hostile)
        return f"{name}{draw(st.sampled_from(['=', '=', ':=']))}{text}"
    likely = likely or LIKELY.get(metavar, ())
    if likely and often(draw, 3, 4):
        return draw(st.sampled_from(likely))
    return draw(hostile)


def built(name: str) -> Any:
    """A command, with all its parameters."""
    group, found = type(program()), None
    for word in name.split():
        entry = _entries(group)[word]
        found = entry.build(word)
        group = entry.group
    return found


def _entries(group: type[LazyGroup]) -> dict[str, Entry]:
    return {name: entry for panel in group.panels for name, entry in panel.entries.items()}


PARAMETERS = {name: tuple(built(name).params) for name in COMMANDS}
BEFORE = tuple(program().params)
SHARED = {parameter.name for parameter in BEFORE}


class Asked(NamedTuple):
    """What is asked of the program.

    Attributes:
        command: the command's name.
        words: the command line.
        environment: variables.
        files: what is in the files of the folder.
        piped: standard input.
    """

    command: str
    words: tuple[str, ...]
    environment: dict[str, str]
    files: dict[str, bytes]
    piped: bytes


def _is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


def _given(draw: st.DrawFn, parameter: Any) -> Iterator[str]:
    """An option with its value, as it may be written."""
    name = draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts]))
    if parameter.is_flag:
        yield name
        return
    value = draw(values(parameter.metavar))
    if name.startswith("--") and draw(st.booleans()):
        yield f"{name}={value}"
    else:
        yield from (name, value)


@st.composite
def command_words(draw: st.DrawFn, command: str) -> tuple[str, ...]:
    """A command line of a command, most often whole."""
    before: list[str] = []
    words: list[str] = []
    for parameter in PARAMETERS[command]:
        if _is_argument(parameter):
            least = 1 if parameter.required or often(draw, 2, 3) else 0
            most = 3 if parameter.nargs == -1 else 1
            count = draw(st.integers(least, max(least, most))) if often(draw, 15, 16) else 0
            words += [draw(values(parameter.metavar)) for _ in range(count)]
        elif parameter.required and often(draw, 15, 16):
            words += _given(draw, parameter)
        elif parameter.name == "help":
            if often(draw, 1, 60):
                words.append("--help")
        else:
            share = 30 if parameter.name in SHARED else 4
            if often(draw, 1, share):
                words += _given(draw, parameter)
    for parameter in BEFORE:
        if often(draw, 1, 60):
            before += _given(draw, parameter)
    if command == "register" and "--from" not in words and often(draw, 3, 4):
        words += ["--email", draw(values("ADDRESS"))]
    if often(draw, 1, 12):
        # Torn, or with something that is not to be there.
        cut = draw(st.integers(0, len(words)))
        words = words[:cut] if draw(st.booleans()) else [*words[:cut], draw(hostile), *words[cut:]]
    return (*before, *command.split(), *words)


@st.composite
def rows(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A file of rows in each of the two formats, whole or not."""
    chosen = draw(st.lists(st.sampled_from(COLUMNS[1:]), max_size=3, unique=True))
    columns = ["username", *chosen] if often(draw, 9, 10) else chosen
    if often(draw, 1, 12):
        columns.append(draw(hostile))
    table, lines = [_csv(columns)], []
    for _ in range(draw(st.integers(0, 4))):
        row = [draw(_cell(name)) for name in columns]
        table.append(_csv(row))
        lines.append(draw(_line_of_json(columns, row)))
    mark = b"\xef\xbb\xbf" if often(draw, 1, 12) else b""
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    whole = mark + end.join(table).encode(errors="surrogateescape")
    return draw(torn(whole)), draw(torn("\n".join(lines).encode(errors="surrogateescape")))


@st.composite
def _cell(draw: st.DrawFn, name: str) -> str:
    if name == "password":
        return SECRET
    if often(draw, 1, 8):
        return draw(hostile)
    likely = {"email": "ADDRESS", "profile_pic": "FILE"}.get(name, "NAME")
    return draw(st.sampled_from(LIKELY[likely]))


def _csv(fields: list[str]) -> str:
    return ",".join(
        '"{}"'.format(each.replace('"', '""')) if set(each) & set(',"\r\n') else each
        for each in fields
    )


@st.composite
def _line_of_json(draw: st.DrawFn, columns: list[str], row: list[str]) -> str:
    odd = st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.integers())
    said = {
        name: draw(odd) if often(draw, 1, 12) else value
        for name, value in zip(columns, row, strict=True)
    }
    return json.dumps(said, ensure_ascii=draw(st.booleans()))


@st.composite
def torn(draw: st.DrawFn, whole: bytes) -> bytes:
    """The content of a file, as it is or not."""
    how = draw(st.integers(0, 12))
    if how == 0:
        return whole[: draw(st.integers(0, len(whole)))]
    if how == 1:
        place = draw(st.integers(0, len(whole)))
        return whole[:place] + draw(st.binary(max_size=6)) + whole[place:]
    return whole


@st.composite
def scripts(draw: st.DrawFn) -> bytes:
    """A file of commands, one a line."""
    lines = []
    for _ in range(draw(st.integers(0, 4))):
        command = draw(st.sampled_from([each for each in COMMANDS if each not in ENDLESS]))
        line = shlex.join(draw(command_words(command)))
        lines.append(draw(hostile) if often(draw, 1, 12) else line)
    return draw(torn("\n".join(lines).encode(errors="surrogateescape")))


@st.composite
def settings_files(draw: st.DrawFn) -> bytes:
    """A settings file."""
    lines = []
    for key, likely in {
        "database": ["'demo.db'", "''", "1", f"'postgresql://ada:{SECRET}@127.0.0.1:1/x'"],
        "json": ["true", "false", "1", "'yes'"],
        "quiet": ["true", "[]"],
        "log": ["false", "0"],
        "log-keep": ["1", "0", "-1", "1.5", "9" * 30, "inf"],
        "log-database": ["'log.db'", "'missing/log.db'", "''"],
        "installed-apps": ["['signalcli.core', 'odd_app']", "[]", "'core'", "[1]", "['nobody']"],
        "password": [f"'{SECRET}'"],
        '"\\u001b[31m"': ["1"],
    }.items():
        if often(draw, 1, 6):
            lines.append(f"{key} = {draw(st.sampled_from(likely))}")
    return draw(torn("\n".join(lines).encode()))


# Those that go on until they are ended, or that have commands of their own.
ENDLESS = ("batch", "log follow", "tour")


@st.composite
def asked(draw: st.DrawFn, command: str) -> Asked:
    """Something to ask of a command."""
    words = draw(command_words(command))
    if command == "tour":
        # A lesson takes seconds, and says itself what is to come out.
        words = (*words, "--list")
    if often(draw, 1, 3):
        words = ("--json", *words)
    environment = {
        name: draw(values(None, likely)) for name, likely in VARIABLES.items() if often(draw, 1, 40)
    }
    if often(draw, 1, 12):
        environment["SIGNALCLI_INSTALLED_APPS"] = "signalcli.core,shop,odd_app"
    table, lines = draw(rows())
    files = {
        "rows.csv": table,
        "rows.jsonl": lines,
        "rows.csv.gz": draw(torn(gzip.compress(table, mtime=0))),
        "noise": draw(st.binary(max_size=60)),
    }
    piped = draw(st.sampled_from([b"", table, lines, SECRET.encode(), b"secret\n", b"\xff\0\n"]))
    if command == "batch":
        # A word of a command line is no secret by itself, as one is below its column.
        files = {name: each.replace(SECRET.encode(), b"geheim") for name, each in files.items()}
        files["script.txt"] = draw(scripts())
        piped = draw(st.sampled_from([b"", files["rows.csv"], files["script.txt"]]))
    if often(draw, 1, 8):
        files["signalcli.toml"] = draw(settings_files())
    return Asked(command, words, environment, files, piped)
