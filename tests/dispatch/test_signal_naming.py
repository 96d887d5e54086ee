"""A signal knows its own name and where it was defined, without being told."""

import inspect
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from signalcli.dispatch import Signal

a_global = Signal()
a_global_line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]  # CPython has it


class Owner:
    an_attribute = Signal()

    class Inner:
        an_attribute = Signal()


class OwnSignal(Signal):
    def __init__(self, colour: str) -> None:
        super().__init__(providing_args=["colour"])
        self.colour = colour


class DeeperSignal(OwnSignal):
    def __init__(self) -> None:
        super().__init__("blue")


of_a_subclass = OwnSignal("red")
of_a_deeper_subclass = DeeperSignal()
of_a_deeper_subclass_line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]


class Holder:
    """An object whose constructor makes a signal, which is not that signal's own."""

    def __init__(self) -> None:
        self.signal = Signal()


lent = Signal()


class Borrower:
    borrowed = lent


@pytest.mark.parametrize(
    ("signal", "name"),
    [
        (a_global, "a_global"),
        (Owner.an_attribute, "Owner.an_attribute"),
        (Owner.Inner.an_attribute, "Owner.Inner.an_attribute"),
        (of_a_subclass, "of_a_subclass"),
        (of_a_deeper_subclass, "of_a_deeper_subclass"),
    ],
    ids=repr,
)
def test_a_signal_has_the_name_that_it_was_given(signal: Signal, name: str) -> None:
    assert signal.name == name
    assert signal.module == __name__
    assert signal.path == f"{__name__}.{name}"
    assert repr(signal) == f"<{type(signal).__name__} {__name__}.{name}>"


def test_a_signal_knows_the_file_and_line_that_defined_it() -> None:
    assert a_global.place == (__file__, a_global_line)


def test_the_place_of_a_subclass_is_where_it_is_made_not_its_own_constructor() -> None:
    assert of_a_deeper_subclass.place == (__file__, of_a_deeper_subclass_line)


def test_the_place_within_another_objects_constructor_is_that_constructor() -> None:
    assert Holder().signal.place == (
        __file__,
        Holder.__init__.__code__.co_firstlineno + 1,
    )


def test_a_local_signal_is_named_by_its_type_and_line() -> None:
    local = Signal()
    _, line = local.place

    assert local.name == f"signal@{line}"
    assert DeeperSignal().name.startswith("deepersignal@")


def test_a_signal_that_is_asked_for_its_name_too_early_still_gets_it() -> None:
    module = ModuleType("a_module_of_the_test")
    vars(module)["Signal"] = Signal
    sys.modules[module.__name__] = module
    try:
        exec("waiting = [Signal()]\nearly = waiting[0].name\nnamed = waiting[0]", vars(module))
        assert vars(module)["early"] == "signal@1"
        assert vars(module)["named"].name == "named"
    finally:
        del sys.modules[module.__name__]


def test_a_signal_lent_to_a_class_keeps_the_name_that_it_was_defined_with() -> None:
    assert Borrower.borrowed is lent
    assert lent.name == "lent"


def test_a_signal_of_a_module_that_is_gone_is_named_by_its_line() -> None:
    namespace: dict[str, Any] = {"__name__": "a_module_that_never_was", "Signal": Signal}
    exec("\n\nlost = Signal()", namespace)

    assert namespace["lost"].name == "signal@3"
    assert namespace["lost"].path == "a_module_that_never_was.signal@3"


def test_importing_the_dispatcher_pulls_in_neither_a_database_nor_a_terminal_nor_a_loop() -> None:
    program = "import sys, signalcli.dispatch; print(*{name.split('.')[0] for name in sys.modules})"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "signalcli" in loaded
    assert not {
        "sqlmodel", "sqlalchemy", "rich", "typer", "pydantic", "asgiref", "asyncio"
    }.intersection(loaded)  # fmt: skip
