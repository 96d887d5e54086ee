"""``signalcli why``: why a receiver did not run."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program, complete


def codes(program: Program, *arguments: str, **variables: str) -> list[str]:
    done = program("why", *arguments, "--json", env=variables or None)
    assert done.code == 0, done.out
    return [each["code"] for each in done.document["result"]["findings"]]


def app(folder: Path, **files: str) -> None:
    """An app called shop, of these modules."""
    package = folder / "shop"
    package.mkdir()
    for name, text in {"__init__": "", **files}.items():
        (package / f"{name}.py").write_text(textwrap.dedent(text))


RECEIVERS = """
from signalcli.db import post_save
from signalcli.dispatch import receiver

@receiver(post_save, sender="core.User")
def audit(**kwargs): ...
"""
BOTH = ("--app", "signalcli.core", "--app", "shop")


def test_it_says_what_a_run_did_and_what_is_connected(forked_filled: Program) -> None:
    assert forked_filled("update", "alice", "--first-name", "Al", "-q").code == 0
    done = forked_filled("why", "post_save", "--sender", "User", "--receiver", "create_profile")
    assert (done.code, done.err) == (0, "")
    first, advice, second, *_ = done.lines
    assert first.startswith("1. In run ")
    assert "(update) post_save of User was sent, and create_profile did receive it (" in first
    assert advice.strip().startswith("It got created=False")
    assert second.startswith("2. create_profile is connected to post_save of User")


def test_a_run_can_be_named(forked_filled: Program) -> None:
    document = forked_filled("why", "post_save", "--run", "1", "--json").document
    assert document["result"]["run"] == 1
    assert document["result"]["signal_path"] == "signalcli.db.signals.post_save"
    assert "received" in [each["code"] for each in document["result"]["findings"]]
    done = forked_filled("why", "post_save", "--run", "99")
    assert (done.code, done.error[:18]) == (3, "there is no run 99")


def test_the_last_run_is_looked_at_also_where_it_sent_nothing(forked_filled: Program) -> None:
    assert forked_filled("notify", "alice", "-q").code == 0
    found = codes(forked_filled, "post_save", "--sender", "User", "--receiver", "update_profile")
    assert found[0] == "not_sent"


def test_a_failed_run_says_who_was_not_called_and_that_nothing_stayed(forked: Program) -> None:
    forked("register", "xyz", "--email", "xyz@mail.com", "--fail", "create_profile", "-q")
    assert codes(forked, "post_save", "--receiver", "update_profile")[0] == "failed_before"
    assert codes(forked, "post_save", "--receiver", "create_profile")[:2] == [
        "rolled_back",
        "received",
    ]


def test_without_a_log_it_says_what_is_connected(forked: Program) -> None:
    assert codes(forked, "notification", "--receiver", "show_notification") == ["connected"]
    assert forked.files == set()


def test_another_sender_and_a_muted_signal(forked: Program) -> None:
    assert codes(forked, "post_save", "--sender", "Profile") == ["other_sender"] * 2
    assert codes(forked, "post_save", "--mute", "post_*")[0] == "muted"


class TestAReceiverOfAnotherSender:
    APPS = ("--app", "signalcli.core", "--app", "./b.py")

    @pytest.fixture
    def sent(self, forked: Program) -> Program:
        """A run that sent a signal for users, to an app that listens to profiles alone."""
        (forked.folder / "b.py").write_text(
            textwrap.dedent("""
            from signalcli.core.models import Profile
            from signalcli.core.signals import notification
            from signalcli.dispatch import receiver

            @receiver(notification, sender=Profile)
            def bye(**kwargs): ...
            """)
        )
        assert forked("register", "u2", "-e", "u2@mail.com", "-q", *self.APPS).code == 0
        return forked

    def test_what_was_sent_for_another_one_is_compared(self, sent: Program) -> None:
        done = sent("why", "notification", "--receiver", "bye", *self.APPS)
        assert done.lines == [
            "1. In run 1 (register) notification of User was sent (1: 13), and bye did not receive "
            "it: bye is connected for Profile alone.",
            "   Connect it for User as well, or without a sender.",
            "2. bye is connected to notification of Profile, and would receive it now.",
        ]
        found = codes(sent, "notification", "--receiver", "bye", *self.APPS)
        assert found == ["other_sender", "connected"]

    def test_the_sender_is_named_that_each_would_receive_it_from(self, sent: Program) -> None:
        document = sent("why", "notification", "--json", *self.APPS).document
        assert [
            each["message"]
            for each in document["result"]["findings"]
            if each["code"] == "connected"
        ] == [
            "show_notification is connected to notification, and would receive it now.",
            "bye is connected to notification of Profile, and would receive it now.",
        ]

    def test_a_question_that_names_the_sender_is_answered_once(self, sent: Program) -> None:
        question = ("notification", "--receiver", "bye", "--sender", "User")
        assert codes(sent, *question, *self.APPS) == ["other_sender"]


def test_files_that_are_no_apps_are_told_of_in_one_sentence_and_last(forked: Program) -> None:
    for name in ("b", "c", "d", "e", "f"):
        (forked.folder / f"{name}.py").write_text(RECEIVERS)
    forked("register", "xyz", "--email", "xyz@mail.com", "--fail", "create_profile", "-q")
    findings = forked("why", "post_save", "--json").document["result"]["findings"]
    assert findings[0]["code"] == "failed_before"
    assert "update_profile was not called, as create_profile failed" in findings[0]["message"]
    assert [each["code"] for each in findings].count("not_installed") == 1
    assert findings[-1]["code"] == "not_installed"
    assert findings[-1]["message"] == (
        "b.py:5, c.py:5, d.py:5 and 2 others connect receivers to post_save, but are not installed."
    )
    sought = forked("why", "post_save", "--receiver", "audit", "--json").document["result"]
    assert sought["findings"][0]["code"] == "not_installed"


def test_a_run_that_failed_before_it_sent_the_signal(forked: Program) -> None:
    forked("register", "xyz", "--email", "xyz@mail.com", "--fail", "create_profile", "-q")
    assert codes(forked, "notification", "--receiver", "show_notification") == [
        "run_failed",
        "connected",
    ]


def test_a_dead_receiver_is_named_with_the_place_where_it_was_connected(forked: Program) -> None:
    app(
        forked.folder,
        apps="""
        from signalcli.apps import AppConfig
        from signalcli.db import post_save

        class ShopConfig(AppConfig):
            name = "shop"

            def ready(self):
                def audit(**kwargs): ...

                post_save.connect(audit)
        """,
    )
    done = forked("why", "post_save", "--receiver", "audit", *BOTH)
    assert done.lines[0].startswith("1. audit is dead: it was connected at shop/apps.py:11, ")
    assert "weak=False" in done.lines[1]
    assert "apps.py:11: DeadReceiverWarning: the receiver shop.apps." in done.err


DEAD = """
from signalcli.core.signals import notification

def connect():
    def greet(**kwargs): ...

    notification.connect(greet)

connect()
"""


def test_the_name_of_a_dead_receiver_leads_to_the_question(forked: Program) -> None:
    (forked.folder / "a.py").write_text(DEAD)
    done = forked("why", "greet", "--app", "signalcli.core", "--app", "a.py")
    assert (done.code, done.out) == (3, "")
    assert "try `signalcli why notification --receiver greet`" in done.err


@pytest.mark.parametrize(
    ("body", "line", "advice"),
    [
        ("    @receiver(post_save)\n    def hello(**kwargs): ...\n", 6, "Define it at the top"),
        (
            "    def hello(**kwargs): ...\n\n    post_save.connect(hello, weak=False)\n",
            7,
            "Call setup(), or",
        ),
    ],
    ids=["decorated", "connected"],
)
def test_a_function_that_connects_and_was_not_called(
    forked: Program, body: str, line: int, advice: str
) -> None:
    head = "from signalcli.db import post_save\nfrom signalcli.dispatch import receiver\n\n"
    (forked.folder / "a.py").write_text(f"{head}def setup():\n{body}")
    done = forked(
        "why", "post_save", "--receiver", "hello", "--app", "signalcli.core", "--app", "a.py"
    )
    first, second = done.lines
    assert first.endswith(f"but setup(), which connects it at a.py:{line}, has not been called.")
    assert second.strip().startswith(advice)


def test_a_module_that_nobody_imports(forked: Program) -> None:
    app(forked.folder, receivers=RECEIVERS)
    done = forked("why", "post_save", "--receiver", "audit", *BOTH)
    assert done.lines == [
        "1. shop/receivers.py:5 connects a receiver to post_save, but nothing imports "
        "shop.receivers.",
        "   Import it in ready() of the AppConfig of shop.",
    ]


def test_an_app_that_is_not_installed(forked: Program) -> None:
    app(forked.folder, receivers=RECEIVERS)
    done = forked("why", "post_save", "--receiver", "audit")
    assert done.lines == [
        "1. shop/receivers.py:5 connects a receiver to post_save, but shop is not installed.",
        "   Install it, too: --app signalcli.core --app shop, or installed-apps in signalcli.toml.",
    ]


class TestAppsThatDoNotLoad:
    @pytest.fixture
    def broken(self, forked_filled: Program) -> Program:
        app(forked_filled.folder, models="import nosuch\n")
        (forked_filled.folder / "signalcli.toml").write_text(
            "installed-apps = ['signalcli.core', 'shop']\n"
        )
        return forked_filled

    def test_that_is_the_first_reason_and_runs_are_looked_at(self, broken: Program) -> None:
        done = broken("why", "post_save", "--receiver", "create_profile", "--run", "1", "--json")
        first, *others = done.document["result"]["findings"]
        assert (done.code, first["code"]) == (0, "not_loaded")
        assert "No module named 'nosuch' (shop/models.py:1)" in first["message"]
        assert [each["code"] for each in others] == ["received"]

    @pytest.mark.parametrize("command", ["why shipped", "explain shipped"])
    def test_what_may_be_of_an_app_is_not_said_to_be_unknown(
        self, broken: Program, command: str
    ) -> None:
        done = broken(*command.split(), "--quiet")
        assert (done.code, done.out) == (2, "")
        assert "No module named 'nosuch' (shop/models.py:1)" in done.error

    def test_what_needs_no_app_is_explained(self, broken: Program) -> None:
        done = broken("explain", "post_save")
        assert (done.code, done.warning.split(",")[0]) == (0, "the apps do not load")
        assert done.out.startswith("post_save")


def test_folders_that_are_no_code_of_the_project_are_not_read(forked: Program) -> None:
    for name in ("benchmarks", "node_modules", "venv"):
        (forked.folder / name).mkdir()
        (forked.folder / name / "__init__.py").write_text(RECEIVERS)
    (forked.folder / "venv" / "pyvenv.cfg").touch()
    assert "not_installed" not in codes(forked, "post_save", "--receiver", "nosuch")
    app(forked.folder, receivers=RECEIVERS)
    assert "not_installed" in codes(forked, "post_save")


def test_a_line_that_writes_without_signals(forked: Program) -> None:
    app(
        forked.folder,
        jobs="""
        from sqlmodel import update
        from signalcli.core.models import User

        def clean(session):
            session.exec(update(User).values(email="x"))
        """,
    )
    found = forked("why", "post_save", "--sender", "User", *BOTH).lines
    assert found[0] == (
        "1. shop/jobs.py:6 has an update() statement: what it writes sends no signals."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("post_sav",), "there is no signal 'post_sav'; did you mean post_save? "),
        (("create_profile",), "try `signalcli why post_save --receiver create_profile`"),
    ],
)
def test_an_unknown_signal_is_an_error(
    forked: Program, arguments: tuple[str, ...], message: str
) -> None:
    done = forked("why", *arguments)
    assert (done.code, done.out) == (3, "")
    assert message in done.error


def test_every_finding_of_a_document_has_a_message_and_a_code(forked_filled: Program) -> None:
    result: dict[str, Any] = forked_filled("why", "post_save", "--json").document["result"]
    assert set(result) == {"signal", "signal_path", "sender", "receiver", "run", "findings"}
    for finding in result["findings"]:
        assert set(finding) == {"code", "message", "advice"}
        assert finding["message"].endswith(".")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("signalcli why post_s", ["post_save"]),
        ("signalcli why post_save --sender Us", ["User"]),
        ("signalcli why post_save --receiver create_", ["create_profile"]),
    ],
)
def test_its_names_are_completed(forked: Program, line: str, offered: list[str]) -> None:
    done = complete(forked, line)
    assert (done.code, done.err, done.out.split()) == (0, "", offered)
