"""A trace as a table: at several widths, in ASCII, and harmless."""

import contextvars
import io
import re
from contextlib import suppress
from typing import Any

import pytest
from rich.console import Console

from signalcli.render.console import fields, listing, make_console, show
from signalcli.render.picture import Work
from signalcli.render.table import Tail, TraceTable, growing_table
from signalcli.render.text import visible
from signalcli.trace import Dispatch, Injection, Recorder

ESCAPES = "\x1b[31mred\x07\x9b"


def begin(recorder: Recorder, signal: str, sender: str | None = "User") -> Dispatch:
    return recorder.dispatch_begun(
        signal=signal, signal_path=f"shop.{signal}", sender=sender, arguments={}, robust=False
    )


def respond(
    recorder: Recorder,
    dispatch: Dispatch,
    receiver: str,
    *,
    value: Any = None,
    error: Exception | None = None,
    output: str = "",
) -> None:
    begun = recorder.response_begun(dispatch, receiver)
    begun[0].add_output(output)
    recorder.response_ended(begun, value, error)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


@pytest.fixture
def recorder() -> Recorder:
    """A trace with a bit of everything."""
    recorder = Recorder()
    recorder.dispatch_ended(begin(recorder, "pre_save"))
    saved = begin(recorder, "post_save")
    begun = recorder.response_begun(saved, "shop.signals.create_profile")
    begun[0].add_output("Profile Created !\nsecond line\n")
    first = begin(recorder, "pre_init", "Profile")
    recorder.dispatch_ended(first)
    second = begin(recorder, "post_init", "Profile")
    respond(recorder, second, "shop.signals.deep", value=[1, "two"])
    recorder.dispatch_ended(second)
    recorder.response_ended(begun, None, None)
    respond(recorder, saved, "shop.signals.audit", error=raised(ValueError("no [bold]audit[/]")))
    recorder.dispatch_ended(saved)
    return recorder


def rendered(renderable: Any, width: int = 100, encoding: str = "utf-8", **options: Any) -> str:
    bytes_ = io.BytesIO()
    file = io.TextIOWrapper(bytes_, encoding=encoding, errors="backslashreplace")
    Console(file=file, width=width, **options).print(renderable)
    file.flush()
    return bytes_.getvalue().decode(encoding)


def table_of(recorder: Recorder) -> TraceTable:
    return TraceTable(recorder.trace, recorder.now())


def squeezed(text: str) -> list[str]:
    """The lines without what differs: times, and the blanks between columns."""
    lines = [re.sub(r"[\d.]+ (?:ms|s)\s*$", "TIME", line).rstrip() for line in text.splitlines()]
    return [re.sub(r" +", " ", line) for line in lines]


def test_a_row_for_each_response_with_what_it_caused_beneath(recorder: Recorder) -> None:
    lines = squeezed(rendered(table_of(recorder), 140))
    assert lines[0] == "# Signal n ─▶ receivers n.1, n.2 Time with all inside"
    assert lines[2:10] == [
        "1 unheard: pre_save from User",
        "2 post_save from User TIME",
        "2.1 ├─▶ create_profile TIME",
        " │ ├─ prints ┊ Profile Created !",
        " │ │ ┊ second line",
        "3 │ ├─ unheard: pre_init from Profile",
        "4 │ └─ post_init from Profile TIME",
        "4.1 │ └─▶ deep returned [1, 'two'] TIME",
    ]
    assert lines[10].startswith(
        "2.2 └─▶ audit ✗ raised ValueError: no [bold]audit[/] (test_table.py:"
    )
    assert len(lines) == 11


def test_a_whole_table_has_a_row_for_every_dispatch(recorder: Recorder) -> None:
    table = TraceTable(recorder.trace, recorder.now(), is_whole=True)
    lines = squeezed(rendered(table, 140))
    assert lines[0] == "# Signal n ─▶ receivers n.1, n.2 Time with all inside"
    assert lines[2:9] == [
        "1 pre_save from User unheard",
        "2 post_save from User TIME",
        "2.1 ├─▶ create_profile TIME",
        " │ ├─ prints ┊ Profile Created !",
        " │ │ ┊ second line",
        "3 │ ├─ pre_init from Profile unheard",
        "4 │ └─ post_init from Profile TIME",
    ]
    assert len(lines) == 11


def test_in_ascii_the_guides_are_ascii(recorder: Recorder) -> None:
    text = rendered(TraceTable(recorder.trace, is_whole=True), encoding="ascii")
    lines = squeezed(text)
    assert "|- pre_init" in text
    assert "`- post_init" in text
    assert "|-> create_profile" in text
    assert "`-> audit" in text
    assert text.isascii()
    # The sign of a failure is there, too.
    (failed,) = [line for line in lines if "ValueError" in line]
    assert re.search(r"audit x raised ValueError", failed)


@pytest.fixture
def faulty() -> Recorder:
    """A receiver that was delayed and prints, two side by side, and a muted signal."""
    recorder = Recorder()
    sent = begin(recorder, "paid")
    slow = recorder.response_begun(sent, "shop.slow", injected=Injection(delay=0.25))
    slow[0].add_output("printed\n")
    recorder.dispatch_ended(begin(recorder, "inner"))
    recorder.response_ended(slow, "late", None)
    for response in [recorder.response_begun(sent, name) for name in ("left", "right")][::-1]:
        recorder.response_ended(response, None, None)
    recorder.dispatch_ended(sent)
    muted = recorder.dispatch_begun(
        signal="told", signal_path="shop.told", sender=None, arguments={}, robust=False, muted=True
    )
    recorder.dispatch_ended(muted)
    return recorder


def test_faults_on_purpose_and_what_ran_side_by_side_are_marked(faulty: Recorder) -> None:
    table = TraceTable(faulty.trace, faulty.now(), is_whole=True)
    assert squeezed(rendered(table, 140))[2:] == [
        "1 paid from User TIME",
        "1.1 ├─▶ slow delayed 250 ms on purpose at its end returned late TIME",
        " │ ├─ prints ┊ printed",
        "2 │ └─ inner from User unheard",
        "1.2 ├─▶ left ∥ concurrently returned None TIME",
        "1.3 └─▶ right ∥ concurrently returned None TIME",
        "3 told muted: nobody received it",
    ]


def test_in_ascii_the_marks_are_ascii(faulty: Recorder) -> None:
    text = rendered(table_of(faulty), encoding="ascii")
    assert text.isascii()
    assert squeezed(text)[-4:] == [
        "2 | `- unheard: inner from User",
        "1.2 |-> left || concurrently returned None TIME",
        "1.3 `-> right || concurrently returned None TIME",
        "3 told muted: nobody received it",
    ]


def test_what_was_not_delayed_is_not_said_to_be() -> None:
    recorder = Recorder()
    sent = begin(recorder, "paid")
    begun = recorder.response_begun(sent, "shop.slow", injected=Injection(failure=True))
    recorder.response_ended(begun, None, raised(ValueError("no")))
    assert "delayed" not in rendered(table_of(recorder))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_every_line_fits_the_width_and_nothing_is_cut(recorder: Recorder, width: int) -> None:
    text = rendered(table_of(recorder), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    letters = re.sub(r"[\s│├└─▶]", "", text)
    for word in ("create_profile", "returned[1,'two']", "secondline", "1unheard:pre_savefromUser"):
        assert word in letters


def test_at_80_columns_no_name_is_broken(recorder: Recorder) -> None:
    text = rendered(table_of(recorder), 80)
    for name in ("post_save", "create_profile", "post_init", "Profile", "ValueError:"):
        assert name in text


def test_a_name_that_fits_is_not_broken_for_the_sake_of_a_long_answer() -> None:
    recorder = Recorder()
    dispatch = begin(recorder, "notification")
    respond(recorder, dispatch, "shop.signals.show_notification_to_everybody", value="v" * 199)
    text = rendered(table_of(recorder), 80)
    assert "notification " in text
    assert "show_notification_to_everybody" in text
    assert text.count("v") == 199 + "receiver show_notification_to_everybody".count("v")


def test_a_failure_is_marked_with_a_sign_and_its_place(recorder: Recorder) -> None:
    text = rendered(table_of(recorder), 200)
    (line,) = [line for line in text.splitlines() if "✗" in line]
    assert re.search(r"✗ raised ValueError: .* \(test_table\.py:\d+\)", line)


def test_a_failure_is_red_and_a_dispatch_without_receivers_dim(recorder: Recorder) -> None:
    text = rendered(table_of(recorder), force_terminal=True, color_system="standard")
    assert "\x1b[31maudit  ✗ raised ValueError" in text
    assert "\x1b[2munheard: pre_save from User" in text
    whole = rendered(
        TraceTable(recorder.trace, is_whole=True), force_terminal=True, color_system="standard"
    )
    assert "\x1b[2mpre_save from User  unheard" in whole


def test_a_response_that_goes_on_is_running() -> None:
    recorder = Recorder()
    dispatch = begin(recorder, "greeted")
    # In a context of its own, since it never ends.
    contextvars.copy_context().run(recorder.response_begun, dispatch, "shop.slow")
    assert "slow  … running" in rendered(table_of(recorder))


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[red", ":smile:", "[link=http://x]y[/link]"])
def test_markup_and_emoji_codes_are_shown_as_they_are(text: str) -> None:
    recorder = Recorder()
    dispatch = begin(recorder, "greeted", text)
    respond(recorder, dispatch, "shop.greet", value=text, output=text)
    assert rendered(table_of(recorder), 200).count(text) == 3


def test_controls_are_spelled_out_wherever_they_stand() -> None:
    recorder = Recorder()
    dispatch = begin(recorder, ESCAPES, ESCAPES)
    respond(recorder, dispatch, f"shop.{ESCAPES}", value=ESCAPES, output=ESCAPES)
    respond(recorder, dispatch, "shop.fails", error=raised(ValueError(ESCAPES)))
    text = rendered(table_of(recorder), 400)
    assert not set(text) & set("\x1b\x07\x9b")
    assert text.count(r"\x1b[31mred\x07\x9b") >= 6


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x00\x1b\x7f\x85\u2028", r"\x00\x1b\x7f\x85\u2028"),
        ("é👍🏽مريم", "é👍🏽مريم"),
    ],
)
def test_visible_text(text: str, shown: str) -> None:
    assert visible(text) == shown


class TestTail:
    @pytest.fixture
    def long(self) -> Recorder:
        recorder = Recorder()
        dispatch = begin(recorder, "greeted")
        respond(recorder, dispatch, "shop.chatty", output="".join(f"n{n}\n" for n in range(50)))
        return recorder

    def test_of_a_table_higher_than_the_terminal_the_end_is_shown(self, long: Recorder) -> None:
        text = rendered(Tail(table_of(long)), 80, height=10)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        assert 0 < len(lines) < 10
        assert lines == [f"┊ n{number}" for number in range(50 - len(lines), 50)]

    def test_a_table_that_fits_is_shown_whole(self, recorder: Recorder) -> None:
        tail = rendered(Tail(table_of(recorder)), 100, height=50)
        assert squeezed(tail.rstrip()) == squeezed(rendered(table_of(recorder), 100).rstrip())


class TestConsole:
    def test_what_is_no_terminal_gets_no_colours_no_cuts_and_no_blanks(
        self, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
            monkeypatch.delenv(name, raising=False)
        file = io.StringIO()
        dispatch = begin(recorder, "greeted")
        respond(recorder, dispatch, "shop.chatty", output="x" * 500)
        show(table_of(recorder), make_console(file))
        assert "x" * 500 in file.getvalue()
        assert "\x1b" not in file.getvalue()
        assert all(line == line.rstrip() for line in file.getvalue().splitlines())

    def test_columns_is_honoured(self, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "50")
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        file = io.StringIO()
        show(table_of(recorder), make_console(file))
        assert max(map(len, file.getvalue().splitlines())) <= 50

    def test_a_run_without_dispatches_shows_no_table(self) -> None:
        file = io.StringIO()
        with growing_table(Recorder(), make_console(file)):
            pass
        assert file.getvalue() == ""

    def test_a_run_that_fails_shows_its_table_all_the_same(self, recorder: Recorder) -> None:
        file = io.StringIO()
        with (
            pytest.raises(ZeroDivisionError),
            growing_table(recorder, make_console(file)),
        ):
            raise ZeroDivisionError
        assert "create_profile" in file.getvalue()

    @pytest.mark.parametrize("is_whole", [False, True])
    @pytest.mark.parametrize("is_heard", [False, True])
    @pytest.mark.parametrize("is_raised", [False, True])
    def test_a_run_that_fails_before_anybody_heard_of_it_shows_no_table(
        self, is_whole: bool, is_heard: bool, is_raised: bool
    ) -> None:
        recorder = Recorder()
        dispatch = begin(recorder, "greeted")
        if is_heard:
            respond(recorder, dispatch, "shop.greet")
        file = io.StringIO()
        with (
            suppress(ZeroDivisionError),
            growing_table(
                recorder,
                make_console(file),
                is_whole=is_whole,
                work=lambda: Work(is_failed=not is_raised),
            ),
        ):
            if is_raised:
                raise ZeroDivisionError
        assert ("greeted from User" in file.getvalue()) is (is_whole or is_heard)

    def test_a_run_that_goes_well_says_what_nobody_heard(self) -> None:
        recorder = Recorder()
        begin(recorder, "greeted")
        file = io.StringIO()
        with growing_table(recorder, make_console(file)):
            pass
        assert file.getvalue() == "1  unheard: greeted from User\n"


class TestListings:
    def test_a_list_shows_its_cells_as_they_are(self) -> None:
        text = rendered(listing(("Name", "Mail"), [("[bold]a", ESCAPES), (":x:", "b")]), 100)
        assert "[bold]a" in text
        assert r"\x1b[31mred" in text
        assert ":x:" in text
        assert text.splitlines()[0].split() == ["Name", "Mail"]

    def test_names_and_values_stand_side_by_side(self) -> None:
        text = rendered(fields([("Name", "[b]x"), ("Empty", "")]), 100)
        assert [line.split() for line in text.splitlines()] == [["Name", "[b]x"], ["Empty"]]

    def test_a_long_list_is_folded_not_cut(self) -> None:
        text = rendered(listing(("Name",), [("n" * 150,)]), 40)
        assert text.count("n") == 150
        assert max(map(len, text.splitlines())) <= 40


@pytest.mark.parametrize("width", [1, 20, 30, 36, 40, 44, 50])
def test_a_trace_that_nobody_received_can_be_shown_at_any_width(width: int) -> None:
    recorder = Recorder()
    recorder.dispatch_ended(begin(recorder, "post_save"))
    console = Console(width=width, file=io.StringIO())
    console.print(TraceTable(recorder.trace))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines
    assert all(len(line) <= width for line in lines)
