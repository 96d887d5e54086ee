"""What is connected, as it is listed."""

import asyncio
import functools
import gc
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from signalcli.apps import Apps
from signalcli.apps.inventory import (
    ConnectionEntry,
    SignalEntry,
    find_connections,
    find_signals,
)
from signalcli.db import post_save
from signalcli.dispatch import DeadReceiverWarning, all_signals
from signalcli.errors import NotFound

SIGNALS = """\
from signalcli.dispatch import Signal

ordered = Signal(providing_args=["order", "price"])
silent = Signal()
bare = Signal(providing_args=[])

class Desk:
    rung = Signal()
"""


class Customer:
    pass


class Bell:
    def ring(self, **named: Any) -> None: ...

    def __call__(self, **named: Any) -> None: ...


def plain(**named: Any) -> None: ...


async def later(**named: Any) -> None: ...


def needy(extra: str, **named: Any) -> None: ...


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def around(**named: Any) -> Any:
        return function(**named)

    return around


@decorated
def within(**named: Any) -> str:
    """Stands in the source."""
    return "within"


class ByName:
    """A sender that is no class and has no name."""

    def __repr__(self) -> str:
        return "<the one and only>"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The signals module of an app; the app, and another package that is none, can be imported."""
    gc.collect()  # the shop of the test before
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    for package in ("bazaar", "bazaarlike"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "signals.py").write_text(SIGNALS)
    import bazaar.signals  # type: ignore[import-not-found]  # made above
    import bazaarlike.signals  # type: ignore[import-not-found]  # made above

    made = [
        signal
        for module in (bazaar.signals, bazaarlike.signals)
        for signal in (module.ordered, module.silent, module.bare, module.Desk.rung)
    ]
    yield bazaar.signals
    # Where the modules stay in memory a while, no later test is to find their connections.
    for signal in made:
        for connection in signal.connections:
            signal.disconnect(connection.receiver, connection.sender, connection.dispatch_uid)
    for name in set(sys.modules) - before:
        # What libraries imported meanwhile is theirs to keep.
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.fixture
def installed(shop: ModuleType) -> Apps:
    apps = Apps()
    apps.populate(["bazaar"])
    return apps


def entry_of(installed: Apps, receiver: str = "*") -> ConnectionEntry:
    (entry,) = find_connections("bazaar.*", receiver=receiver, installed=installed)
    return entry


class TestSignals:
    def test_those_of_signalcli_and_of_installed_apps_are_found_in_the_order_of_making(
        self, installed: Apps
    ) -> None:
        paths = [entry.path for entry in find_signals(installed=installed)]
        assert paths[:6] == [
            f"signalcli.db.signals.{name}_{what}"
            for what in ("init", "save", "delete")
            for name in ("pre", "post")
        ]
        assert paths[-4:] == [
            "bazaar.signals.ordered",
            "bazaar.signals.silent",
            "bazaar.signals.bare",
            "bazaar.signals.Desk.rung",
        ]

    def test_those_of_other_packages_are_not(self, installed: Apps) -> None:
        assert any(signal.module == "bazaarlike.signals" for signal in all_signals())
        packages = {entry.path.split(".")[0] for entry in find_signals(installed=installed)}
        assert packages == {"signalcli", "bazaar"}

    def test_an_app_that_is_not_installed_is_not_looked_into(self, shop: ModuleType) -> None:
        packages = {entry.path.split(".")[0] for entry in find_signals(installed=Apps())}
        assert packages == {"signalcli"}

    def test_a_signal_is_described(self, installed: Apps, shop: ModuleType) -> None:
        assert find_signals("ordered", installed=installed) == [
            SignalEntry(
                name="ordered",
                path="bazaar.signals.ordered",
                file=str(shop.__file__),
                line=3,
                arguments=("order", "price"),
                connections=(),
            )
        ]

    def test_what_a_signal_does_not_say_is_not_what_it_does_not_provide(
        self, installed: Apps
    ) -> None:
        arguments = [entry.arguments for entry in find_signals("bazaar.*", installed=installed)]
        assert arguments == [("order", "price"), None, (), None]

    @pytest.mark.parametrize(
        ("pattern", "names"),
        [
            ("silent", ["silent"]),
            ("bazaar.signals.silent", ["silent"]),
            ("bazaar*e*", ["ordered", "silent", "bare", "Desk.rung"]),
            ("Desk.*", ["Desk.rung"]),
            ("[sb]?[rl]*[et]", ["silent", "bare"]),
            ("?????ed", ["ordered"]),
        ],
    )
    def test_a_glob_is_matched_by_the_short_or_the_full_name(
        self, installed: Apps, pattern: str, names: list[str]
    ) -> None:
        assert [entry.name for entry in find_signals(pattern, installed=installed)] == names

    @pytest.mark.parametrize("pattern", ["", "SILENT", "signals.silent", "silen", "signalcli"])
    def test_a_glob_that_nothing_matches_is_refused(self, installed: Apps, pattern: str) -> None:
        with pytest.raises(NotFound, match=f"there is no signal that matches '{pattern}'"):
            find_signals(pattern, installed=installed)

    def test_unused_ones_are_those_that_nobody_is_connected_to(
        self, installed: Apps, shop: ModuleType
    ) -> None:
        def unused(pattern: str) -> list[str]:
            found = find_signals(pattern, unused=True, installed=installed)
            return [entry.name for entry in found]

        shop.silent.connect(plain)
        assert unused("bazaar.*") == ["ordered", "bare", "Desk.rung"]
        assert unused("silent") == []

    def test_a_signal_that_is_gone_is_not_listed(self, installed: Apps, shop: ModuleType) -> None:
        del shop.silent
        gc.collect()
        with pytest.raises(NotFound):
            find_signals("silent", installed=installed)


class TestConnections:
    def test_a_connection_is_described(self, installed: Apps, shop: ModuleType) -> None:
        shop.ordered.connect(plain, sender=Customer, dispatch_uid="once")
        assert entry_of(installed) == ConnectionEntry(
            signal="ordered",
            signal_path="bazaar.signals.ordered",
            sender="Customer",
            sender_path=f"{__name__}.Customer",
            sender_exists=True,
            receiver=f"{__name__}.plain",
            file=__file__,
            line=plain.__code__.co_firstlineno,
            weak=True,
            is_async=False,
            dispatch_uid="once",
        )

    def test_the_order_is_that_of_a_dispatch(self, installed: Apps, shop: ModuleType) -> None:
        bell = Bell()

        async def at_last(**named: Any) -> None: ...

        order = [later, plain, at_last, bell.ring, bell, within]
        for receiver in order:
            shop.silent.connect(receiver)
        listed = [entry.short_receiver for entry in find_connections("silent", installed=installed)]
        assert listed == ["plain", "ring", "Bell", "within", "later", "at_last"]
        sent = [receiver for receiver, _ in asyncio.run(shop.silent.asend(None))]
        assert sent == [plain, bell.ring, bell, within, later, at_last]

    def test_a_dead_receiver_and_a_dead_sender_end_a_connection(
        self, installed: Apps, shop: ModuleType
    ) -> None:
        with pytest.warns(DeadReceiverWarning, match="Bell.ring died"):
            shop.silent.connect(Bell().ring)
        shop.silent.connect(plain, sender=type("Passing", (), {}))
        gc.collect()
        assert find_connections("silent", installed=installed) == []

    @pytest.mark.parametrize(
        ("uid", "text"),
        [
            (None, None),
            ("once\x1b[2J", "once\x1b[2J"),
            (("a", 1), "('a', 1)"),
            (7, "7"),
            (ByName(), "<the one and only>"),
        ],
        ids=["none", "text", "tuple", "number", "object"],
    )
    def test_a_dispatch_uid_is_text(
        self, installed: Apps, shop: ModuleType, uid: Any, text: str | None
    ) -> None:
        shop.silent.connect(plain, dispatch_uid=uid)
        assert entry_of(installed).dispatch_uid == text

    def test_a_dispatch_uid_that_cannot_be_described_is_no_failure(
        self, installed: Apps, shop: ModuleType
    ) -> None:
        class Sulking:
            def __repr__(self) -> str:
                raise ValueError

        shop.silent.connect(plain, dispatch_uid=Sulking())
        assert "Sulking" in str(entry_of(installed).dispatch_uid)

    @pytest.mark.parametrize(
        ("sender", "pattern"),
        [
            (Customer, "Customer"),
            (Customer, "*inventory.Customer"),
            ("a text", "a *"),
            (ByName(), "<the*"),
            (plain, "plain"),
        ],
        ids=["class", "class in full", "text", "object", "function"],
    )
    def test_a_sender_is_found_by_the_name_that_a_trace_gives_it(
        self, installed: Apps, shop: ModuleType, sender: Any, pattern: str
    ) -> None:
        shop.silent.connect(plain, sender=sender)
        shop.silent.connect(within)
        (found,) = find_connections("silent", sender=pattern, installed=installed)
        assert found.short_receiver == "plain"

    @pytest.mark.parametrize("pattern", ["nowhere.Order", "Order", "nowhere.*", None])
    def test_who_waits_for_a_model_that_is_not_there_comes_last(
        self, installed: Apps, pattern: str | None
    ) -> None:
        with (
            post_save.connected_to(plain, sender="nowhere.Order"),
            post_save.connected_to(later, sender=Customer),
        ):
            entries = find_connections("post_save", sender=pattern, installed=installed)
            (signal,) = find_signals("post_save", installed=installed)
        entry = entries[-1]
        assert (entry.sender, entry.sender_path) == ("nowhere.Order", None)
        assert [entry.sender_exists for entry in entries][-2:] == ([False], [True, False])[
            pattern is None
        ]
        assert signal.connections[-1] == entry

    def test_a_sender_that_refuses_to_be_looked_at_is_no_failure(
        self, installed: Apps, shop: ModuleType
    ) -> None:
        class Proxy:
            __name__ = property(lambda self: 1 / 0)

            def __repr__(self) -> str:
                return "<nothing behind it>"

        proxy = Proxy()
        shop.silent.connect(plain, sender=proxy)
        entry = entry_of(installed)
        assert (entry.sender, entry.sender_path) == ("<nothing behind it>", None)

    def test_a_receiver_is_found_by_its_short_or_full_name(
        self, installed: Apps, shop: ModuleType
    ) -> None:
        for receiver in (plain, within, later):
            shop.silent.connect(receiver)

        def found(pattern: str) -> list[str]:
            entries = find_connections("silent", receiver=pattern, installed=installed)
            return [entry.short_receiver for entry in entries]

        assert found("plain") == ["plain"]
        assert found(f"{__name__}.*") == ["plain", "within", "later"]
        assert found("[pl]*") == ["plain", "later"]

    def test_a_filter_that_nothing_matches_is_named(
        self, installed: Apps, shop: ModuleType
    ) -> None:
        shop.silent.connect(plain, sender=Customer)
        with pytest.raises(NotFound, match="the signal 'silent' and the sender 'Nobody'"):
            find_connections("silent", sender="Nobody", installed=installed)
        with pytest.raises(NotFound, match="the sender 'Customer' and the receiver 'within'"):
            find_connections(sender="Customer", receiver="within", installed=installed)
        with pytest.raises(NotFound, match="no signal that matches 'quiet'"):
            find_connections("quiet", sender="Customer", installed=installed)


class TestSource:
    def test_a_function_begins_with_its_decorators(self, installed: Apps, shop: ModuleType) -> None:
        shop.silent.connect(within)
        entry = entry_of(installed)
        assert entry.source == (
            "@decorated\n"
            "def within(**named: Any) -> str:\n"
            '    """Stands in the source."""\n'
            '    return "within"\n'
        )
        assert entry.line == inspect.unwrap(within).__code__.co_firstlineno

    def test_a_bound_method_a_callable_object_and_a_partial(
        self, installed: Apps, shop: ModuleType
    ) -> None:
        bell, prepared = Bell(), functools.partial(needy, "more")
        for receiver in (bell.ring, bell, prepared):
            shop.silent.connect(receiver)
        found = find_connections("silent", installed=installed)
        assert [(entry.short_receiver, entry.source) for entry in found] == [
            ("ring", "    def ring(self, **named: Any) -> None: ...\n"),
            ("Bell", "    def __call__(self, **named: Any) -> None: ...\n"),
            ("needy", "def needy(extra: str, **named: Any) -> None: ...\n"),
        ]

    def test_a_lambda(self, installed: Apps, shop: ModuleType) -> None:
        shop.silent.connect(
            lambda **named: ("of", named),
            weak=False,
        )
        assert entry_of(installed).source == '            lambda **named: ("of", named),\n'

    @pytest.mark.parametrize("filename", ["<stdin>", "/nowhere/at/all.py", ""])
    def test_what_stands_in_no_file_has_none(
        self, installed: Apps, shop: ModuleType, filename: str
    ) -> None:
        namespace: dict[str, Any] = {"__name__": __name__}
        exec(compile("def typed(**named): ...", filename, "exec"), namespace)
        shop.silent.connect(namespace["typed"])
        assert entry_of(installed).source is None

    def test_what_is_compiled_has_neither_place_nor_source(
        self, installed: Apps, shop: ModuleType
    ) -> None:
        class Compiled:
            __call__ = print
            __signature__ = inspect.signature(plain)

        compiled = Compiled()
        shop.silent.connect(compiled)
        entry = entry_of(installed)
        assert (entry.file, entry.line, entry.source) == ("", 0, None)

    @pytest.mark.parametrize("text", ["", "\n", "'''\n", "  (\n", "\x00", "def f(:\n", "\udcff"])
    def test_a_file_that_was_changed_since_is_no_failure(
        self, installed: Apps, shop: ModuleType, tmp_path: Path, text: str
    ) -> None:
        file = tmp_path / "changing.py"
        namespace: dict[str, Any] = {"__name__": __name__}
        exec(compile("def typed(**named): ...", str(file), "exec"), namespace)
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
        shop.silent.connect(namespace["typed"])
        source = entry_of(installed).source
        assert source is None or source.rstrip("\n") in text
