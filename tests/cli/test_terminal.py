"""The program in a terminal: the table fits, and is seen to grow."""

import json

from tests.cli.program import Driver, Program, Terminal

SLOW = """
@receiver(notification)
def slow(**kwargs):
    print("dozing off")
    while not os.path.exists("seen"):
        time.sleep(0.01)
    return "rested"
"""
# More rows than a terminal of 24 lines can show.
LONG = """
inner = Signal()

@receiver(notification)
def many(**kwargs):
    for number in range(40):
        print(f"line {number}")
    while not os.path.exists("seen"):
        time.sleep(0.01)
    return "done with it"
"""
WORDS = (
    "pre_init",
    "post_init",
    "pre_save",
    "post_save",
    "create_profile",
    "Profile Created !",
    "update_profile",
    "notification",
    "show_notification",
    "Notified",
)


def test_every_line_fits_80_columns_and_no_name_is_cut(filled: Program) -> None:
    terminal = Terminal(
        filled, "register", "maximiliane.musterfrau", "-e", "maximiliane.musterfrau@example.com"
    )
    assert terminal.finish() == 0
    # On a much wider screen a line that is longer than 80 columns would be seen to be.
    lines = terminal.lines_as_sent()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for word in WORDS:
        assert word in text
    assert "…" not in text
    assert lines[-1].startswith("Registered maximiliane.musterfrau in demo.db. Sent notification")


def test_a_wide_terminal_is_used_without_wrapping(filled: Program) -> None:
    email = "maximiliane.musterfrau.of.the.long.names@mail.example.com"
    terminal = Terminal(filled, "register", "max", "-e", email, columns=160)
    assert terminal.finish() == 0
    assert any(f"Hello max <{email}>" in line for line in terminal.screen())


def test_a_dispatch_that_nobody_received_is_dim_and_says_so(filled: Program) -> None:
    terminal = Terminal(filled, "delete", "alice")
    assert terminal.finish() == 0
    assert "\x1b[2munheard: " in terminal.sent
    assert "pre_delete" in terminal.sent
    whole = Terminal(filled, "delete", "bob", "--all")
    assert whole.finish() == 0
    assert "\x1b[2mpre_delete" in whole.sent
    rows = [line for line in whole.screen(all_rows=True) if "pre_delete" in line]
    assert [row.split()[1:] for row in rows] == [
        ["pre_delete", "from", sender, "unheard"] for sender in ("Profile", "User")
    ]


def test_a_sleeping_receiver_is_seen_running_before_it_is_done(driver: Driver) -> None:
    program = driver(SLOW)
    terminal = Terminal(program, "notify", "alice")
    terminal.wait_for("running")
    terminal.wait_for("dozing off")
    while_running = terminal.screen()
    assert "rested" not in terminal.sent
    assert any("slow" in line for line in while_running)
    assert any("dozing off" in line for line in while_running)
    assert any("├─▶ show_notification" in line for line in while_running)
    assert any("└─▶ slow  … running" in line for line in while_running)
    (program.folder / "seen").touch()
    assert terminal.finish() == 0
    lines = terminal.screen()
    assert not any("running" in line for line in lines)
    assert sum("rested" in line for line in lines) == 1
    assert sum("notify alice: signal n" in line for line in lines) == 1
    assert lines[-1] == "Sent notification for alice in demo.db"


def test_a_table_higher_than_the_terminal_shows_its_end_while_it_grows(driver: Driver) -> None:
    program = driver(LONG)
    terminal = Terminal(program, "notify", "alice")
    terminal.wait_for("line 39")
    (program.folder / "seen").touch()
    assert terminal.finish() == 0
    assert terminal.screen()[-1] == "Sent notification for alice in demo.db"
    screen = terminal.screen()
    assert screen[-2].endswith("  unheard: command_finished from notify")
    assert screen[-3].endswith("┊ line 39")
    lines = terminal.screen(all_rows=True)
    numbers = [line.split()[-1] for line in lines if "┊ line " in line]
    # What was shown in passing is gone, and the whole table stands there once.
    assert numbers == [str(number) for number in range(40)]


def test_a_failure_is_red_and_marked(driver: Driver) -> None:
    program = driver("@receiver(notification)\ndef sulk(**kwargs): raise ValueError('no')")
    terminal = Terminal(program, "notify", "alice")
    assert terminal.finish() == 1
    assert "\x1b[31msulk  ✗ raised ValueError: no" in terminal.sent
    # The message may go over several lines of the terminal.
    assert "error: the receiver __main__.sulk failed" in "".join(terminal.screen())


def test_ctrl_c_leaves_the_table_and_one_line(driver: Driver) -> None:
    program = driver("@receiver(post_save, sender=User)\ndef slow(**kwargs): time.sleep(3600)\n")
    before = program.rows()
    terminal = Terminal(program, "register", "new", "--email", "new@mail.com")
    terminal.wait_for("running")
    terminal.process.sendintr()
    assert terminal.finish() == 130
    lines = terminal.screen()
    assert lines[-1] == "error: interrupted; nothing was written"
    assert "Traceback" not in terminal.sent
    # The cursor that was hidden while the table grew is shown again.
    assert terminal.sent.rindex("\x1b[?25h") > terminal.sent.rindex("\x1b[?25l")
    assert program.rows() == before


def test_no_color_leaves_a_terminal_without_colours(filled: Program) -> None:
    terminal = Terminal(filled, "notify", "alice", env={"NO_COLOR": "1"})
    assert terminal.finish() == 0
    assert "36mnotification" not in terminal.sent
    assert any("show_notification" in line for line in terminal.screen())


def test_a_dumb_terminal_gets_no_escape_sequences(filled: Program) -> None:
    terminal = Terminal(filled, "list", env={"TERM": "dumb"})
    assert terminal.finish() == 0
    assert "\x1b" not in terminal.sent
    assert "bob@mail.com" in terminal.sent


def test_a_document_is_indented_on_a_terminal_and_one_line_elsewhere(filled: Program) -> None:
    terminal = Terminal(filled, "show", "alice", "--json", columns=200, rows=40)
    assert terminal.finish() == 0
    shown = terminal.screen()
    assert shown[:2] == ["{", '  "ok": true,']
    assert json.loads("\n".join(shown)) == filled("show", "alice", "--json").document


def test_an_error_is_indented_on_a_terminal_too(filled: Program) -> None:
    terminal = Terminal(filled, "show", "--json", columns=200)
    assert terminal.finish() == 2
    assert json.loads("\n".join(terminal.screen()))["error"]["code"] == "usage"
    assert len(terminal.screen()) > 5


def test_each_line_of_a_script_has_one_line_of_json_on_a_terminal_too(filled: Program) -> None:
    (filled.folder / "lines.txt").write_text("show alice\nshow bob\n", encoding="utf-8")
    terminal = Terminal(filled, "batch", "lines.txt", "--json", columns=1000)
    assert terminal.finish() == 0
    documents = [json.loads(line) for line in terminal.screen() if line.startswith("{")]
    assert [each["line"] for each in documents[:2]] == [1, 2]
