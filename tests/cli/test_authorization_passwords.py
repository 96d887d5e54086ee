"""How commands get passwords: typed unseen or piped, never as an argument, and never repeated."""

import subprocess

import pytest

from tests.cli.program import Forked, Program, Terminal, finished
from tests.processes import PATIENCE_SECONDS

FORMS = pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
REGISTER = ("register", "ada", "--email", "ada@mail.com")
NO_TERMINAL = "there is no terminal to ask for the password on"


def logs_in(program: Forked, username: str, password: str) -> bool:
    return program("login", username, "--password-stdin", "-q", piped=password).code == 0


class TestTyped:
    def test_a_password_is_asked_for_twice_unseen_and_set(self, forked: Forked) -> None:
        terminal = Terminal(forked, *REGISTER, "--password")
        for prompt in ("Password: ", "Password (again): "):
            terminal.wait_for(prompt)
            # What is typed while the prompt is still being prepared would be thrown away.
            assert terminal.process.waitnoecho()
            terminal.process.sendline("correct horse")
        assert terminal.finish() == 0
        assert "horse" not in terminal.sent
        assert "Password: \r\nPassword (again): \r\n" in terminal.sent
        assert logs_in(forked, "ada", "correct horse\n")

    @pytest.mark.parametrize(
        ("typed", "reason"),
        [
            (["first", "second"], "error: the passwords are not the same; nothing was written"),
            ([""], "error: the password is empty; give 1 to 4096 characters"),
        ],
        ids=["two different", "none"],
    )
    def test_what_cannot_be_one_registers_nobody(
        self, signalcli: Program, typed: list[str], reason: str
    ) -> None:
        terminal = Terminal(signalcli, *REGISTER, "--password")
        for prompt, text in zip(("Password: ", "Password (again): "), typed, strict=False):
            terminal.wait_for(prompt)
            assert terminal.process.waitnoecho()
            terminal.process.sendline(text)
        assert terminal.finish() == 2
        assert terminal.screen()[-1] == reason
        assert signalcli.files == set()

    @pytest.mark.parametrize(
        ("key", "code", "reason"),
        [
            ("c", 130, "error: interrupted; nothing was written"),
            ("d", 2, "error: the password is empty; give 1 to 4096 characters"),
        ],
    )
    def test_ctrl_c_and_ctrl_d_write_nothing(
        self, signalcli: Program, key: str, code: int, reason: str
    ) -> None:
        terminal = Terminal(signalcli, *REGISTER, "--password")
        terminal.wait_for("Password: ")
        assert terminal.process.waitnoecho()
        terminal.process.sendcontrol(key)
        assert terminal.finish() == code
        assert terminal.screen()[-1] == reason
        assert "Traceback" not in terminal.sent
        assert signalcli.files == set()

    def test_the_prompt_stays_out_of_the_document(self, filled: Program) -> None:
        answer = filled.folder / "answer.json"
        shell = Program(filled.folder, ("/bin/sh", "-c", 'exec "$0" "$@" > answer.json'))
        terminal = Terminal(shell, *filled.command, "login", "alice", "--json")
        terminal.wait_for("Password: ")
        assert terminal.process.waitnoecho()
        terminal.process.sendline("wrong")
        assert terminal.finish() == 2
        assert terminal.screen() == ["Password:"]
        assert '"code": "login_failed"' in answer.read_text(encoding="utf-8")

    def test_nobody_has_to_wait_while_it_is_typed(self, filled: Program) -> None:
        terminal = Terminal(filled, "passwd", "alice")
        terminal.wait_for("Password: ")
        assert filled("update", "bob", "--first-name", "Bob").code == 0
        assert terminal.process.waitnoecho()
        terminal.process.sendcontrol("c")
        assert terminal.finish() == 130

    @FORMS
    @pytest.mark.parametrize(
        "arguments",
        [(*REGISTER, "--password"), ("passwd", "alice"), ("login", "alice")],
        ids=lambda arguments: arguments[0],
    )
    def test_without_a_terminal_nothing_is_asked(
        self, forked_filled: Forked, arguments: tuple[str, ...], form: tuple[str, ...]
    ) -> None:
        before = forked_filled.rows()
        done = forked_filled(*arguments, *form, piped="secret\n")
        assert done.code == 2
        told = done.document["error"]["message"] if form else done.error
        assert told.startswith(NO_TERMINAL)
        assert "--password-stdin" in told
        assert "secret" not in done.out + done.err
        assert forked_filled.rows() == before


class TestPiped:
    @pytest.mark.parametrize(
        ("piped", "password"),
        [
            ("secret", "secret"),
            ("secret\r\nmore\n", "secret"),
            (" blank \t\n", " blank \t"),
            ("a\0b\n", "a\0b"),
            ("p" * 4096 + "\r\n", "p" * 4096),
            ("\U0001f600" * 4096 + "\n", "\U0001f600" * 4096),
        ],
        ids=["no end", "first line", "blanks", "nul", "long", "wide"],
    )
    def test_the_first_line_is_the_password_as_it_stands(
        self, forked: Forked, piped: str, password: str
    ) -> None:
        done = forked(*REGISTER, "--password-stdin", "-q", piped=piped)
        assert (done.code, done.out, done.err) == (0, "", "")
        assert logs_in(forked, "ada", password + "\n")
        assert not logs_in(forked, "ada", password[:-1] + "\n")

    @FORMS
    @pytest.mark.parametrize(
        ("piped", "reason"),
        [
            (b"", "is empty"),
            (b"\nsecret\n", "is empty"),
            (b"p" * 4097, "more than 4096 characters"),
            (b"\0" * 10**6, "more than 4096 characters"),
            (b"caf\xe9\n", "no UTF-8"),
        ],
        ids=["nothing", "empty line", "too long", "endless", "latin"],
    )
    def test_what_cannot_be_one_is_refused_without_being_repeated(
        self, forked: Forked, piped: bytes, reason: str, form: tuple[str, ...]
    ) -> None:
        done = forked(*REGISTER, "--password-stdin", *form, piped=piped)
        assert done.code == 2
        if form:
            assert done.document["error"]["code"] == "invalid_value"
            assert done.document["command"] == "register"
        told = done.document["error"]["message"] if form else done.error
        assert reason in told
        assert "ppp" not in told
        assert "caf" not in told
        assert forked.files == set()

    def test_a_line_that_never_ends_is_not_waited_for(self, signalcli: Program) -> None:
        process = signalcli.start("login", "ada", "--password-stdin", stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write("p" * 20_000)
        process.stdin.flush()
        # The pipe stays open.
        assert process.wait(timeout=PATIENCE_SECONDS) == 2
        assert "more than 4096" in finished(process).error

    def test_a_terminal_is_no_pipe(self, filled: Program) -> None:
        terminal = Terminal(filled, "login", "alice", "--password-stdin", columns=200)
        assert terminal.finish() == 2
        assert "--password-stdin reads what is piped" in terminal.screen()[-1]

    def test_a_closed_standard_input_is_an_empty_one(self, filled: Program) -> None:
        shell = Program(filled.folder, ("/bin/sh", "-c", '"$0" "$@" <&-'))
        done = shell(*filled.command, "login", "alice", "--password-stdin")
        assert (done.code, done.error) == (2, "the password is empty; give 1 to 4096 characters")


class TestCommandLine:
    @FORMS
    @pytest.mark.parametrize(
        "arguments",
        [
            (*REGISTER, "--password", "hunter2"),
            (*REGISTER, "--password=hunter2"),
            (*REGISTER, "hunter2", "--password-stdin"),
            (*REGISTER, "--password-stdin=hunter2"),
            ("passwd", "alice", "hunter2"),
            ("passwd", "alice", "--password", "hunter2"),
            ("passwd", "alice", "-p", "hunter2"),
            ("passwd", "alice", "-phunter2"),
            ("passwd", "alice", "--remove", "hunter2"),
            ("login", "alice", "hunter2"),
            ("login", "alice", "--pass=hunter2"),
            ("login", "alice", "--", "hunter2"),
        ],
        ids=" ".join,
    )
    def test_a_password_as_an_argument_is_refused_and_not_repeated(
        self, forked_filled: Forked, arguments: tuple[str, ...], form: tuple[str, ...]
    ) -> None:
        before = forked_filled.rows()
        done = forked_filled(*form, *arguments, piped="secret")
        assert done.code == 2
        if form:
            assert done.document["error"]["code"] == "usage"
        else:
            assert "See `signalcli" in done.error
        assert "hunter2" not in done.out + done.err
        assert forked_filled.rows() == before

    @pytest.mark.parametrize(
        "arguments",
        [
            (*REGISTER, "--password", "--password-stdin"),
            ("passwd", "alice", "--remove", "--password-stdin"),
        ],
        ids=lambda arguments: arguments[0],
    )
    def test_what_excludes_each_other_is_not_given_together(
        self, forked: Forked, arguments: tuple[str, ...]
    ) -> None:
        done = forked(*arguments, piped="secret")
        assert done.code == 2
        assert "not both" in done.error
        document = forked(*arguments, "--json", piped="secret").document
        assert (document["command"], document["error"]["code"]) == (None, "usage")
        assert forked.files == set()
