"""Watching: an observer is told what happens, in order, and changes nothing."""

import asyncio
import contextvars
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from signalcli.dispatch import Interceptor, Receiver, Signal, watch, watching

WAYS = ["send", "send_robust", "asend", "asend_robust"]
every_way = pytest.mark.parametrize("way", WAYS)

current: contextvars.ContextVar[str | None] = contextvars.ContextVar("current", default=None)


class Recorder:
    """An observer that writes down what it is told, and what runs, in a context variable.

    A variable can only be reset in the context that set it, so each recording also proves that a
    response ends in the context that it began in.
    """

    def __init__(self, log: list[str] | None = None, name: str = "") -> None:
        self.log: list[str] = [] if log is None else log
        self.name = name
        self.told: list[tuple[Signal, Any, dict[str, Any], bool]] = []
        self.errors: list[BaseException | None] = []
        self.values: list[Any] = []

    def dispatch_begun(
        self, signal: Signal, sender: Any, named: dict[str, Any], robust: bool
    ) -> str:
        self.told.append((signal, sender, dict(named), robust))
        title = f"{signal.name.partition('@')[0]} for {sender}"
        parent = current.get()
        self.write(f"{title} begins" + (f" under {parent}" if parent else ""))
        return title

    def dispatch_ended(self, dispatch: str, error: BaseException | None) -> None:
        self.errors.append(error)
        self.write(f"{dispatch} ends" + (f" with {error!r}" if error else ""))

    def response_begun(self, dispatch: str, receiver: Any) -> tuple[str, Any]:
        title = receiver.__name__
        self.write(f"{title} begins in {dispatch}")
        return title, current.set(title)

    def response_ended(
        self, response: tuple[str, Any], value: Any, error: BaseException | None
    ) -> None:
        title, token = response
        current.reset(token)
        self.values.append(value)
        self.errors.append(error)
        self.write(f"{title} ends with {error if error else value!r}")

    def cause(self) -> str | None:
        return current.get()

    @contextmanager
    def caused_by(self, cause: str | None) -> Iterator[None]:
        token = current.set(cause)
        yield
        current.reset(token)

    def write(self, line: str) -> None:
        self.log.append(self.name + line)


class Named(Signal):
    """A signal that shows in a recording under a name of its own."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._given = name

    @property
    def name(self) -> str:
        return self._given


def dispatch(signal: Signal, way: str, sender: Any = None, /, **named: Any) -> Any:
    sending = getattr(signal, way)(sender, **named)
    return asyncio.run(sending) if way.startswith("a") else sending


def one(**named: Any) -> int:
    return 1


def two(**named: Any) -> int:
    return 2


async def three(**named: Any) -> int:
    return 3


def failing(**named: Any) -> None:
    raise LookupError("lost")


async def failing_async(**named: Any) -> None:
    raise LookupError("lost")


@pytest.fixture
def signal() -> Signal:
    return Named("news")


# --- what an observer is told -----------------------------------------------------------------


@every_way
def test_an_observer_is_told_when_a_dispatch_and_each_response_begin_and_end(
    signal: Signal, way: str
) -> None:
    for each in (three, one, two):
        signal.connect(each)
    recorder = Recorder()

    with watch(recorder):
        responses = dispatch(signal, way, "sender")

    assert responses == [(one, 1), (two, 2), (three, 3)]
    assert recorder.log == [
        "news for sender begins",
        "one begins in news for sender",
        "one ends with 1",
        "two begins in news for sender",
        "two ends with 2",
        "three begins in news for sender",
        "three ends with 3",
        "news for sender ends",
    ]


@every_way
def test_an_observer_is_told_who_sends_what_and_whether_robustly(signal: Signal, way: str) -> None:
    signal.connect(one)
    recorder = Recorder()

    with watch(recorder):
        dispatch(signal, way, "sender", email="a@b.c")

    assert recorder.told == [(signal, "sender", {"email": "a@b.c"}, "robust" in way)]


@every_way
def test_a_dispatch_that_nobody_receives_is_seen_as_well(signal: Signal, way: str) -> None:
    recorder = Recorder()

    with watch(recorder):
        assert dispatch(signal, way, "sender") == []

    assert recorder.log == ["news for sender begins", "news for sender ends"]


@pytest.mark.parametrize("receiver", [failing, failing_async])
@pytest.mark.parametrize("way", ["send", "asend"])
def test_the_exception_that_stops_a_dispatch_is_seen_and_propagates_unchanged(
    signal: Signal, way: str, receiver: Any
) -> None:
    signal.connect(receiver)
    recorder = Recorder()

    with watch(recorder), pytest.raises(LookupError) as raised:
        dispatch(signal, way)

    assert len(recorder.errors) == 2
    assert all(error is raised.value for error in recorder.errors)
    assert raised.value.__cause__ is None
    assert recorder.log[-1] == "news for None ends with LookupError('lost')"


@pytest.mark.parametrize("receiver", [failing, failing_async])
@pytest.mark.parametrize("way", ["send_robust", "asend_robust"])
def test_a_robust_dispatch_shows_the_exception_with_its_response_and_ends_without_one(
    signal: Signal, way: str, receiver: Any
) -> None:
    signal.connect(receiver)
    recorder = Recorder()

    with watch(recorder):
        [(who, error)] = dispatch(signal, way)

    assert who is receiver
    assert recorder.errors[0] is error
    assert recorder.errors[1] is None
    assert recorder.values == [None]


def test_a_response_that_is_cancelled_ends_too(signal: Signal) -> None:
    async def endless(**named: Any) -> None:
        await asyncio.Event().wait()

    signal.connect(endless)
    signal.connect(failing_async)
    recorder = Recorder()

    with watch(recorder), pytest.raises(LookupError):
        dispatch(signal, "asend")

    assert [type(error) for error in recorder.errors] == [
        LookupError,
        asyncio.CancelledError,
        LookupError,
    ]


@every_way
def test_a_dispatch_sent_by_a_receiver_lies_within_its_response(signal: Signal, way: str) -> None:
    inner = Named("echo")
    inner.connect(one)

    def sending(**named: Any) -> int:
        return len(inner.send("sending"))

    async def asending(**named: Any) -> int:
        return len(await inner.asend("asending"))

    signal.connect(sending)
    signal.connect(asending)
    recorder = Recorder()

    with watch(recorder):
        dispatch(signal, way, "sender")

    assert recorder.log == [
        "news for sender begins",
        "sending begins in news for sender",
        "echo for sending begins under sending",
        "one begins in echo for sending",
        "one ends with 1",
        "echo for sending ends",
        "sending ends with 1",
        "asending begins in news for sender",
        "echo for asending begins under asending",
        "one begins in echo for asending",
        "one ends with 1",
        "echo for asending ends",
        "asending ends with 1",
        "news for sender ends",
    ]


@every_way
def test_dispatches_of_concurrent_receivers_each_lie_within_their_own(
    signal: Signal, way: str
) -> None:
    inner = Named("echo")
    met: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]

    async def first(**named: Any) -> None:
        met[0].set()
        await met[1].wait()
        await inner.asend("first")

    async def second(**named: Any) -> None:
        met[1].set()
        await met[0].wait()
        await inner.asend("second")

    signal.connect(first)
    signal.connect(second)
    recorder = Recorder()

    with watch(recorder):
        dispatch(signal, way, "sender")

    assert recorder.log[:3] == [
        "news for sender begins",
        "first begins in news for sender",
        "second begins in news for sender",
    ]
    assert "echo for first begins under first" in recorder.log
    assert "echo for second begins under second" in recorder.log
    assert recorder.log[-1] == "news for sender ends"
    assert current.get() is None


@every_way
def test_every_observer_is_told_and_the_later_ones_within_the_earlier_responses(
    signal: Signal, way: str
) -> None:
    signal.connect(one)
    log: list[str] = []

    with watch(Recorder(log, "A: ")), watch(Recorder(log, "B: ")):
        dispatch(signal, way)

    assert log[:6] == [
        "A: news for None begins",
        "B: news for None begins",
        "A: one begins in news for None",
        "B: one begins in news for None",
        "B: one ends with 1",
        "A: one ends with 1",
    ]
    assert sorted(log[6:]) == ["A: news for None ends", "B: news for None ends"]


def test_an_observer_is_told_nothing_before_and_after_watching(signal: Signal) -> None:
    signal.connect(one)
    recorder = Recorder()

    signal.send(None)
    with pytest.raises(LookupError), watch(recorder):
        failing()
    signal.send(None)

    assert recorder.log == []


def test_an_observer_that_stops_watching_during_a_dispatch_is_told_of_its_end(
    signal: Signal,
) -> None:
    recorder = Recorder()
    watching_now = watch(recorder)

    def stopping(**named: Any) -> None:
        watching_now.__exit__(None, None, None)

    signal.connect(stopping)
    watching_now.__enter__()
    signal.send(None)

    assert recorder.log[-1] == "news for None ends"


def test_one_of_two_observers_may_stop_first(signal: Signal) -> None:
    leaving, staying = Recorder(), Recorder()
    watching_first = watch(leaving)

    watching_first.__enter__()
    with watch(staying):
        watching_first.__exit__(None, None, None)
        signal.send(None)

    assert leaving.log == []
    assert len(staying.log) == 2


# --- coming between ----------------------------------------------------------------------------


class Substitute(Interceptor):
    """Has others called in the receivers' stead."""

    def instead_of(self, receiver: Receiver, is_async: bool) -> Receiver:
        async def later(**named: Any) -> str:
            return f"{await receiver(**named)}, awaited"

        def now(**named: Any) -> str:
            return f"{receiver(**named)}, called"

        return later if is_async else now


class Silencer(Interceptor):
    """Has signals reach nobody."""

    def silences(self, signal: Signal) -> bool:
        return True


@every_way
def test_an_interceptor_says_what_is_called_in_a_receivers_stead(signal: Signal, way: str) -> None:
    def first(**named: Any) -> str:
        return "first"

    async def second(**named: Any) -> str:
        return "second"

    recorder = Recorder()
    signal.connect(first)
    signal.connect(second)
    with watch(recorder), watch(Substitute()), watch(Substitute()):
        responses = dispatch(signal, way)
    assert responses == [
        (first, "first, called, called"),
        (second, "second, awaited, awaited"),
    ]
    assert recorder.values == [value for _, value in responses]
    assert dispatch(signal, way) == [(first, "first"), (second, "second")]


@every_way
def test_an_interceptor_may_have_a_dispatch_reach_nobody(signal: Signal, way: str) -> None:
    recorder = Recorder()
    signal.connect(one)
    with watch(recorder), watch(Silencer()), watch(Interceptor()):
        assert dispatch(signal, way) == []
    assert len(recorder.log) == 2


# --- what watching leaves alone ---------------------------------------------------------------


@every_way
def test_a_muted_signal_shows_nothing_to_observers(signal: Signal, way: str) -> None:
    signal.connect(one)
    recorder = Recorder()

    with watch(recorder):
        with signal.muted(), signal.muted():
            assert dispatch(signal, way) == []
        assert recorder.log == []
        dispatch(signal, way)

    assert len(recorder.log) == 4


@every_way
def test_a_watched_sender_that_reaches_nobody_may_send_what_an_unwatched_one_may(
    signal: Signal, way: str
) -> None:
    assert dispatch(signal, way, None, signal="mine") == []

    with watch(Recorder()):
        assert dispatch(signal, way, None, signal="mine") == []


@every_way
def test_watched_receivers_get_the_same_arguments(signal: Signal, way: str) -> None:
    def echo(**named: Any) -> Any:
        return named

    signal.connect(echo)
    with watch(Recorder()):
        [(_, named)] = dispatch(signal, way, "sender", email="a@b.c")

    assert named == {"signal": signal, "sender": "sender", "email": "a@b.c"}


def test_watched_weak_receivers_are_not_kept_alive(signal: Signal) -> None:
    def dying(**named: Any) -> None: ...

    signal.connect(dying)
    with watch(Recorder()):
        assert len(signal.send(None)) == 1
        del dying
        assert signal.send(None) == []


def test_a_signal_that_is_watched_is_not_idle(signal: Signal) -> None:
    assert signal.is_idle
    with watch(Recorder()):
        assert not signal.is_idle
    assert signal.is_idle


# --- causes -----------------------------------------------------------------------------------


def test_what_runs_now_can_be_named_as_the_cause_of_a_later_dispatch(signal: Signal) -> None:
    later = Named("later")
    causes: list[watching.Cause] = []

    def noting(**named: Any) -> None:
        causes.append(watching.cause())

    signal.connect(noting)
    first, second = Recorder(), Recorder()

    with watch(first), watch(second):
        signal.send(None)
        later.send("before")
        with watching.caused_by(causes[0]):
            later.send("within")
        later.send("after")

    for recorder in (first, second):
        begun = [line for line in recorder.log if line.startswith("later") and "begins" in line]
        assert begun == [
            "later for before begins",
            "later for within begins under noting",
            "later for after begins",
        ]


def test_without_observers_there_is_no_cause() -> None:
    assert watching.cause() == ()
    with watching.caused_by(()):
        assert current.get() is None


def test_who_asked_is_told_whenever_somebody_begins_or_stops_watching() -> None:
    watched: list[int] = []
    watching.on_change(lambda: watched.append(len(watching.observers)))

    with watch(Recorder()), watch(Recorder()):
        assert watched == [1, 2]

    assert watched == [1, 2, 1, 0]


# --- signals that nobody hears -----------------------------------------------------------------


@every_way
def test_a_signal_made_while_somebody_watches_is_seen_until_the_watching_ends(way: str) -> None:
    recorder = Recorder()
    with watch(recorder):
        signal = Named("news")
        dispatch(signal, way)
    dispatch(signal, way)
    assert recorder.log == ["news for None begins", "news for None ends"]


@every_way
def test_a_signal_is_heard_as_soon_and_as_long_as_somebody_is_connected_or_watches(
    signal: Signal, way: str
) -> None:
    recorder = Recorder()
    assert dispatch(signal, way) == []
    with watch(recorder):
        signal.connect(one)
        signal.disconnect(one)
        signal.connect(two)
    assert dispatch(signal, way) == [(two, 2)]
    signal.disconnect(two)
    assert dispatch(signal, way) == []
    with watch(recorder), signal.connected_to(one):
        assert dispatch(signal, way) == [(one, 1)]
    assert dispatch(signal, way) == []
    assert recorder.told == [(signal, None, {}, "robust" in way)]


def test_no_receiver_is_missed_where_connecting_and_watching_come_and_go_in_many_threads(
    signal: Signal,
) -> None:
    missed: list[int] = []

    def connect_and_send(number: int) -> None:
        def mine(**named: Any) -> int:
            return number

        for _ in range(150):
            signal.connect(mine)
            if (mine, number) not in signal.send(None):
                missed.append(number)
            signal.disconnect(mine)

    def come_and_go() -> None:
        for _ in range(150):
            recorder = Recorder()
            with watch(recorder):
                signal.send("watched")
            if "news for watched begins" not in recorder.log:
                missed.append(-1)

    threads = [threading.Thread(target=connect_and_send, args=[number]) for number in range(3)]
    threads.append(threading.Thread(target=come_and_go))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == []
    assert signal.send(None) == []


class Counting(Recorder):
    """An observer that also hears of receivers that were not called."""

    def not_called(self, dispatch: str, receivers: Sequence[Receiver]) -> None:
        names = ", ".join(getattr(receiver, "__name__", "?") for receiver in receivers)
        self.write(f"{names} not called in {dispatch}")


class TestNotCalled:
    """Receivers that a failure keeps from being called."""

    @staticmethod
    def told(way: str, *receivers: Receiver) -> tuple[list[str], list[str]]:
        """What an observer with the method, and one without it, are told of."""
        signal = Named("saved")
        for receiver in receivers:
            signal.connect(receiver)
        counting, plain = Counting(), Recorder()
        with watch(plain), watch(counting), suppress(ValueError):
            if way.startswith("a"):
                asyncio.run(getattr(signal, way)("User"))
            else:
                getattr(signal, way)("User")
        return [line for line in counting.log if "not called" in line], plain.log

    @pytest.mark.parametrize("way", ["send", "asend"])
    def test_those_behind_the_failing_one_are_told_of_before_the_end(self, way: str) -> None:
        def first(**kwargs: Any) -> None:
            pass

        def fails(**kwargs: Any) -> None:
            raise ValueError

        def second(**kwargs: Any) -> None:
            pass

        async def third(**kwargs: Any) -> None:
            pass

        told, plain = self.told(way, first, third, fails, second)
        assert told == ["second, third not called in saved for User"]
        assert plain[-1] == "saved for User ends with ValueError()"
        assert not any("not called" in line for line in plain)

    def test_of_async_receivers_all_are_called(self) -> None:
        async def fails(**kwargs: Any) -> None:
            raise ValueError

        async def waits(**kwargs: Any) -> None:
            await asyncio.sleep(0)

        assert self.told("asend", fails, waits)[0] == []

    @every_way
    def test_where_the_last_one_fails_or_none_does_none_is_left(self, way: str) -> None:
        def first(**kwargs: Any) -> None:
            pass

        def fails(**kwargs: Any) -> None:
            raise ValueError

        assert self.told(way, first)[0] == []
        assert self.told(way, first, fails)[0] == []

    @pytest.mark.parametrize("way", ["send_robust", "asend_robust"])
    def test_a_robust_dispatch_calls_all_of_them(self, way: str) -> None:
        def fails(**kwargs: Any) -> None:
            raise ValueError

        def second(**kwargs: Any) -> None:
            pass

        assert self.told(way, fails, second)[0] == []
