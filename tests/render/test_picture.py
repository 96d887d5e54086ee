"""The picture of a trace: who received what, what that set off, and how it fits any width."""

import contextvars
import itertools
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from signalcli.render.picture import Picture, Work, is_shown, text_of, title_of
from signalcli.render.text import UNLIMITED, Paper, on_one_line
from signalcli.trace import Dispatch, Injection, Recorder, Trace
from tests.render.traces import (
    NASTY,
    TRACES,
    Case,
    begin,
    cases,
    concurrent_trace,
    deep_trace,
    once,
    raised,
    respond,
    small_trace,
    squeezed,
    unhurried,
)


def drawn(trace: Trace, width: int = UNLIMITED, **options: Any) -> list[str]:
    """The lines of a picture."""
    is_ascii = options.get("is_ascii", False)
    return text_of(Picture(trace, **options), Paper(width, is_ascii=is_ascii)).split("\n")[:-1]


def rows(trace: Trace, width: int = UNLIMITED, **options: Any) -> list[str]:
    """The lines below the headings, without times."""
    lines = drawn(trace, width, **options)
    below = 1 if options.get("is_ascii") else 2
    return [re.sub(r" +[\d.]+ m?s$", "", line) for line in lines[below:]]


def cascade(recorder: Recorder, receiver: str, *caused: Dispatch | str) -> Dispatch:
    """A dispatch to a receiver that sends some signals."""
    dispatch = begin(recorder)
    begun = recorder.response_begun(dispatch, receiver)
    for signal in caused:
        once(recorder, str(signal), ("shop.count",))
    recorder.response_ended(begun, None, None)
    recorder.dispatch_ended(dispatch)
    return dispatch


class TestTree:
    def test_receivers_hang_on_their_dispatch_also_where_rows_of_others_stand_between(
        self,
    ) -> None:
        recorder = Recorder()
        saved = begin(recorder)
        first = recorder.response_begun(saved, "shop.create")
        inner = begin(recorder, "saved", "Profile")
        deep = recorder.response_begun(inner, "shop.audit")
        once(recorder, "audited", ("shop.count", "shop.tell"), None)
        recorder.response_ended(deep, None, None)
        respond(recorder, inner, "shop.mail")
        once(recorder, "mailed", ("shop.count",), None)
        recorder.response_ended(first, None, None)
        second = recorder.response_begun(saved, "shop.update")
        once(recorder, "updated", ("shop.count",), None)
        recorder.response_ended(second, None, None)
        respond(recorder, saved, "shop.leave")
        once(recorder, "told")
        assert rows(recorder.trace) == [
            "1    saved from User",
            "1.1  ├─▶ create",
            "2    │   ├─ saved from Profile",
            "2.1  │   │  ├─▶ audit",
            "3    │   │  │   └─ audited",
            "3.1  │   │  │      ├─▶ count",
            "3.2  │   │  │      └─▶ tell",
            "2.2  │   │  └─▶ mail",
            "4    │   └─ mailed",
            "4.1  │      └─▶ count",
            "1.2  ├─▶ update",
            "5    │   └─ updated",
            "5.1  │      └─▶ count",
            "1.3  └─▶ leave",
            "6    told from User",
            "6.1  └─▶ greet",
        ]

    def test_every_line_of_the_tree_goes_down_to_what_hangs_on_it(self) -> None:
        for name, trace in TRACES.items():
            if name == "deep":
                continue
            lines = rows(trace, is_whole=True)
            for line, below in itertools.pairwise([*lines, ""]):
                for place, character in enumerate(line):
                    if character in "├│" and "┊" not in line[:place]:
                        assert below[place : place + 1] in ("├", "│", "└"), (name, line, below)

    def test_in_ascii_it_has_the_same_lines(self) -> None:
        recorder = Recorder()
        saved = cascade(recorder, "shop.create", "told", "heard")
        respond(recorder, saved, "shop.update", output="one\ntwo\n")
        saved.not_called = ("shop.one", "shop.two")
        assert rows(recorder.trace, is_ascii=True) == [
            "1    saved from User",
            "1.1  |-> create",
            "2    |   |- told from User",
            "2.1  |   |  `-> count",
            "3    |   `- heard from User",
            "3.1  |      `-> count",
            "1.2  |-> update",
            "     |   `- prints : one",
            "     |             : two",
            "1.3  |.. one  not called",
            "1.4  `.. two  not called",
        ]

    def test_numbers_are_aligned_at_their_points(self) -> None:
        recorder = Recorder()
        for number in range(11):
            once(recorder, f"s{number}", tuple(f"r{place}" for place in range(11)))
        lines = rows(recorder.trace)
        assert lines[:3] == [" 1     s0 from User", " 1.1   ├─▶ r0", " 1.2   ├─▶ r1"]
        assert lines[11] == " 1.11  └─▶ r10"
        assert lines[-1] == "11.11  └─▶ r10"

    def test_a_thousand_levels_fit_40_columns(self) -> None:
        lines = drawn(deep_trace(1000), 40)
        assert max(map(cell_len, lines)) <= 40
        assert sum("saved from User" in line for line in lines) == 1000
        assert sum("─▶ again" in line for line in lines) == 1000
        assert re.fullmatch(r"1000\.1  …[ └│]*└─▶ again  … running", lines[-1])

    def test_at_40_columns_three_levels_keep_their_lines(self) -> None:
        recorder = Recorder()
        saved = begin(recorder)
        begun = recorder.response_begun(saved, "shop.create")
        inner = recorder.response_begun(begin(recorder, "told"), "shop.hear")
        once(recorder, "heard", output="it is said\n")
        recorder.response_ended(inner, None, None)
        recorder.response_ended(begun, None, None)
        assert rows(recorder.trace, 40) == [
            "1    saved from User",
            "1.1  └─▶ create",
            "2        └─ told from User",
            "2.1         └─▶ hear",
            "3               └─ heard from User",
            "3.1                └─▶ greet",
            "     …            └─ prints ┊ it is said",
        ]


class TestWords:
    """What a receiver did is said in words."""

    def test_it_printed_returned_or_raised(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        respond(recorder, dispatch, "a")
        respond(recorder, dispatch, "b", value="b's answer", output="1\n\n\t2\n")
        respond(recorder, dispatch, "c", value=[1, None])
        respond(recorder, dispatch, "d", error=raised(ValueError("no")))
        caught = begin(recorder, robust=True)
        respond(recorder, caught, "e", error=raised(ValueError("")))
        (*lines, failed, _, last) = rows(recorder.trace)
        assert lines == [
            "1    saved from User",
            "1.1  ├─▶ a  returned None",
            "1.2  ├─▶ b  at its end returned b's answer",
            "     │   └─ prints ┊ 1",
            "     │             ┊",
            "     │             ┊     2",
            "1.3  ├─▶ c  returned [1, None]",
        ]
        assert re.fullmatch(r"1\.4  └─▶ d  ✗ raised ValueError: no \(traces\.py:\d+\)", failed)
        assert re.fullmatch(
            r"2\.1  └─▶ e  ✗ raised and caught: ValueError \(traces\.py:\d+\)", last
        )

    @pytest.mark.parametrize(
        ("value", "said"), [(None, ""), ("None", "  returned None"), ("", "  returned ''")]
    )
    def test_only_of_none_nothing_is_said(self, value: object, said: str) -> None:
        recorder = Recorder()
        once(recorder, value=value)
        assert rows(recorder.trace) == ["1    saved from User", f"1.1  └─▶ greet{said}"]

    def test_beside_other_values_none_is_said_where_it_takes_no_further_line(self) -> None:
        recorder = Recorder()
        once(recorder)
        dispatch = begin(recorder)
        respond(recorder, dispatch, "a")
        respond(recorder, dispatch, "b", value=False)
        respond(recorder, dispatch, "c", output="...")
        respond(recorder, dispatch, "a_receiver_with_a_long_name")
        respond(recorder, dispatch, "d", error=raised(ValueError("no")))
        contextvars.copy_context().run(recorder.response_begun, dispatch, "e")
        lines = [
            "1    saved from User",
            "1.1  └─▶ greet",
            "2    saved from User",
            "2.1  ├─▶ a  returned None",
            "2.2  ├─▶ b  returned False",
            "2.3  ├─▶ c  returned None",
            "     │   └─ prints ┊ ...",
            "2.4  ├─▶ a_receiver_with_a_long_name  returned None",
        ]
        assert rows(recorder.trace)[:8] == lines
        assert rows(recorder.trace)[-1] == "2.6  └─▶ e  … running"
        narrow = rows(recorder.trace, 55)
        assert narrow[:8] == [*lines[:7], "2.4  ├─▶ a_receiver_with_a_long_name"]
        assert narrow[8].startswith("2.5")

    def test_what_stands_above_what_a_receiver_did_was_returned_at_its_end(self) -> None:
        recorder = Recorder()
        saved = begin(recorder)
        begun = recorder.response_begun(saved, "shop.create")
        once(recorder, "told", value=3)
        recorder.response_ended(begun, "made", None)
        assert rows(recorder.trace) == [
            "1    saved from User",
            "1.1  └─▶ create  at its end returned made",
            "2        └─ told from User",
            "2.1         └─▶ greet  returned 3",
        ]
        assert rows(recorder.trace, 44)[1] == "1.1  └─▶ create  returned made"

    def test_how_much_output_is_left_out(self) -> None:
        recorder = Recorder()
        once(recorder, output="x" * 4097)
        assert rows(recorder.trace)[-1] == "                   ┊ … and 1 bytes more"
        assert rows(recorder.trace, is_ascii=True)[-1].endswith(": ... and 1 bytes more")

    def test_what_was_done_on_purpose_and_what_ran_side_by_side(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        begun = recorder.response_begun(dispatch, "slow", injected=Injection(delay=0.25))
        recorder.response_ended(begun, None, None)
        recorder.dispatch_begun(
            signal="m", signal_path="m", sender="User", arguments={}, robust=False, muted=True
        )
        assert rows(recorder.trace) == [
            "1    saved from User",
            "1.1  └─▶ slow  delayed 250 ms on purpose",
            "2    m from User  muted: nobody received it",
        ]
        heard = [line for line in rows(concurrent_trace()) if "─▶ walk_" in line]
        assert len(heard) == 2
        assert all("  ∥ concurrently" in line for line in heard)
        lines = rows(concurrent_trace(), is_ascii=True)
        assert sum("  || concurrently" in line for line in lines) == 2

    def test_who_was_not_called_and_why(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        respond(recorder, dispatch, "shop.first")
        respond(recorder, dispatch, "shop.mail", error=raised(ValueError("no")))
        dispatch.not_called = ("shop.count", "shop.tell")
        assert rows(recorder.trace)[-2:] == [
            "1.3  ├╌╌ count  not called, since mail raised",
            "1.4  └╌╌ tell  not called, since mail raised",
        ]
        assert rows(recorder.trace)[2].startswith("1.2  ├─▶ mail")
        assert rows(recorder.trace, 40)[-4:] == [
            "1.3  ├╌╌ count",
            "     │   not called, since mail raised",
            "1.4  └╌╌ tell",
            "         not called, since mail raised",
        ]


class TestHeading:
    @pytest.mark.parametrize(
        ("width", "title", "time"),
        [
            (UNLIMITED, "create Hero name=Deadpond: s", "Time with all inside"),
            (80, "create Hero: s", "Time with all inside"),
            (67, "create: s", "Time with all inside"),
            (60, "create Hero: s", "Total time"),
            (50, "create: s", "Time"),
            (44, "S", "Time"),
            (40, "S", ""),
        ],
    )
    def test_it_says_as_much_as_fits(self, width: int, title: str, time: str) -> None:
        recorder = Recorder()
        recorder.dispatch_ended(once(recorder, output="-" * 90))
        heading, rule, first, *_ = drawn(
            recorder.trace, width, work=Work("create Hero name=Deadpond")
        )
        said = f"# {title}ignal n ─▶ receivers n.1, n.2 {time}"
        assert re.sub(" +", " ", heading).strip() == said.strip()
        assert len(heading) <= len(rule) <= width
        assert first.endswith(" ms" if time else "User")

    def test_it_makes_no_table_wider_than_80(self) -> None:
        recorder = Recorder()
        recorder.dispatch_ended(once(recorder))
        lines = drawn(recorder.trace, work=Work("create Hero " + "name=Deadpond " * 9))
        assert lines[0].split()[:3] == ["#", "create", "Hero:"]
        assert max(map(len, lines)) <= 80

    def test_a_title_of_somebody_else_is_harmless(self) -> None:
        recorder = Recorder()
        once(recorder)
        (heading, *_) = drawn(recorder.trace, work=Work("send \x1b[31m"), is_ascii=True)
        assert heading.startswith(r"#    send \x1b[31m: signal n -> receivers n.1, n.2")

    @pytest.mark.parametrize(
        ("command", "command_line", "title"),
        [
            ("register", "signalcli register xyz --email xyz@mail.com", "register xyz"),
            ("register", "signalcli --database register.db register a b -q", "register a b"),
            ("register", "signalcli register -e register@mail.com xyz", "register"),
            ("log show", "signalcli log show 3", "log show 3"),
            ("send", "signalcli", "send"),
            ("send", "", "send"),
        ],
    )
    def test_a_title_is_a_command_line_up_to_its_first_option(
        self, command: str, command_line: str, title: str
    ) -> None:
        assert title_of(command, command_line) == title


class TestRolledBack:
    """The dispatch whose failure ended the work says that all was rolled back."""

    MARK = "  ✗ failed: all rolled back"

    def marked(self, recorder: Recorder) -> list[str]:
        work = Work(is_failed=True, is_rolled_back=True)
        lines = rows(recorder.trace, work=work)
        assert [line.removesuffix(self.MARK) for line in lines] == rows(recorder.trace)
        return [line.split()[0] for line in lines if line.endswith(self.MARK)]

    def test_it_is_the_outermost_one_that_an_exception_left(self) -> None:
        recorder = Recorder()
        once(recorder)
        error = raised(ValueError("no"))
        saved = begin(recorder)
        begun = recorder.response_begun(saved, "shop.create")
        once(recorder, "told", error=error)
        recorder.response_ended(begun, None, error)
        once(recorder)
        assert self.marked(recorder) == ["2"]
        ascii_rows = rows(recorder.trace, work=Work(is_rolled_back=True), is_ascii=True)
        assert ascii_rows[2] == "2    saved from User  x failed: all rolled back"

    def test_it_is_none_that_caught_the_exception_or_whose_cause_did(self) -> None:
        recorder = Recorder()
        error = raised(ValueError("no"))
        respond(recorder, begin(recorder, robust=True), error=error)
        saved = begin(recorder)
        begun = recorder.response_begun(saved, "shop.create")
        once(recorder, "told", error=error)
        recorder.response_ended(begun, None, None)
        assert self.marked(recorder) == []

    def test_it_is_one_that_a_later_flush_sent_for_a_receiver(self) -> None:
        recorder = Recorder()
        saved = begin(recorder)
        begun = recorder.response_begun(saved, "shop.create")
        once(recorder, "saved", error=raised(ValueError("no")), sender="Profile")
        recorder.response_ended(begun, None, None)
        (_, late) = recorder.trace.dispatches
        begun[0].seconds = late.begun - begun[0].begun
        assert self.marked(recorder) == ["2"]

    def test_it_is_none_of_the_command_itself(self) -> None:
        recorder = Recorder()
        finished = begin(recorder, path="signalcli.apps.signals.command_finished")
        respond(recorder, finished, error=raised(ValueError("no")))
        assert self.marked(recorder) == []


class TestGroups:
    def test_four_that_are_alike_share_a_row_with_their_count(self) -> None:
        recorder = Recorder()
        for number in range(3):
            once(recorder, value=number, output=f"n{number}\n")
        assert len(rows(recorder.trace)) == 9
        once(recorder, value=3, output="n3\n")
        assert rows(recorder.trace) == [
            "1    saved from User ×4 (1–4)",
            "1.1  └─▶ greet ×4  at its end returned 4 different values, as 0, 1, 2",
            "         └─ prints ┊ n0",
            "                   ┊ … and others from the other 3",
        ]
        assert len(rows(recorder.trace, is_whole=True)) == 12
        assert rows(recorder.trace, is_ascii=True)[0] == "1    saved from User x4 (1-4)"

    def test_what_all_of_them_said_is_said_once(self) -> None:
        recorder = Recorder()
        for number in range(1200):
            once(recorder, value=number % 2, output="the same\n")
        assert rows(recorder.trace) == [
            "1    saved from User ×1,200 (1–1200)",
            "1.1  └─▶ greet ×1,200  at its end returned 0, 1",
            "         └─ prints ┊ the same",
        ]

    def test_failures_of_one_type_share_a_row(self) -> None:
        recorder = Recorder()
        for number in range(4):
            once(recorder, error=raised(ValueError(f"no {number}")))
        (_, row) = rows(recorder.trace)
        assert re.fullmatch(
            r"1\.1  └─▶ greet ×4  ✗ raised ValueError: no 0 \(traces\.py:\d+\)"
            r" \(and 3 other messages\)",
            row,
        )
        once(recorder, error=raised(LookupError("no")))
        assert rows(recorder.trace)[2] == "5    saved from User"

    def test_counts_are_nested(self) -> None:
        recorder = Recorder()
        for number in range(1, 5):
            cascade(recorder, "shop.create", *["told"] * number, "heard")
        assert rows(recorder.trace) == [
            "1    saved from User ×4 (1–13)",
            "1.1  └─▶ create ×4",
            "2        ├─ told from User ×10 (2–17)",
            "2.1      │  └─▶ count ×10",
            "3        └─ heard from User ×4 (3–18)",
            "3.1         └─▶ count ×4",
        ]

    def test_their_times_are_added(self) -> None:
        recorder = Recorder()
        for _ in range(4):
            dispatch = once(recorder)
            dispatch.seconds = dispatch.responses[0].seconds = 0.5
        assert [line.split()[-2:] for line in drawn(recorder.trace)[2:]] == [["2.00", "s"]] * 2


class TestUnheard:
    def test_each_stretch_has_a_row_at_its_place(self) -> None:
        recorder = Recorder()
        begin(recorder, "command_started", "register")
        for signal in ("pre_init", "post_init", "pre_save"):
            once(recorder, signal, ())
        saved = begin(recorder)
        begun = recorder.response_begun(saved, "shop.create")
        once(recorder, "pre_init", (), "Profile")
        once(recorder, "told", ("shop.count",))
        begun[0].add_output("done")
        for signal in ("pre_save", "post_save"):
            once(recorder, signal, (), "Profile")
        recorder.response_ended(begun, None, None)
        respond(recorder, saved, "shop.update")
        recorder.dispatch_ended(saved)
        once(recorder, "pre_save", ())
        once(recorder, "plain", (), None)
        assert rows(recorder.trace) == [
            " 1–4   unheard: command_started from register; pre_init, post_init,",
            "       pre_save from User",
            " 5     saved from User",
            " 5.1   ├─▶ create",
            " 6     │   ├─ unheard: pre_init from Profile",
            " 7     │   ├─ told from User",
            " 7.1   │   │  └─▶ count",
            "       │   ├─ prints ┊ done",
            " 8–9   │   └─ unheard: pre_save, post_save from Profile",
            " 5.2   └─▶ update",
            "10–11  unheard: pre_save from User; plain",
        ]
        assert rows(recorder.trace, is_ascii=True)[-4:] == [
            "       |   |- prints : done",
            " 8-9   |   `- unheard: pre_save, post_save from Profile",
            " 5.2   `-> update",
            "10-11  unheard: pre_save from User; plain",
        ]
        assert not any("unheard: " in line for line in rows(recorder.trace, is_whole=True))

    def test_what_was_printed_in_between_parts_a_stretch(self) -> None:
        recorder = Recorder()
        saved = begin(recorder)
        begun = recorder.response_begun(saved, "shop.create")
        for signal in ("pre_init", "post_init"):
            once(recorder, signal, (), "Profile")
        begun[0].add_output("made\nsaving ")
        for signal in ("pre_save", "post_save"):
            once(recorder, signal, (), "Profile")
        begun[0].add_output("saved\n")
        recorder.response_ended(begun, None, None)
        recorder.dispatch_ended(saved)
        assert rows(recorder.trace) == [
            "1    saved from User",
            "1.1  └─▶ create",
            "2–3      ├─ unheard: pre_init, post_init from Profile",
            "         ├─ prints ┊ made",
            "         │         ┊ saving",
            "4–5      ├─ unheard: pre_save, post_save from Profile",
            "         └─ prints ┊ saved",
        ]
        for dispatch in recorder.trace.dispatches:
            dispatch.output_before = None
        assert rows(recorder.trace)[2:] == [
            "         ├─ prints ┊ made",
            "         │         ┊ saving saved",
            "2–5      └─ unheard: pre_init, post_init, pre_save, post_save from Profile",
        ]

    def test_a_signal_that_repeats_is_counted(self) -> None:
        recorder = Recorder()
        once(recorder)
        for _ in range(1001):
            once(recorder, "pre_init", ())
            once(recorder, "post_init", ())
        row = "2–2003  unheard: pre_init ×1,001, post_init ×1,001 from User"
        assert rows(recorder.trace)[-1] == row
        in_ascii = row.replace("×", "x").replace("–", "-")
        assert rows(recorder.trace, is_ascii=True)[-1] == in_ascii

    def test_where_others_stand_between_its_first_number_begins_the_row(self) -> None:
        recorder = Recorder()
        for number in range(4):
            cascade(recorder, "shop.create")
            once(recorder, "plain", (), f"Sender{number % 2}")
        cascade(recorder, "shop.create")
        assert rows(recorder.trace) == [
            "1    saved from User ×5 (1–9)",
            "1.1  └─▶ create ×5",
            "2    unheard: plain ×2 from Sender0; plain ×2 from Sender1 (2–8)",
        ]

    def test_a_trace_that_nobody_received_has_no_headings(self) -> None:
        recorder = Recorder()
        once(recorder, receivers=())
        assert drawn(recorder.trace) == ["1  unheard: saved from User"]
        assert drawn(Trace()) == []
        assert not is_shown(recorder.trace, is_failed=True, is_whole=False)
        once(recorder)
        assert is_shown(recorder.trace, is_failed=True, is_whole=False)

    @pytest.mark.parametrize("is_heard", [False, True])
    @pytest.mark.parametrize("width", [40, 50, 60, 80, 120, UNLIMITED])
    def test_a_long_row_is_broken_between_names_alone(self, width: int, is_heard: bool) -> None:
        recorder = Recorder()
        for number in range(12):
            for _ in range(number % 3 + 1):
                once(recorder, f"signal_{number}", (), f"Sender{number}")
        if is_heard:
            once(recorder)
        lines = drawn(recorder.trace, width)
        first, *further = [line for line in lines if "signal_" in line]
        assert first.lstrip().startswith("1–24  unheard: signal_0 from Sender0;")
        name = r"signal_\d+( ×\d)? from Sender\d+"
        assert all(re.fullmatch(rf" {{6,7}}{name};?( {name};?)*", line) for line in further)
        assert max(map(len, [first, *further])) <= min(width, 80)

    def test_it_reaches_below_the_times_and_makes_no_table_wider_than_80(self) -> None:
        recorder = Recorder()
        once(recorder)
        for number in range(5):
            once(recorder, f"a_signal_with_a_long_name_{number}", (), None)
        heading, rule, *_ = drawn(recorder.trace)
        assert len(heading) == len(rule) <= 80
        assert max(map(len, drawn(recorder.trace))) == len(rule) > 60


def test_while_the_trace_grows_each_moment_can_be_drawn() -> None:
    recorder = Recorder()
    seen: list[list[str]] = []

    def draw() -> None:
        seen.append(rows(recorder.trace, now=recorder.now()))

    growing = Recorder(on_change=draw)
    recorder = growing
    cascade(recorder, "shop.create", "told")
    recorder.ended()
    assert seen[0] == []
    assert ["1    saved from User", "1.1  └─▶ create  … running"] in seen
    assert seen[-1] == [
        "1    saved from User",
        "1.1  └─▶ create",
        "2        └─ told from User",
        "2.1         └─▶ count",
    ]


def test_of_many_rows_the_last_ones_can_be_asked_for() -> None:
    recorder = Recorder()
    for number in range(10):
        once(recorder, f"s{number}")
    assert rows(recorder.trace, last_rows=3) == [" 9.1  └─▶ greet", *rows(recorder.trace)[-2:]]


class TestWidths:
    @unhurried
    @given(cases(), st.integers(1, 200), st.booleans(), st.booleans())
    def test_no_line_is_longer_than_the_width(
        self, case: Case, width: int, is_whole: bool, is_ascii: bool
    ) -> None:
        lines = drawn(case.recorder.trace, width, is_whole=is_whole, is_ascii=is_ascii)
        # A character of two cells needs them.
        assert all(cell_len(line) <= max(width, 2) for line in lines)

    @pytest.mark.parametrize("name", list(TRACES))
    @pytest.mark.parametrize("is_whole", [False, True])
    def test_no_line_of_any_trace_is_longer_than_any_width(self, name: str, is_whole: bool) -> None:
        for width in (*range(1, 30), 40, 60, 80, 120, 200) if name != "deep" else (1, 40, 200):
            lines = drawn(TRACES[name], width, is_whole=is_whole)
            assert all(cell_len(line) <= width for line in lines), width

    @pytest.mark.parametrize("width", range(30, 121, 3))
    def test_nothing_is_lost_and_no_word_is_broken(self, width: int) -> None:
        trace = small_trace()
        text = "\n".join(drawn(trace, width))
        whole = "\n".join(drawn(trace))

        def words(text: str) -> Counter[str]:
            text = re.sub(r"[\d.]+ ms|T(otal t)?ime( with all inside)?|[├└│─▶┊…]", " ", text)
            # That it is at its end is said where it takes no further line.
            return Counter(text.replace("at its end ", "").split())

        assert words(text) == words(whole)

    def test_where_no_time_stands_a_row_reaches_below_the_times(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        respond(recorder, dispatch, "shop.create", value="a value of 32 characters, or so.")
        respond(recorder, dispatch, "shop.tell", output="a printed line of 36 characters each")
        recorder.dispatch_ended(dispatch)
        assert rows(recorder.trace, 57) == [
            "1    saved from User",
            "1.1  ├─▶ create  returned",
            "     │      a value of 32 characters, or so.",
            "1.2  └─▶ tell  returned None",
            "         └─ prints ┊ a printed line of 36 characters each",
        ]

    @pytest.mark.parametrize("text", ["漢字" * 30, "❤\ufe0f" * 30, "👩‍👩‍👧" * 30, "q\u0301" * 90])
    @pytest.mark.parametrize("width", [2, 3, 17, 40, 79])
    def test_wide_characters_fit(self, text: str, width: int) -> None:
        recorder = Recorder()
        once(recorder, text, (f"shop.{text}",), text, value=text, output=text)
        once(recorder, text, (), text)
        lines = drawn(recorder.trace, width)
        assert all(cell_len(line) <= width for line in lines)
        assert squeezed("".join(lines)).count(text[0]) == 7 * text.count(text[0])


@unhurried
@given(cases(), st.booleans())
def test_in_ascii_all_that_we_draw_is_ascii(case: Case, is_whole: bool) -> None:
    lines = drawn(case.recorder.trace, is_whole=is_whole, is_ascii=True)
    theirs = set(on_one_line("".join(map(str, case.recorder.trace.dispatches))))
    theirs |= {each for line in lines if " : " in line for each in line}
    ours = "├└│─▶╌┊✗∥…×–"
    assert not {each for line in lines for each in line if each in ours} - theirs


@pytest.mark.parametrize("name", list(TRACES))
def test_in_ascii_a_trace_in_ascii_is_ascii(name: str) -> None:
    for is_whole in (False, True):
        lines = drawn(TRACES[name], 60, is_whole=is_whole, is_ascii=True)
        assert "".join(lines).isascii()


@unhurried
@given(cases())
def test_where_there_is_room_every_dispatch_and_every_response_has_one_row(case: Case) -> None:
    trace = case.recorder.trace
    whole = [line for line in rows(trace, is_whole=True) if re.match(r" *\d", line)]
    numbers = [line.split()[0] for line in whole]
    expected = [
        number
        for dispatch in trace.dispatches
        for number in (
            str(dispatch.seq),
            *(f"{dispatch.seq}.{place + 1}" for place in range(len(dispatch.responses))),
        )
    ]
    assert sorted(numbers) == sorted(expected)
    by_number = dict(zip(numbers, map(even, whole), strict=True))
    for dispatch in trace.dispatches:
        assert shown(dispatch.signal) in by_number[str(dispatch.seq)]
        assert shown(dispatch.sender or "") in by_number[str(dispatch.seq)]
        for place, response in enumerate(dispatch.responses):
            row = by_number[f"{dispatch.seq}.{place + 1}"]
            assert shown(response.short_receiver) in row
    # A picture that folds has each one of those or a count.
    text = even("\n".join(drawn(trace)))
    for dispatch in trace.dispatches:
        assert shown(dispatch.signal) in text


def shown(text: str) -> str:
    """A text as it is shown on one line, all blanks alike."""
    return even(on_one_line(text).replace("\t", "\\t").strip())


def even(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("text", NASTY)
def test_every_text_is_shown_as_it_is(text: str) -> None:
    recorder = Recorder()
    dispatch = begin(recorder, text, text)
    respond(recorder, dispatch, f"shop.{text}", value=text[:60])
    (response,) = recorder.trace.responses
    lines = rows(recorder.trace)
    assert len(lines) == 2
    assert lines[0].startswith("1    ")
    assert shown(dispatch.signal) in lines[0]
    assert shown(str(response.value)) in even(lines[1])
