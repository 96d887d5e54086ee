"""Arguments reach receivers as they were given, whatever their names, however often they come."""

import keyword
import linecache
import sys
import threading
import traceback
from typing import Any

import pytest

from signalcli.dispatch import Signal
from signalcli.dispatch.calling import MOST_LOOPS

TIMES = 4  # the calls differ once names have come before


def echo(**named: Any) -> Any:
    return named


def failing(**named: Any) -> None:
    raise LookupError("lost")


@pytest.fixture
def signal() -> Signal:
    signal = Signal()
    signal.connect(echo)
    return signal


class Text(str):
    """A text that is no plain one."""

    __slots__ = ()


NAMES = {
    "of the loop itself": [
        *("receivers", "receiver", "named", "robust", "calls", "responses", "value", "error"),
        *("_0", "_1", "log_failure", "complete", "Exception", "call_each", "send", "names"),
    ],
    "keywords": keyword.kwlist,
    "soft keywords": keyword.softkwlist,
    "no identifiers": ["", " ", "two words", "1st", "a-b", "a.b", "*", "**", "a=1", "\n", "\0"],
    "of more than ASCII": ["größe", "名前"],
    "with another normal form": ["\N{LATIN SMALL LIGATURE FI}", "fi", "\N{KELVIN SIGN}", "K"],
    "of Python": ["__debug__", "__class__", "None", "print", "__import__"],
    "code": [
        "a=__import__('os').abort()",
        "a): __import__('os').abort() #",
        "__import__('os').abort()",
        "{values}",
        "{",
        "'",
        '"',
        "\\",
    ],
    "not of a plain text": [Text("text")],
    "very many": [f"name_{number}" for number in range(1_000)],
    "none": [],
}


@pytest.mark.parametrize("way", ["send", "send_robust"])
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_receivers_get_arguments_of_any_name(signal: Signal, names: list[str], way: str) -> None:
    for given in [names, *([name] for name in names[:40])]:
        named = {name: f"value of {name}" for name in given}
        for _ in range(TIMES):
            [(_, got)] = getattr(signal, way)("sender", **named)
            assert got == {**named, "signal": signal, "sender": "sender"}


def test_each_order_of_the_arguments_gives_each_its_own_value(signal: Signal) -> None:
    for _ in range(TIMES):
        for named in ({"a": 1, "b": 2}, {"b": 3, "a": 4}):
            [(_, got)] = signal.send(None, **named)
            assert got == {**named, "signal": signal, "sender": None}


def test_an_argument_that_the_signal_gives_itself_is_refused_each_time(signal: Signal) -> None:
    for _ in range(TIMES):
        with pytest.raises(TypeError, match="multiple values for keyword argument 'signal'"):
            signal.send(None, signal=signal, a=1)


def test_a_receiver_may_change_its_arguments_and_no_other_sees_it() -> None:
    signal = Signal()

    def changing(**named: Any) -> Any:
        named["a"] = "changed"
        named.clear()

    signal.connect(changing)
    signal.connect(echo)
    for _ in range(TIMES):
        assert signal.send(None, a=1)[1][1]["a"] == 1


def test_a_traceback_shows_the_call_with_its_arguments() -> None:
    signal = Signal()
    signal.connect(failing)
    for _ in range(TIMES):
        with pytest.raises(LookupError) as raised:
            signal.send(None, instance=1, created=True)
    linecache.checkcache()
    shown = "".join(traceback.format_exception(raised.value))
    assert "value = receiver(signal=signal, sender=sender, instance=_0, created=_1)" in shown
    assert "<signalcli.dispatch: receiver(" in shown


def lines_kept() -> int:
    return sum(name.startswith("<signalcli.dispatch: ") for name in linecache.cache)


def test_any_number_of_names_takes_so_much_memory_and_no_more(signal: Signal) -> None:
    for number in range(3 * MOST_LOOPS):
        for _ in range(TIMES):
            [(_, got)] = signal.send(None, **{f"name_{number}": number})
            assert got[f"name_{number}"] == number
    assert lines_kept() <= MOST_LOOPS + 2
    before = lines_kept()
    for number in range(MOST_LOOPS):
        signal.send(None, **{f"once_{number}": number})
    assert lines_kept() <= before, "what comes once was compiled"


def test_threads_that_send_many_names_at_once_get_their_own_values(signal: Signal) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    wrong: list[Any] = []

    def work(start: int) -> None:
        try:
            for number in range(start, start + 2 * MOST_LOOPS):
                name = f"thread_{number % (MOST_LOOPS + 20)}"
                for _ in range(3):
                    [(_, got)] = signal.send(start, **{name: number})
                    if got != {name: number, "signal": signal, "sender": start}:
                        wrong.append(got)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=[50 * number]) for number in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []
