"""Which dispatches share a row."""

import contextvars

import pytest

from signalcli.render.folding import FEWEST_REPEATED, Folding, Group
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


def numbers(groups: list[Group]) -> list[list[int]]:
    """The dispatches of the groups, of which those of unheard ones are counted down."""
    return [
        [dispatch.seq for dispatch in group.dispatches][:: -1 if group.is_unheard else 1]
        for group in groups
    ]


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
            once(recorder, "other")
        once(recorder, "paid")
        assert numbers(Folding(recorder.trace).roots()) == [[1, 3, 5, 7], [2, 4, 6, 8], [9]]
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
        groups = numbers(Folding(recorder.trace).roots())
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
        assert numbers(folding.roots()) == [[1, 3, 5, 7], [8, 6, 4, 2]]

    def test_how_many_they_caused_may_differ_but_not_which(self) -> None:
        recorder = Recorder()
        for count in (1, 2, 3, 4):
            cascade(recorder, count)
        folding = Folding(recorder.trace)
        ((group, _),) = folding.roots()
        assert len(group) == 4
        ((inner, _),) = folding.caused_by([dispatch.responses[0] for dispatch in group])
        assert len(inner) == 10
        # None of whose causes was heard, and of whose causes another one heard.
        cascade(recorder, 0)
        cascade(recorder, 1, ("shop.other",))
        cascade(recorder, 1, ())
        assert [len(group) for group, _ in Folding(recorder.trace).roots()] == [4, 1, 1, 1]

    def test_within_a_shared_row_even_one_of_a_kind_is_a_group(self) -> None:
        recorder = Recorder()
        one = cascade(recorder, 3)
        folding = Folding(recorder.trace)
        assert [len(group) for group, _ in folding.caused_by(one.responses)] == [1, 1, 1]
        four = [cascade(recorder, 1) for _ in range(4)]
        folding = Folding(recorder.trace)
        caused = folding.caused_by([dispatch.responses[0] for dispatch in four])
        assert [len(group) for group, _ in caused] == [4]

    def test_deep_cascades_are_compared_without_recursion(self) -> None:
        recorder = Recorder()

        def nest() -> None:
            for _ in range(5000):
                recorder.response_begun(begin(recorder), "shop.again")

        for _ in range(4):
            contextvars.copy_context().run(nest)
        ((group, _),) = Folding(recorder.trace).roots()
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
    def test_neighbours_share_a_row_at_their_place(self) -> None:
        recorder = Recorder()
        for receivers in ((), (), ("shop.greet",), ()):
            once(recorder, receivers=receivers)
        assert numbers(Folding(recorder.trace).roots()) == [[2, 1], [3], [4]]
        whole = Folding(recorder.trace, is_whole=True).roots()
        assert numbers(whole) == [[1], [2], [3], [4]]
        assert not any(group.is_unheard for group in whole)

    def test_a_row_has_one_cause(self) -> None:
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
        folding = Folding(recorder.trace)
        assert numbers(folding.roots()) == [[1], [2], [5]]
        assert numbers(folding.caused_by([first[0]])) == [[3]]
        assert numbers(folding.caused_by([second[0]])) == [[4]]

    def test_the_machinerys_keep_to_themselves(self) -> None:
        recorder = Recorder()
        machinery = dict.fromkeys((1, 2, 5), "signalcli.apps.signals.command_started")
        for seq in range(1, 6):
            begin(recorder, path=machinery.get(seq))
        assert numbers(Folding(recorder.trace).roots()) == [[2, 1], [4, 3], [5]]

    def test_those_that_repeat_stand_where_the_first_one_does(self) -> None:
        recorder = Recorder()
        for _ in range(4):
            for signal in ("pre_init", "pre_save"):
                once(recorder, signal, ())
            once(recorder)
        pre_init, pre_save = [10, 7, 4, 1], [11, 8, 5, 2]
        assert numbers(Folding(recorder.trace).roots()) == [[*pre_save, *pre_init], [3, 6, 9, 12]]

    def test_within_a_shared_row_they_share_one_too(self) -> None:
        recorder = Recorder()
        four = [cascade(recorder, 1, ()) for _ in range(4)]
        folding = Folding(recorder.trace)
        assert numbers(folding.roots()) == [[1, 3, 5, 7]]
        caused = folding.caused_by([dispatch.responses[0] for dispatch in four])
        assert numbers(caused) == [[8, 6, 4, 2]]
