"""What is connected: the commands signals and receivers, in every form."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import signalcli as package
from tests import processes
from tests.cli.program import SIGNALCLI, Driver, Finished, Program, Terminal, complete

SIGNALS_FILE = str(Path(package.__file__).parent / "core" / "signals.py")
DB_SIGNALS = [
    *(
        f"signalcli.db.signals.{when}_{what}"
        for what in ("init", "save", "delete")
        for when in ("pre", "post")
    ),
    "signalcli.db.signals.m2m_changed",
    "signalcli.db.signals.class_prepared",
]
NOTIFICATION = "signalcli.core.signals.notification"
CORE_SIGNALS = [
    NOTIFICATION,
    *(
        f"signalcli.core.signals.user_{what}"
        for what in ("logged_in", "logged_out", "login_failed")
    ),
]
FORMS = pytest.mark.parametrize("form", ["--json", "--ndjson"])

# Every kind of receiver, connected in an order that is not the one in which they run.
ZOO = """
import functools, inspect

@receiver(notification, dispatch_uid="only once")
async def slow(**kwargs): ...

notification.connect(lambda **kwargs: None, weak=False, dispatch_uid=("a", 1))

class Office:
    def open(self, **kwargs): ...

    def __call__(self, **kwargs): ...

office = Office()
notification.connect(office.open, sender=User)
notification.connect(office)

def needy(extra, **kwargs): ...

prepared = functools.partial(needy, "more")
notification.connect(prepared)

def around(function):
    @functools.wraps(function)
    def inner(**kwargs):
        return function(**kwargs)
    return inner

@receiver(notification)
@around
def wrapped(**kwargs):
    return "wrapped"

@receiver(notification)
async def slower(**kwargs): ...
"""
SOURCELESS = """
import inspect
names = {"__name__": "__main__"}
exec("def typed(**kwargs): ...", names)
notification.connect(names["typed"])

class Compiled:
    __call__ = print
    __signature__ = inspect.signature(names["typed"])

compiled = Compiled()
notification.connect(compiled)
"""
NASTY = r"""
@receiver(
    notification,
    sender="[red]s[/]\x1b[2J\x9b31m",
    dispatch_uid="[bold]u[/]\x1b]0;owned\x07\nline\u2028line",
)
def nasty(**kwargs):
    return "[bold]b[/] :smile: ␛\x1b tab\t."

nasty.__qualname__ = "n\x1b[5m\n[blink]"
"""
SHOP = """
import sys
from pathlib import Path
for name, text in {
    "__init__": "",
    "signals": "from signalcli.dispatch import Signal\\npaid = Signal(['order'])\\nlost = Signal()",
    "apps": READY,
}.items():
    Path("shop").mkdir(exist_ok=True)
    Path("shop", name + ".py").write_text(text)
sys.path.insert(0, ".")
os.environ["SIGNALCLI_INSTALLED_APPS"] = "signalcli.core,shop"
"""
READY = """
from signalcli.apps import AppConfig
class ShopConfig(AppConfig):
    name = "shop"
    def ready(self):
        from shop import signals
        %s
"""


def with_shop(ready: str = "pass") -> str:
    """A driver that installs an app of two signals, with its own ``ready()``."""
    return SHOP.replace("READY", repr(READY % ready))


def rows(done: Finished) -> list[dict[str, Any]]:
    """The JSON objects of standard output, whichever form they have."""
    assert (done.code, done.err) == (0, "")
    documents = [json.loads(line) for line in done.lines]
    if documents and "result" in documents[0]:
        assert set(done.document) >= {"ok", "command", "run", "result", "dispatches", "error"}
        assert (done.document["ok"], done.document["dispatches"]) == (True, [])
        result: list[dict[str, Any]] = done.document["result"]
        return result
    return documents


def line_of(text: str) -> int:
    """The number of the first line of the demo app's receivers that has a text."""
    lines = Path(SIGNALS_FILE).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def known(paths: Iterable[str]) -> list[str]:
    """Those of the model signals and of the demo app, in their order."""
    return [path for path in paths if path in {*DB_SIGNALS, *CORE_SIGNALS}]


def words(lines: list[str]) -> list[list[str]]:
    return [line.split() for line in lines]


class TestSignals:
    def test_the_table_shows_every_signal_its_receivers_and_its_arguments(
        self, signalcli: Program
    ) -> None:
        done = signalcli("signals")
        assert (done.code, done.err) == (0, "")
        table = words(done.lines)
        assert table[0] == ["Signal", "Receivers", "Arguments"]
        told = {row[0]: row[1:] for row in table[2:]}
        assert known(told) == [*DB_SIGNALS, *CORE_SIGNALS]
        assert told["signalcli.db.signals.pre_init"] == ["0", "args,", "kwargs"]
        assert told["signalcli.db.signals.post_save"][:2] == ["2", "instance,"]
        assert told["signalcli.db.signals.class_prepared"] == ["0", "none"]
        assert told[NOTIFICATION] == ["1", "email,", "username"]
        assert signalcli.files == set()

    @FORMS
    def test_for_programs_each_signal_is_an_object(self, forked: Program, form: str) -> None:
        found = rows(forked("signals", "notif*", form))
        assert found == [
            {
                "signal": "notification",
                "signal_path": NOTIFICATION,
                "place": f"{SIGNALS_FILE}:{line_of('notification = Signal')}",
                "arguments": ["email", "username"],
                "receivers": 1,
            }
        ]

    @FORMS
    def test_those_of_an_installed_app_are_listed_too(self, driver: Driver, form: str) -> None:
        found = rows(driver(with_shop())("signals", form))
        paths = [entry["signal_path"] for entry in found]
        assert known(paths) == [*DB_SIGNALS, *CORE_SIGNALS]
        assert [path for path in paths if path.startswith("shop.")] == [
            "shop.signals.paid",
            "shop.signals.lost",
        ]
        arguments = {entry["signal"]: entry["arguments"] for entry in found}
        assert (arguments["paid"], arguments["lost"]) == (["order"], None)

    def test_unused_ones_are_those_without_receivers(self, forked: Program) -> None:
        found = rows(forked("signals", "--unused", "--json"))
        used = {
            "signalcli.db.signals.post_save",
            "signalcli.db.signals.post_delete",
            NOTIFICATION,
            "signalcli.core.signals.user_logged_in",
        }
        assert known(entry["signal_path"] for entry in found) == [
            path for path in (*DB_SIGNALS, *CORE_SIGNALS) if path not in used
        ]
        assert used.isdisjoint(entry["signal_path"] for entry in found)
        done = forked("signals", "--unused", "post_*")
        assert known(row[0] for row in words(done.lines)) == ["signalcli.db.signals.post_init"]

    def test_that_none_is_unused_is_no_failure(self, forked: Program) -> None:
        done = forked("signals", "--unused", "notification")
        assert (done.code, done.out, done.err) == (0, "No unused signals\n", "")
        assert rows(forked("signals", "--unused", "notification", "--json")) == []
        assert rows(forked("signals", "--unused", "notification", "--ndjson")) == []


class TestReceivers:
    def test_the_table_shows_each_connection(self, signalcli: Program) -> None:
        done = signalcli("receivers")
        assert (done.code, done.err) == (0, "")
        table = words(done.lines)
        assert table[0] == ["Signal", "Sender", "Receiver", "Kind", "Place"]
        assert [row[:-1] for row in table[2:]] == [
            ["post_save", "User", "create_profile", "weak", "sync"],
            ["post_save", "User", "update_profile", "weak", "sync"],
            ["post_delete", "Profile", "remove_picture", "weak", "sync"],
            ["notification", "any", "show_notification", "weak", "sync"],
            ["user_logged_in", "any", "update_last_login", "weak", "sync"],
        ]
        assert [row[-1].rpartition(":")[0] for row in table[2:]] == [
            "signalcli/core/signals.py"
        ] * 5
        assert signalcli.files == set()

    @FORMS
    def test_for_programs_each_connection_is_an_object(self, forked: Program, form: str) -> None:
        found = rows(forked("receivers", "post_save", "--receiver", "create_*", form))
        assert found == [
            {
                "signal": "post_save",
                "signal_path": "signalcli.db.signals.post_save",
                "sender": "User",
                "sender_exists": True,
                "receiver": "signalcli.core.signals.create_profile",
                "place": f"{SIGNALS_FILE}:{line_of('def create_profile') - 1}",
                "weak": True,
                "async": False,
                "dispatch_uid": None,
            }
        ]

    def test_a_sender_that_is_not_there_is_marked(self, driver: Driver) -> None:
        program = driver(
            with_shop(
                "from signalcli.db import pre_save, post_delete;"
                "receive = lambda **kwargs: None;"
                "pre_save.connect(receive, sender='shop.Order', weak=False);"
                "pre_save.connect(receive, sender='core.profile', weak=False);"
                "post_delete.connect(receive, sender='[b]\x1b[2J.[/]\x07', weak=False)"
            )
        )
        (there, missing) = rows(program("receivers", "pre_save", "--json"))
        assert (there["sender"], there["sender_exists"]) == ("Profile", True)
        assert (missing["sender"], missing["sender_exists"]) == ("shop.Order", False)
        table = words(program("receivers", "pre_save", "--sender", "Order").lines)
        assert table[2][:4] == ["pre_save", "shop.Order", "(not", "there)"]
        (nasty,) = [line for line in program("receivers", "post_delete").lines if "there" in line]
        assert r"[b]\x1b[2J.[/]\x07 (not there)" in nasty

    def test_every_kind_of_receiver_is_told(self, driver: Driver) -> None:
        found = rows(driver(ZOO)("receivers", "notification", "--ndjson"))
        told = [
            (
                entry["receiver"].removeprefix("__main__."),
                entry["sender"],
                "weak" if entry["weak"] else "strong",
                "async" if entry["async"] else "sync",
                entry["dispatch_uid"],
            )
            for entry in found
        ]
        assert told == [
            ("signalcli.core.signals.show_notification", None, "weak", "sync", None),
            ("<lambda>", None, "strong", "sync", "('a', 1)"),
            ("Office.open", "User", "weak", "sync", None),
            ("Office", None, "weak", "sync", None),
            ("needy", None, "weak", "sync", None),
            ("wrapped", None, "weak", "sync", None),
            ("slow", None, "weak", "async", "only once"),
            ("slower", None, "weak", "async", None),
        ]

    def test_the_order_is_the_one_in_which_they_run(self, driver: Driver) -> None:
        program = driver(ZOO)
        listed = [entry["receiver"] for entry in rows(program("receivers", NOTIFICATION, "--json"))]
        (dispatch,) = program("notify", "alice", "--json").work
        assert [response["receiver"] for response in dispatch["responses"]] == listed

    def test_a_file_of_the_same_name_that_does_not_run_is_not_shown(self, forked: Program) -> None:
        checkout = forked.folder / "signalcli" / "core"
        checkout.mkdir(parents=True)
        (checkout / "signals.py").write_text("raise AssertionError")
        for arguments in ((), ("--source",)):
            done = forked("receivers", "notification", *arguments)
            assert done.code == 0
            assert f"  {SIGNALS_FILE}:{line_of('def show_notification') - 1}\n" in done.out

    def test_the_place_is_the_one_that_a_trace_tells(self, driver: Driver) -> None:
        program = driver(ZOO)
        listed = [entry["place"] for entry in rows(program("receivers", NOTIFICATION, "--json"))]
        (dispatch,) = program("notify", "alice", "--json").work
        assert [response["place"] for response in dispatch["responses"]] == listed

    def test_a_dispatch_uid_has_its_column_where_there_is_one(self, driver: Driver) -> None:
        done = driver(ZOO)("receivers", "notification")
        assert words(done.lines)[0] == ["Signal", "Sender", "Receiver", "Kind", "Uid", "Place"]
        (row,) = [line for line in done.lines if "<lambda>" in line]
        assert "strong sync  ('a', 1)" in row
        assert re.search(r"driver\.py:\d+$", row)

    def test_a_dispatch_uid_that_is_the_receivers_name_needs_none(self, forked: Program) -> None:
        done = forked("receivers", "user_logged_in")
        assert "Uid" not in done.lines[0]
        (row,) = rows(forked("receivers", "user_logged_in", "--json"))
        assert row["dispatch_uid"] == "update_last_login"

    @pytest.mark.parametrize(
        ("arguments", "found"),
        [
            (("post_save",), ["create_profile", "update_profile"]),
            (("*.core.*",), ["show_notification", "update_last_login"]),
            (("--sender", "User"), ["create_profile", "update_profile"]),
            (("--sender", "signalcli.core.models.User"), ["create_profile", "update_profile"]),
            (("--receiver", "*_profile"), ["create_profile", "update_profile"]),
            (("--receiver", "signalcli.core.*.show_*"), ["show_notification"]),
            (("post_*", "--sender", "U*", "--receiver", "update*"), ["update_profile"]),
        ],
    )
    def test_globs_choose(
        self, forked: Program, arguments: tuple[str, ...], found: list[str]
    ) -> None:
        names = [entry["receiver"] for entry in rows(forked("receivers", *arguments, "--json"))]
        assert [name.rpartition(".")[2] for name in names] == found

    def test_a_signal_that_nobody_receives_is_no_failure(self, forked: Program) -> None:
        done = forked("receivers", "pre_save")
        assert (done.code, done.out, done.err) == (0, "No receivers\n", "")
        assert rows(forked("receivers", "pre_save", "--json")) == []
        done = forked("receivers", "pre_save", "--ndjson")
        assert (done.code, done.out, done.err) == (0, "", "")


class TestSource:
    def test_the_code_follows_the_table_with_the_numbers_of_its_lines(
        self, forked: Program
    ) -> None:
        done = forked("receivers", "post_save", "--source")
        assert (done.code, done.err) == (0, "")
        lines = done.lines
        first = line_of("def create_profile") - 1
        place = f"signalcli/core/signals.py:{first}"
        begin = lines.index(f"signalcli.core.signals.create_profile  {place}")
        code = Path(SIGNALS_FILE).read_text(encoding="utf-8").splitlines()
        last = code.index("", first)
        after = begin + 1 + last - first + 1
        assert lines[begin + 1 : after] == [
            f"{number}  {code[number - 1]}" for number in range(first, last + 1)
        ]
        assert lines[begin - 1] == lines[after] == ""
        assert "\x1b" not in done.out
        assert lines[:5] == [*forked("receivers", "post_save").lines, ""]

    @FORMS
    def test_for_programs_it_is_the_text_of_the_file(self, driver: Driver, form: str) -> None:
        program = driver(ZOO)
        found = rows(program("receivers", "notification", "--source", form))
        text = (program.folder / "driver.py").read_text(encoding="utf-8")
        sources = {entry["receiver"]: entry["source"] for entry in found}
        assert sources["__main__.wrapped"] == (
            '@receiver(notification)\n@around\ndef wrapped(**kwargs):\n    return "wrapped"\n'
        )
        assert sources["__main__.Office.open"] == "    def open(self, **kwargs): ...\n"
        assert sources["__main__.Office"] == "    def __call__(self, **kwargs): ...\n"
        assert sources["__main__.needy"] == "def needy(extra, **kwargs): ...\n"
        assert sources["__main__.<lambda>"].startswith("notification.connect(lambda **kwargs:")
        for entry in found[1:]:
            line = int(entry["place"].rpartition(":")[2])
            assert entry["source"].splitlines()[0] == text.splitlines()[line - 1]
        assert "source" not in rows(program("receivers", "notification", form))[0]

    def test_a_receiver_of_two_signals_is_shown_once(self, driver: Driver) -> None:
        program = driver("@receiver([pre_save, notification])\ndef both(**kwargs): ...\n")
        done = program("receivers", "--receiver", "both", "--source")
        assert sum(line.startswith("__main__.both") for line in done.lines) == 1
        assert sum("def both" in line for line in done.lines) == 1

    def test_a_receiver_without_source_says_so(self, driver: Driver) -> None:
        program = driver(SOURCELESS)
        done = program("receivers", "--receiver", "__main__.*", "--source")
        assert (done.code, done.err) == (0, "")
        reason = "no source: it was typed in, or is built in or compiled"
        assert done.lines[-5:] == [
            "__main__.typed  <string>:1",
            reason,
            "",
            "__main__.Compiled  unknown",
            reason,
        ]
        found = rows(program("receivers", "--receiver", "__main__.*", "--source", "--json"))
        assert [(entry["place"], entry["source"]) for entry in found] == [
            ("<string>:1", None),
            (None, None),
        ]


class TestSomethingElse:
    @pytest.mark.parametrize("command", ["signals", "receivers", "send"])
    def test_a_receiver_is_no_signal(self, forked: Program, command: str) -> None:
        done = forked(command, "create_profile")
        assert (done.code, done.out) == (3, "")
        assert done.error == (
            "'create_profile' is no signal but a receiver, of post_save from User; "
            "`signalcli receivers --receiver create_profile` lists it"
        )

    def test_the_command_that_is_named_lists_it(self, forked: Program) -> None:
        done = forked("receivers", "*_profile")
        command = done.error.split("`")[1].removeprefix("signalcli ")
        listed = forked(*shlex.split(command), "--json").document["result"]
        assert {entry["receiver"].rpartition(".")[2] for entry in listed} == {
            "create_profile",
            "update_profile",
        }

    def test_a_model_is_no_signal(self, forked: Program) -> None:
        done = forked("receivers", "User")
        assert (done.code, done.out) == (3, "")
        assert "is no signal but a model; `signalcli receivers --sender User`" in done.error
        assert forked("receivers", "--sender", "User").code == 0


class TestNothingFound:
    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (("signals", "nope"), "there is no signal that matches 'nope'"),
            (("signals", "nope", "--unused"), "there is no signal that matches 'nope'"),
            (("signals", "post_sav"), "'post_sav'; did you mean post_save? `signalcli signals`"),
            (
                ("signals", "--fail", "create_profil"),
                "'create_profil'; did you mean create_profile? `signalcli receivers`",
            ),
            (("signals", "--mute", "notifcation"), "'notifcation'; did you mean notification?"),
            (("receivers", "nope*"), "there is no signal that matches 'nope*'"),
            (("receivers", "--sender", "Nobody"), "the sender 'Nobody'"),
            (("receivers", "--receiver", "[x]"), "the receiver '[x]'"),
            (
                ("receivers", "notification", "--sender", "User"),
                "the signal 'notification' and the sender 'User'",
            ),
            (("signals", "\x1b[2J\n[bold]"), r"'\x1b[2J\n[bold]'"),
            (("signals", "\udcff"), r"'\udcff'"),
        ],
    )
    def test_it_is_one_line_or_a_document(
        self, forked: Program, arguments: tuple[str, ...], named: str
    ) -> None:
        for more in ((), ("--ndjson",), ("--quiet",)):
            done = forked(*arguments, *more)
            assert (done.code, done.out) == (3, "")
            assert named in done.error
            assert "shows what there is" in done.error
        done = forked(*arguments, "--json")
        assert (done.code, done.err) == (3, "")
        assert done.document["ok"] is False
        assert done.document["command"] == arguments[0]
        assert done.document["result"] is None
        assert done.document["error"]["code"] == "not_found"
        assert named in done.document["error"]["message"]
        assert forked.files == set()


class TestForms:
    def test_ndjson_wins_over_a_document_that_the_environment_asks_for(
        self, forked: Program
    ) -> None:
        done = forked("signals", "--ndjson", env={"SIGNALCLI_JSON": "1"})
        assert known(row["signal_path"] for row in rows(done)) == [*DB_SIGNALS, *CORE_SIGNALS]
        assert forked("signals", "--ndjson", "--json") == done

    @pytest.mark.parametrize("command", ["signals", "receivers"])
    def test_quiet_prints_nothing(self, forked: Program, command: str) -> None:
        done = forked(command, "--quiet")
        assert (done.code, done.out, done.err) == (0, "", "")

    def test_the_database_is_left_alone_even_where_it_cannot_be_used(self, forked: Program) -> None:
        forked.database.write_text("Nothing of a database.\n" * 100)
        for command in ("signals", "receivers"):
            assert forked(command, "-d", "missing/nothing.db").code == 0
            assert forked(command).code == 0

    @FORMS
    def test_what_an_app_prints_when_it_is_made_ready_is_not_taken_for_the_answer(
        self, driver: Driver, form: str
    ) -> None:
        done = driver(with_shop("print('ready!')"))("signals", "paid", form)
        assert (done.code, done.err) == (0, "ready!\n")
        assert json.loads(done.out)

    def test_nothing_is_cut_or_wrapped_when_piped(self, driver: Driver) -> None:
        name = "long_" * 60
        program = driver(
            f"@receiver(notification, dispatch_uid={'uid_' + name!r})\n"
            f"def {name}(**kwargs):\n    return {'w ' * 200!r}\n"
        )
        done = program("receivers", "--receiver", "long_*", "--source")
        (row,) = [line for line in done.lines if line.startswith("notification")]
        assert (row.split()[2], row.split()[5]) == (name, f"uid_{name}")
        assert any("w " * 200 in line for line in done.lines)
        assert [line for line in done.lines if line != line.rstrip()] == []


class TestText:
    def test_names_and_code_never_reach_the_terminal_raw(self, driver: Driver) -> None:
        done = driver(NASTY)("receivers", "notification", "--source")
        assert (done.code, done.err) == (0, "")
        assert not set(done.out) & {"\x1b", "\x07", "\x9b", "\u2028"}
        (row,) = [line for line in done.lines if line.startswith("notification  [red]")]
        assert r"[red]s[/]\x1b[2J\x9b31m" in row
        assert r"n\x1b[5m\n[blink]" in row
        assert r"[bold]u[/]\x1b]0;owned\x07\nline\u2028line" in row
        assert any(r'return "[bold]b[/] :smile: ␛\x1b tab\t."' in line for line in done.lines)

    def test_for_programs_they_are_as_they_are_and_each_object_is_one_line(
        self, driver: Driver
    ) -> None:
        program = driver(NASTY)
        nasty = rows(program("receivers", "notification", "--ndjson"))[1]
        assert nasty["sender"] == "[red]s[/]\x1b[2J\x9b31m"
        assert nasty["receiver"] == "__main__.n\x1b[5m\n[blink]"
        assert nasty["dispatch_uid"] == "[bold]u[/]\x1b]0;owned\x07\nline\u2028line"
        document = json.loads(program("receivers", "notification", "--json").out)
        assert document["result"][1] == nasty

    @pytest.mark.parametrize("form", [(), ("--json",), ("--ndjson",)])
    def test_an_ascii_only_output_does_not_crash(
        self, driver: Driver, form: tuple[str, ...]
    ) -> None:
        program = driver("@receiver(notification)\ndef zoë(**kwargs): ...\n")
        ascii_only = Program(program.folder, program.command)
        done = ascii_only(
            "receivers", "notification", "--source", *form, env={"PYTHONIOENCODING": "ascii"}
        )
        assert (done.code, done.err) == (0, "")
        assert done.out.isascii()
        assert r"zo\xeb" in done.out or r"zo\u00eb" in done.out


class TestTerminal:
    def test_every_line_fits_80_columns_and_nothing_is_cut(self, driver: Driver) -> None:
        terminal = Terminal(driver(ZOO), "receivers", "--source")
        assert terminal.finish() == 0
        lines = terminal.lines_as_sent()
        assert max(map(len, lines)) <= 80
        text = "\n".join(lines)
        assert "…" not in text
        for word in ("create_profile", "strong sync", "weak async", "Office", "<lambda>"):
            assert word in text

    def test_the_usual_tables_need_no_folding(self, signalcli: Program) -> None:
        for signals in ("post_*", "notification"):
            terminal = Terminal(signalcli, "receivers", signals)
            assert terminal.finish() == 0
            assert terminal.screen() == signalcli("receivers", signals).lines

    def test_a_name_is_not_folded_while_others_can_give_way(self, driver: Driver) -> None:
        terminal = Terminal(driver(ZOO), "receivers")
        assert terminal.finish() == 0
        assert any("show_notification" in line for line in terminal.screen(all_rows=True))
        terminal = Terminal(driver(ZOO), "signals")
        assert terminal.finish() == 0
        assert any(NOTIFICATION in line for line in terminal.screen(all_rows=True))

    @pytest.mark.parametrize("command", ["signals", "receivers"])
    @pytest.mark.parametrize("columns", [12, 30, 50])
    def test_a_narrow_terminal_is_not_overrun(
        self, driver: Driver, command: str, columns: int
    ) -> None:
        terminal = Terminal(driver(ZOO), command, columns=columns)
        assert terminal.finish() == 0
        assert max(map(len, terminal.lines_as_sent())) <= columns

    def test_long_arguments_are_folded_between_words(self, signalcli: Program) -> None:
        terminal = Terminal(signalcli, "signals")
        assert terminal.finish() == 0
        lines = terminal.lines_as_sent()
        assert max(map(len, lines)) <= 80
        begin = next(number for number, line in enumerate(lines) if "post_save" in line)
        end = next(number for number, line in enumerate(lines) if "pre_delete" in line)
        assert [line.split()[-1] for line in lines[begin:end]] == [
            "raw,",
            "update_fields,",
            "session",
        ]
        assert " ".join(" ".join(lines[begin:end]).split()[2:]) == (
            "instance, created, raw, using, update_fields, session"
        )
        assert "\x1b[2msignalcli.db.signals.pre_save" in terminal.sent

    def test_code_is_coloured(self, signalcli: Program) -> None:
        terminal = Terminal(signalcli, "receivers", "notification", "--source")
        assert terminal.finish() == 0
        assert re.search(r"\x1b\[94[;\d]*mdef", terminal.sent)
        lines = terminal.screen(all_rows=True)
        assert f"{line_of('@receiver(notification)')}  @receiver(notification)" in lines
        assert f'{line_of("Notified")}      print("Notified")' in lines

    @pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
    def test_code_is_plain_where_no_colours_are_wanted(
        self, signalcli: Program, variable: dict[str, str]
    ) -> None:
        terminal = Terminal(signalcli, "receivers", "notification", "--source", env=variable)
        assert terminal.finish() == 0
        printed = f'{line_of("Notified")}      print("Notified")'
        assert printed in terminal.screen(all_rows=True)
        assert not any(f"\x1b[{number}m" in terminal.sent for number in range(30, 98))
        sent = terminal.sent.replace("\x1b[2m", "").replace("\x1b[0m", "")
        assert f"{line_of('@receiver(notification)')}  @receiver" in sent


class TestProblems:
    @pytest.mark.parametrize("command", ["signals", "receivers"])
    def test_an_app_that_cannot_be_made_ready_is_named(self, driver: Driver, command: str) -> None:
        program = driver(with_shop("raise LookupError('closed today')"))
        done = program(command)
        assert (done.code, done.out) == (2, "")
        assert "'shop'" in done.error
        assert "closed today" in done.error
        document = program(command, "--json").document
        assert (document["command"], document["error"]["code"]) == (command, "app")

    def test_an_internal_fault_is_one_line_or_a_document(self, driver: Driver) -> None:
        program = driver(
            with_shop(
                "signals.paid.__class__ = "
                "type('Nameless', (signals.Signal,), {'name': property(lambda self: 1 / 0)})"
            )
        )
        done = program("receivers")
        assert (done.code, done.out) == (70, "")
        assert "ZeroDivisionError" in done.error
        assert "report" in done.error
        document = program("receivers", "--json").document
        assert (document["command"], document["error"]["code"]) == ("receivers", "internal")

    @FORMS
    def test_ctrl_c_is_one_line_or_a_document(self, driver: Driver, form: str) -> None:
        interrupting = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
        done = driver(with_shop(interrupting))("signals", form)
        assert done.code == 130
        assert "Traceback" not in done.err
        if form == "--json":
            assert done.document["error"]["code"] == "interrupted"
        else:
            assert (done.out, done.error) == ("", "interrupted; nothing was written")


def shell(program: Program, line: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell script, in which `$signalcli` is the program."""
    return processes.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        env=program.environment(signalcli=str(SIGNALCLI)),
        cwd=program.folder,
    )


class TestPipes:
    @pytest.mark.parametrize("form", ["", "--json", "--ndjson", "--source"])
    def test_who_reads_only_the_beginning_causes_no_failure(
        self, signalcli: Program, form: str
    ) -> None:
        done = shell(signalcli, f"$signalcli receivers {form} | head -c 9 | wc -c")
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "9", "")

    def test_nobody_reads_at_all(self, signalcli: Program) -> None:
        done = shell(signalcli, "$signalcli signals --ndjson | true")
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("form", ["", "--json", "--ndjson"])
    def test_a_full_disk_is_said_so(self, signalcli: Program, form: str) -> None:
        done = shell(signalcli, f"$signalcli signals {form} > /dev/full")
        assert done.returncode == 74
        assert done.stderr.splitlines() == [
            "error: the answer cannot be printed: No space left on device; nothing was written"
        ]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("signalcli sig", ["signals"]),
        ("signalcli rec", ["receivers"]),
        ("signalcli receivers po", ["post_init", "post_save", "post_delete", "post_migrate"]),
        ("signalcli signals no", ["notification"]),
        ("signalcli signals x", []),
        ("signalcli receivers --se", ["--sender"]),
    ],
)
def test_commands_and_signals_are_completed(forked: Program, line: str, offered: list[str]) -> None:
    done = complete(forked, line)
    assert (done.code, done.out.split(), done.err) == (0, offered, "")


def test_completion_prints_no_errors_where_an_app_is_broken(driver: Driver) -> None:
    done = complete(driver(with_shop("raise LookupError")), "signalcli signals ")
    assert (done.code, done.out.split(), done.err) == (0, [], "")


@pytest.mark.parametrize("command", ["signals", "receivers"])
def test_the_help_shows_an_example(forked: Program, command: str) -> None:
    done = forked(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Example: signalcli {command}" in done.out


def test_importing_the_commands_loads_neither_a_database_nor_rich_nor_the_apps() -> None:
    code = "import sys, signalcli.cli.apps; print(*sys.modules)"
    run = processes.run([sys.executable, "-c", code], check=True)
    loaded = set(run.stdout.split())
    assert not loaded & {"sqlmodel", "sqlalchemy", "rich.table", "rich.syntax", "signalcli.apps"}
