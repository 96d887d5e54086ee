"""Recording our own signals: across nesting, threads, tasks and later flushes."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlmodel import select

from signalcli.db import Session, post_delete, post_init, post_save, pre_save
from signalcli.dispatch import Signal
from signalcli.trace import Dispatch, Recorder, record
from tests.trace.models import Author, Connect, Note, cause, outline

outer = Signal()
inner = Signal()


def sent(recorder: Recorder, signal: str, sender: str | None) -> list[Dispatch]:
    return [
        dispatch
        for dispatch in recorder.trace.dispatches
        if (dispatch.signal, dispatch.sender) == (signal, sender)
    ]


def printed(recorder: Recorder) -> dict[str, str]:
    return {response.short_receiver: response.output for response in recorder.trace.responses}


class TestTree:
    def test_a_signal_that_a_receiver_sends_is_nested_under_it(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        def relay(**kwargs: Any) -> None:
            inner.send(Author)

        connect(outer, relay)
        connect(inner, lambda **kwargs: "deep")
        with record(recorder):
            outer.send("me")
            inner.send(None)
        assert outline(recorder.trace) == [
            ("outer", "me", None),
            ("inner", "Author", "relay"),
            ("inner", None, None),
        ]
        assert recorder.trace.dispatches[1].responses[0].value == "deep"
        assert recorder.trace.dispatches[0].signal_path == outer.path

    def test_nothing_is_recorded_before_and_after(self, recorder: Recorder) -> None:
        outer.send("before")
        with record(recorder):
            pass
        outer.send("after")
        assert recorder.trace.dispatches == []

    def test_two_recorders_both_record(self, recorder: Recorder) -> None:
        second = Recorder()
        with record(recorder), record(second):
            outer.send("both")
        assert outline(recorder.trace) == outline(second.trace) == [("outer", "both", None)]

    def test_threads_that_a_receiver_starts_are_nested_under_it(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        def starts(**kwargs: Any) -> None:
            threads = [threading.Thread(target=inner.send, args=[str(n)]) for n in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        connect(outer, starts)
        with record(recorder):
            outer.send("me")
            thread = threading.Thread(target=inner.send, args=["outside"])
            thread.start()
            thread.join()
        nested = [entry for entry in outline(recorder.trace) if entry[2] == "starts"]
        assert sorted(sender or "" for _, sender, _ in nested) == ["0", "1", "2"]
        assert sent(recorder, "inner", "outside")[0].parent is None

    def test_a_subclass_of_thread_is_followed_too(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        class Sender(threading.Thread):
            def run(self) -> None:
                inner.send("subclass")

        def starts(**kwargs: Any) -> None:
            thread = Sender()
            thread.start()
            thread.join()

        connect(outer, starts)
        with record(recorder):
            outer.send("me")
        assert cause(sent(recorder, "inner", "subclass")[0]) == "starts"

    def test_the_reused_workers_of_a_pool_work_for_who_submitted(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        with ThreadPoolExecutor(max_workers=1) as pool:

            def first(**kwargs: Any) -> None:
                pool.submit(inner.send, "first").result()

            def second(**kwargs: Any) -> None:
                list(pool.map(inner.send, ["second"]))

            connect(outer, first)
            connect(outer, second)
            with record(recorder):
                outer.send("me")
                pool.submit(inner.send, "nobody").result()
        assert outline(recorder.trace) == [
            ("outer", "me", None),
            ("inner", "first", "first"),
            ("inner", "second", "second"),
            ("inner", "nobody", None),
        ]

    def test_threads_start_as_before_when_recording_is_over(self, recorder: Recorder) -> None:
        start, submit = threading.Thread.start, ThreadPoolExecutor.submit
        with record(recorder):
            pass
        assert (threading.Thread.start, ThreadPoolExecutor.submit) == (start, submit)

    def test_sync_and_async_receivers_of_an_async_sender_are_parents(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        def in_sync(**kwargs: Any) -> None:
            inner.send("sync")

        async def in_async(**kwargs: Any) -> None:
            await inner.asend("async")

        connect(outer, in_sync)
        connect(outer, in_async)
        with record(recorder):
            asyncio.run(outer.asend("me"))
        assert outline(recorder.trace) == [
            ("outer", "me", None),
            ("inner", "sync", "in_sync"),
            ("inner", "async", "in_async"),
        ]

    def test_concurrent_async_receivers_do_not_mix(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        meeting = asyncio.Barrier(2)

        async def left(**kwargs: Any) -> None:
            print("left before")
            await meeting.wait()
            await inner.asend("left")
            await meeting.wait()
            print("left after")

        async def right(**kwargs: Any) -> None:
            print("right before")
            await meeting.wait()
            await asyncio.create_task(inner.asend("right"))
            await meeting.wait()
            print("right after")

        connect(outer, left)
        connect(outer, right)
        with record(recorder):
            asyncio.run(outer.asend("me"))
        assert cause(sent(recorder, "inner", "left")[0]) == "left"
        assert cause(sent(recorder, "inner", "right")[0]) == "right"
        assert printed(recorder) == {
            "left": "left before\nleft after\n",
            "right": "right before\nright after\n",
        }

    def test_async_receivers_of_a_sync_sender_are_parents(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        async def in_async(**kwargs: Any) -> None:
            print("here")
            inner.send("nested")

        connect(outer, in_async)
        with record(recorder):
            outer.send("me")
        assert cause(sent(recorder, "inner", "nested")[0]) == "in_async"
        assert printed(recorder)["in_async"] == "here\n"


class TestFailures:
    def test_a_robust_dispatch_keeps_every_failure(
        self, recorder: Recorder, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails(**kwargs: Any) -> None:
            raise ValueError("no")

        async def fails_too(**kwargs: Any) -> None:
            raise LookupError

        connect(outer, fails)
        connect(outer, lambda **kwargs: 1)
        connect(outer, fails_too)
        with record(recorder):
            responses = outer.send_robust("me")
        (dispatch,) = recorder.trace.dispatches
        assert dispatch.robust
        assert [str(response.failure) for response in dispatch.responses] == [
            "ValueError: no",
            "None",
            "LookupError",
        ]
        assert [response.value for response in dispatch.responses] == [None, 1, None]
        error = responses[0][1]
        # It went no further, so nobody will ask, and it is not kept.
        assert recorder.culprit(error) is None
        # The log names the receiver, not what watched it.
        assert [entry.getMessage().split()[-1] for entry in caplog.records] == [
            f"{__name__}.{fails.__qualname__}",
            f"{__name__}.{fails_too.__qualname__}",
        ]

    def test_a_failure_ends_the_dispatch_and_names_the_culprit(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        def relays(**kwargs: Any) -> None:
            inner.send("me")

        def fails(**kwargs: Any) -> None:
            raise ValueError("no")

        connect(outer, relays)
        connect(inner, fails)
        with record(recorder), pytest.raises(ValueError) as caught:
            outer.send("me")
        culprit = recorder.culprit(caught.value)
        assert culprit is not None
        assert culprit.short_receiver == "fails"
        assert all(dispatch.seconds is not None for dispatch in recorder.trace.dispatches)
        assert all(response.seconds is not None for response in recorder.trace.responses)

    def test_of_several_failures_the_first_names_the_culprit(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        def relays(**kwargs: Any) -> None:
            inner.send("me")

        async def fails(**kwargs: Any) -> None:
            raise ValueError("no")

        async def fails_too(**kwargs: Any) -> None:
            raise LookupError

        connect(outer, relays)
        connect(inner, fails)
        connect(inner, fails_too)
        with record(recorder), pytest.raises(ExceptionGroup) as caught:
            outer.send("me")
        culprit = recorder.culprit(caught.value)
        assert culprit is not None
        assert culprit.short_receiver == "fails"
        assert [str(response.failure) for response in recorder.trace.responses] == [
            "ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)",
            "ValueError: no",
            "LookupError",
        ]

    def test_an_interruption_is_recorded_too(self, recorder: Recorder, connect: Connect) -> None:
        def interrupted(**kwargs: Any) -> None:
            raise KeyboardInterrupt

        connect(outer, interrupted)
        with record(recorder), pytest.raises(KeyboardInterrupt):
            outer.send("me")
        (response,) = recorder.trace.responses
        assert response.failure is not None
        assert response.failure.type == "KeyboardInterrupt"


class TestNotCalled:
    @pytest.mark.parametrize("is_awaited", [False, True])
    def test_a_dispatch_names_the_receivers_behind_the_failing_one(
        self, recorder: Recorder, connect: Connect, is_awaited: bool
    ) -> None:
        def fails(**kwargs: Any) -> None:
            raise ValueError

        def second(**kwargs: Any) -> None:
            pass

        async def third(**kwargs: Any) -> None:
            pass

        second.__qualname__ = "second\ud800"
        for receiver in (fails, second, third):
            connect(outer, receiver)
        with record(recorder), suppress(ValueError):
            if is_awaited:
                asyncio.run(outer.asend(None))
            else:
                outer.send(None)
        (dispatch,) = recorder.trace.dispatches
        assert [response.short_receiver for response in dispatch.responses] == ["fails"]
        # Fit for UTF-8, as all names are.
        second_name, third_name = dispatch.not_called
        assert second_name == f"{__name__}.second\\ud800"
        assert third_name.endswith(".third")

    def test_of_a_dispatch_that_goes_well_or_is_robust_there_are_none(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        def fails(**kwargs: Any) -> None:
            raise ValueError

        connect(outer, fails)
        connect(outer, lambda **kwargs: None)
        with record(recorder):
            outer.send_robust(None)
            inner.send(None)
        assert [dispatch.not_called for dispatch in recorder.trace.dispatches] == [(), ()]


class TestOutput:
    def test_each_receiver_has_its_own_output_and_the_rest_passes(
        self, recorder: Recorder, connect: Connect, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def first(**kwargs: Any) -> None:
            print("a", end="")
            inner.send("me")
            print("c")

        def second(**kwargs: Any) -> None:
            sys.stdout.write("b")
            sys.stdout.writelines(["d", "e\n"])

        connect(outer, first)
        connect(inner, second)
        with record(recorder):
            print("before")
            outer.send("me")
            print("after")
        assert printed(recorder) == {"first": "ac\n", "second": "bde\n"}
        assert capsys.readouterr().out == "before\nafter\n"

    def test_output_of_threads_belongs_to_who_started_them(
        self, recorder: Recorder, connect: Connect, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def starts(**kwargs: Any) -> None:
            thread = threading.Thread(target=print, args=["from a thread"])
            thread.start()
            thread.join()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(print, "from a pool").result()

        connect(outer, starts)
        with record(recorder):
            outer.send("me")
        assert printed(recorder) == {"starts": "from a thread\nfrom a pool\n"}
        assert capsys.readouterr().out == ""

    def test_output_of_a_sync_receiver_of_an_async_sender_is_caught(
        self, recorder: Recorder, connect: Connect
    ) -> None:
        def in_a_thread(**kwargs: Any) -> None:
            print("sync")

        connect(outer, in_a_thread)
        with record(recorder):
            asyncio.run(outer.asend("me"))
        assert printed(recorder) == {"in_a_thread": "sync\n"}

    def test_what_failed_has_its_output_too(self, recorder: Recorder, connect: Connect) -> None:
        def fails(**kwargs: Any) -> None:
            print("so far")
            raise ValueError

        connect(outer, fails)
        with record(recorder), pytest.raises(ValueError):
            outer.send("me")
        assert printed(recorder) == {"fails": "so far\n"}

    def test_a_receiver_does_not_write_to_a_terminal(
        self, recorder: Recorder, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        connect(outer, lambda **kwargs: sys.stdout.isatty())
        with record(recorder):
            assert sys.stdout.isatty()
            outer.send("me")
        assert [response.value for response in recorder.trace.responses] == [False]

    def test_standard_output_is_what_it_was_when_recording_is_over(
        self, recorder: Recorder
    ) -> None:
        before = sys.stdout
        with record(recorder):
            assert sys.stdout is not before
        assert sys.stdout is before


class TestLaterFlushes:
    def test_what_a_receiver_adds_is_nested_under_it_when_it_is_written_later(
        self, recorder: Recorder, connect: Connect, session: Session
    ) -> None:
        def adds(session: Session, **kwargs: Any) -> None:
            session.add(Note(text="later"))

        connect(post_save, adds, Author)
        with record(recorder):
            session.add(Author(name="Ada"))
            session.commit()
        for signal in ("pre_init", "post_init", "pre_save", "post_save"):
            assert [cause(entry) for entry in sent(recorder, signal, "Note")] == ["adds"]
        assert cause(sent(recorder, "post_save", "Author")[0]) is None

    def test_what_a_receiver_changes_is_nested_under_it_when_it_is_written_later(
        self, recorder: Recorder, connect: Connect, session: Session
    ) -> None:
        note = Note(text="old")
        session.add(note)
        session.commit()

        def changes(**kwargs: Any) -> None:
            note.text = "new"

        connect(outer, changes)
        with record(recorder):
            outer.send("me")
            session.commit()
        assert [cause(entry) for entry in sent(recorder, "pre_save", "Note")] == ["changes"]
        assert [cause(entry) for entry in sent(recorder, "post_save", "Note")] == ["changes"]

    def test_what_a_receiver_deletes_is_nested_under_it_when_it_is_removed_later(
        self, recorder: Recorder, connect: Connect, session: Session
    ) -> None:
        note = Note(text="old")
        session.add(note)
        session.commit()

        def deletes(**kwargs: Any) -> None:
            session.delete(note)

        connect(outer, deletes)
        with record(recorder):
            outer.send("me")
            session.commit()
        assert [cause(entry) for entry in sent(recorder, "pre_delete", "Note")] == ["deletes"]
        assert [cause(entry) for entry in sent(recorder, "post_delete", "Note")] == ["deletes"]
        assert not post_delete.has_listeners(Note)

    def test_what_is_written_after_the_cause_was_written_has_a_cause_of_its_own(
        self, recorder: Recorder, connect: Connect, session: Session
    ) -> None:
        def adds(**kwargs: Any) -> None:
            session.add(Note(text="made"))

        connect(outer, adds)
        with record(recorder):
            outer.send("me")
            session.commit()
            note = session.exec(select(Note)).one()
            note.text = "changed by nobody"
            session.commit()
        causes = [cause(entry) for entry in sent(recorder, "post_save", "Note")]
        assert causes == ["adds", None]


class TestModels:
    def test_representing_a_model_neither_issues_sql_nor_records_dispatches(
        self, recorder: Recorder, connect: Connect, session: Session, engine: Engine
    ) -> None:
        connect(post_init, lambda **kwargs: None)
        author = Author(name="Ada")
        session.add(author)
        session.commit()
        assert "name" not in author.__dict__
        statements: list[str] = []
        event.listen(
            engine,
            "before_cursor_execute",
            lambda conn, cursor, statement, *rest: statements.append(statement),
        )
        with record(recorder):
            outer.send("me", instance=author, many=[author])
        assert statements == []
        assert outline(recorder.trace) == [("outer", "me", None)]
        assert "Author" in str(recorder.trace.dispatches[0].arguments["instance"])

    def test_a_str_that_loads_rows_records_no_dispatches(
        self, recorder: Recorder, session: Session
    ) -> None:
        class Talkative:
            def __repr__(self) -> str:
                outer.send("from repr")
                return "talkative"

        with record(recorder):
            outer.send("me", value=Talkative())
        assert outline(recorder.trace) == [("outer", "me", None)]
        assert recorder.trace.dispatches[0].arguments == {"value": "talkative"}

    def test_a_model_is_described_by_its_own_str_or_its_columns(
        self, recorder: Recorder, session: Session
    ) -> None:
        author = Author(name="Ada")
        note = Note(text="hello", api_key="hunter2")
        with record(recorder):
            outer.send("me", author=author, note=note)
        arguments = recorder.trace.dispatches[0].arguments
        assert arguments["author"] == "<Author Ada>"
        assert str(arguments["note"]).startswith("<Note ")
        assert "text='hello'" in str(arguments["note"])
        assert "hunter2" not in str(arguments)

    def test_an_instance_in_the_making_can_be_described(
        self, recorder: Recorder, connect: Connect, session: Session
    ) -> None:
        with record(recorder):
            session.add(Author(name="Ada"))
            session.flush()
        assert sent(recorder, "pre_save", "Author")[0].arguments["instance"] == "<Author Ada>"
        assert sent(recorder, "post_init", "Author")[0].arguments["instance"] == "<Author Ada>"
        assert pre_save.connections == []
