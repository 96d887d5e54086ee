"""Which dispatches share a row, and how those without a row are told of."""

import contextvars

import pytest

from signalcli.render.folding import FEWEST_REPEATED, MOST_STRETCHES, Folding, told
from signalcli.trace import Dispatch, Injection, Recorder
from tests.render.traces import begin, once, raised, respond


def cascade(recorder: Recorder, causes: int, inner: tuple[str, ...] = ("shop.count",)) -> Dispatch:
    """A dispatch whose receiver causes some others."""
    dispatch = begin(recorder)
    begun = recorder.response_begun(dispatch, "shop.greet")
    for _ in range(causes):
        once(recorder, "counted", inner)
    recorder.response_ended(begun, None, None)
    recorder.dispatch_ended(dispatch)
    return dispatch


def numbers(groups: list[list[Dispatch]]) -> list[list[int]]:
    return [[dispatch.seq for dispatch in group] for group in groups]


class TestGroups:
    @pytest.mark.parametrize("count", range(1, 8))
    def test_four_that_are_alike_share_a_row_and_fewer_do_not(self, count: int) -> None:
        recorder = Recorder()
        for _ in range(count):
            once(recorder)
        groups = numbers(Folding(recorder.trace).roots())
        everything = list(range(1, count + 1))
        assert FEWEST_REPEATED == 4
        assert groups == ([everything] if count >= 4 else [[number] for number in everything])

    def test_a_group_stands_where_its_first_one_does_whatever_is_between(self) -> None:
        recorder = Recorder()
        for _ in range(4):
            once(recorder)
            once(recorder, "other", ())
        once(recorder, "paid")
        assert numbers(Folding(recorder.trace).roots()) == [[1, 3, 5, 7], [9]]
        assert numbers(Folding(recorder.trace, is_whole=True).roots()) == [
            [number] for number in range(1, 10)
        ]

    def test_what_differs_is_not_alike(self) -> None:
        recorder = Recorder()
        for _ in range(3):
            once(recorder)
        once(recorder, sender="Profile")
        once(recorder, sender=None)
        once(recorder, "other")
        once(recorder, receivers=("shop.leave",))
        once(recorder, receivers=("shop.greet", "shop.leave"))
        robust = begin(recorder, robust=True)
        respond(recorder, robust)
        elsewhere = begin(recorder, path="garden.saved")
        respond(recorder, elsewhere)
        failing = begin(recorder)
        respond(recorder, failing, error=raised(ValueError("no")))
        other = begin(recorder)
        respond(recorder, other, error=raised(LookupError("no")))
        delayed = begin(recorder)
        begun = recorder.response_begun(delayed, "shop.greet", injected=Injection(delay=1.0))
        recorder.response_ended(begun, None, None)
        uncalled = once(recorder)
        uncalled.not_called = ("shop.leave",)
        running = begin(recorder)
        contextvars.copy_context().run(recorder.response_begun, running, "shop.greet")
        groups = Folding(recorder.trace).roots()
        assert all(len(group) == 1 for group in groups)
        assert len(groups) == len(recorder.trace.dispatches) == 15

    def test_values_outputs_and_messages_may_differ(self) -> None:
        recorder = Recorder()
        for number in range(4):
            dispatch = begin(recorder, number=number)
            respond(recorder, dispatch, value=number, output=f"n{number}")
            respond(recorder, dispatch, "shop.fail", error=raised(ValueError(str(number))))
        assert numbers(Folding(recorder.trace).roots()) == [[1, 2, 3, 4]]

    def test_muted_ones_share_a_row_among_themselves(self) -> None:
        recorder = Recorder()
        for number in range(8):
            recorder.dispatch_begun(
                signal="told",
                signal_path="shop.told",
                sender=None,
                arguments={},
                robust=False,
                muted=number % 2 == 0,
            )
        folding = Folding(recorder.trace)
        assert numbers(folding.roots()) == [[1, 3, 5, 7]]
        assert [dispatch.seq for dispatch in folding.unheard] == [2, 4, 6, 8]

    def test_how_many_they_caused_may_differ_but_not_which(self) -> None:
        recorder = Recorder()
        for count in (1, 2, 3, 4):
            cascade(recorder, count)
        folding = Folding(recorder.trace)
        (group,) = folding.roots()
        assert len(group) == 4
        (inner,) = folding.caused_by([dispatch.responses[0] for dispatch in group])
        assert len(inner) == 10
        # None of whose causes was heard, and of whose causes another one heard.
        cascade(recorder, 0)
        cascade(recorder, 1, ("shop.other",))
        cascade(recorder, 1, ())
        assert [len(group) for group in Folding(recorder.trace).roots()] == [4, 1, 1, 1]

    def test_within_a_shared_row_even_one_of_a_kind_is_a_group(self) -> None:
        recorder = Recorder()
        one = cascade(recorder, 3)
        folding = Folding(recorder.trace)
        assert [len(group) for group in folding.caused_by(one.responses)] == [1, 1, 1]
        four = [cascade(recorder, 1) for _ in range(4)]
        folding = Folding(recorder.trace)
        caused = folding.caused_by([dispatch.responses[0] for dispatch in four])
        assert [len(group) for group in caused] == [4]

    def test_deep_cascades_are_compared_without_recursion(self) -> None:
        recorder = Recorder()

        def nest() -> None:
            for _ in range(5000):
                recorder.response_begun(begin(recorder), "shop.again")

        for _ in range(4):
            contextvars.copy_context().run(nest)
        (group,) = Folding(recorder.trace).roots()
        assert len(group) == 4

    def test_what_begins_while_the_trace_is_read_is_left_for_the_next_time(self) -> None:
        recorder = Recorder()
        dispatch = begin(recorder)
        begun = recorder.response_begun(dispatch, "shop.greet")
        folding = Folding(recorder.trace)
        once(recorder, "counted")
        assert folding.caused_by(dispatch.responses) == []
        assert len(Folding(recorder.trace).caused_by(dispatch.responses)) == 1
        recorder.response_ended(begun, None, None)


class TestUnheard:
    def test_they_are_told_of_in_stretches_in_the_order_of_the_run(self) -> None:
        recorder = Recorder()
        for receivers in ((), (), ("shop.greet",), ()):
            once(recorder, receivers=receivers)
        stretches = told(Folding(recorder.trace).unheard)
        assert [[each.seq for each in stretch.dispatches] for stretch in stretches] == [[1, 2], [4]]
        assert not any(stretch.is_crowd or stretch.cause for stretch in stretches)

    def test_a_stretch_has_one_cause(self) -> None:
        recorder = Recorder()
        once(recorder, receivers=())
        dispatch = begin(recorder)
        first = recorder.response_begun(dispatch, "shop.greet")
        once(recorder, receivers=())
        recorder.response_ended(first, None, None)
        second = recorder.response_begun(dispatch, "shop.count")
        once(recorder, receivers=())
        recorder.response_ended(second, None, None)
        recorder.dispatch_ended(dispatch)
        once(recorder, receivers=())
        stretches = told(Folding(recorder.trace).unheard)
        assert [stretch.cause for stretch in stretches] == [None, first[0], second[0], None]

    @pytest.mark.parametrize("count", [MOST_STRETCHES, MOST_STRETCHES + 1])
    def test_of_many_stretches_those_of_a_sender_are_told_together(self, count: int) -> None:
        recorder = Recorder()
        for _ in range(count):
            once(recorder, receivers=())
            once(recorder)
        stretches = told(Folding(recorder.trace).unheard)
        assert len(stretches) == (count if count == MOST_STRETCHES else 1)
        assert all(stretch.is_crowd is (count > MOST_STRETCHES) for stretch in stretches)
